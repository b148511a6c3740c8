"""Make tasks gold: a ranking of each is the expert's order that annotators are measured by."""

from typing import Any

from django.core.management.base import CommandParser

from annotation.checking.control import mark_gold
from annotation.commands import AnnotationCommand
from annotation.files.export import find_project


class Command(AnnotationCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--tasks", nargs="+", default=[], metavar="TASK", help="public ids or keys")
        parser.add_argument(
            "--from-annotator",
            metavar="NAME",
            help="whose order it is; without --tasks, all that they ranked",
        )

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        project = find_project(options["project"])
        marked = mark_gold(project=project, tasks=options["tasks"], from_annotator=options["from_annotator"])
        return {
            "project": project.slug,
            "gold": len(marked),
            "tasks": [str(task.public_id) for task in marked],
        }
