"""Register a policy that was trained elsewhere: a folder or a hub's model, tried at once."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.errors import AnnotationError
from annotation.files.export import find_project
from rltrainer.errors import PolicyError
from rltrainer.registering import request_registration
from runs.commands import RunCommand


class Command(RunCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("base", metavar="NAME_OR_FOLDER")
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument(
            "--current", action="store_true", help="sample it, and start from it, from now on"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            project = find_project(options["project"])
            self.start(
                {**options, "here": True},
                lambda: request_registration(
                    project=project, base=options["base"], current=options["current"]
                ),
            )
        except (AnnotationError, PolicyError) as error:
            raise CommandError(str(error)) from error
