"""Make a project: one behaviour wanted of a policy."""

from typing import Any

from django.core.management.base import CommandParser

from annotation.commands import AnnotationCommand, read_guidelines
from annotation.people import create_project


class Command(AnnotationCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="its short name in addresses and commands")
        parser.add_argument("--name", default="", metavar="N")
        parser.add_argument("--completions-per-task", type=int, default=4, metavar="K")
        parser.add_argument("--annotators-per-task", type=int, default=1, metavar="N")
        parser.add_argument("--guidelines", metavar="FILE", help="markdown; - is stdin")

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        project = create_project(
            slug=options["slug"],
            name=options["name"],
            completions_per_task=options["completions_per_task"],
            annotators_per_task=options["annotators_per_task"],
            guidelines="" if options["guidelines"] is None else read_guidelines(options["guidelines"]),
        )
        return {
            "project": project.slug,
            "name": project.name,
            "completions_per_task": project.completions_per_task,
            "annotators_per_task": project.annotators_per_task,
        }
