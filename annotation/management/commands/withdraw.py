"""Take a person's or a prompt's data back: erase its text, and list everything that had used it."""

from typing import Any

from django.core.management.base import CommandParser

from annotation.commands import AnnotationCommand
from annotation.files.export import find_project
from annotation.withdrawal import erasure


class Command(AnnotationCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--annotator", metavar="NAME", help="the pseudonym")
        what.add_argument("--prompt", metavar="ID", help="the public id")

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        project = find_project(options["project"])
        if options["annotator"] is not None:
            withdrawal = erasure.withdraw_annotator(project=project, pseudonym=options["annotator"])
        else:
            withdrawal = erasure.withdraw_prompt(project=project, public_id=options["prompt"])
        erasure.finish(withdrawal=withdrawal)
        return erasure.answer(withdrawal=withdrawal)
