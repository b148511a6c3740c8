"""Make tasks to rate completions or to write answers, of prompts that the project holds."""

from typing import Any

from django.core.management.base import CommandParser

from annotation.commands import AnnotationCommand
from annotation.files.export import find_project
from annotation.files.intake import create_tasks


class Command(AnnotationCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--kind", required=True, choices=["rate", "demonstrate"])
        parser.add_argument("--prompts", type=int, default=50, metavar="N", help="at most this many tasks")
        parser.add_argument(
            "--completions", type=int, metavar="K", help="completions on one page to rate, 1 to 9"
        )

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        project = find_project(options["project"])
        count = create_tasks(
            project=project,
            kind=options["kind"],
            prompts=options["prompts"],
            completions=options["completions"],
        )
        return {"project": project.slug, "kind": options["kind"], "tasks": count}
