"""Make a project: one behaviour wanted of a policy."""

from typing import Any

from django.core.management.base import CommandParser

from annotation import configuring
from annotation.commands import AnnotationCommand


class Command(AnnotationCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="its short name in addresses and commands")
        configuring.add_options(parser)

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        settings = configuring.settings_of(options)
        return configuring.described(configuring.create(slug=options["slug"], settings=settings))
