"""Make a project: one behaviour wanted of a policy."""

from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from annotation import configuring
from annotation.commands import AnnotationCommand
from annotation.people import create_project


class Command(AnnotationCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="its short name in addresses and commands")
        configuring.add_options(parser)

    @transaction.atomic
    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        settings = configuring.settings_of(options)
        first = {name: settings.pop(name) for name in ("name", "guidelines") if name in settings}
        project = create_project(slug=options["slug"], **first)
        return configuring.described(configuring.configure(project=project, settings=settings))
