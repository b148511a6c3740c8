"""Change what a project asks of its annotators: only what is named changes."""

from typing import Any

from django.core.management.base import CommandParser

from annotation.commands import AnnotationCommand, read_guidelines
from annotation.files import intake
from annotation.files.export import find_project

NUMBERS = {
    "completions_per_task": (int, "K", "completions of a task that is sampled from now on"),
    "annotators_per_task": (int, "N", "how many judge a task; tasks that are there follow"),
    "lease_seconds": (int, "S", "until a task that nobody works on is free again"),
    "revise_hours": (int, "H", "for so long annotators may change what they submitted; 0: never"),
    "random_share": (float, "P", "share of tasks drawn at random instead of by priority, 0 to 1"),
}


class Command(AnnotationCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--name", metavar="N")
        parser.add_argument(
            "--guidelines", metavar="FILE", help="markdown; - is stdin; other ones are the next version"
        )
        for name, (kind, metavar, words) in NUMBERS.items():
            parser.add_argument(f"--{name.replace('_', '-')}", type=kind, metavar=metavar, help=words)

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        project = find_project(options["project"])
        changes = {name: options[name] for name in ("name", *NUMBERS) if options[name] is not None}
        if options["guidelines"] is not None:
            changes["guidelines"] = read_guidelines(options["guidelines"])
        project = intake.configure_project(project=project, **changes)
        return {
            "project": project.slug,
            "name": project.name,
            "guideline_version": project.guideline_version,
            **{name: getattr(project, name) for name in NUMBERS},
        }
