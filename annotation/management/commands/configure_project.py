"""Change what a project asks of its annotators: only what is named changes."""

from typing import Any

from django.core.management.base import CommandParser

from annotation import configuring
from annotation.commands import AnnotationCommand
from annotation.files.export import find_project


class Command(AnnotationCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        configuring.add_options(parser)

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        settings = configuring.settings_of(options)
        project = find_project(options["project"])
        return configuring.described(configuring.configure(project=project, settings=settings))
