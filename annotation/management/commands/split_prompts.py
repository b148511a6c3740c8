"""Split a project's prompts anew into train, validation and test: by their first user turn, or by the whole prompt."""

from typing import Any

from django.core.management.base import CommandParser

from annotation.commands import AnnotationCommand
from annotation.files.export import find_project
from annotation.files.splitting import SplitBy, in_one_split, split_prompts


class Command(AnnotationCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument(
            "--by",
            required=True,
            choices=SplitBy.values,
            help="opening keeps dialogues that begin alike together; prompt parts all that differ",
        )

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        project = find_project(options["project"])
        counts = split_prompts(project=project, by=options["by"])
        alone = in_one_split(project)
        if alone is not None:
            self.stderr.write(alone.words)
        elif not any(counts.values()):
            self.stderr.write("The project has no prompts yet. Those to come will be split like this.")
        return {"project": project.slug, "prompts": counts}
