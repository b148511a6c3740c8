"""How far a project's annotators agree, as one JSON object."""

from typing import Any

from django.core.management.base import CommandParser

from annotation.commands import AnnotationCommand
from annotation.files.export import find_project
from annotation.quality.agreement import agreement_of


class Command(AnnotationCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        return agreement_of(project=find_project(options["project"]))
