"""Have a reward model score every completion that it has not scored yet."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.errors import AnnotationError
from annotation.files.export import find_project
from rewardmodel import activation, rewards
from rewardmodel.errors import RewardModelError
from runs.commands import RunCommand


class Command(RunCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--here", action="store_true", help="in the foreground, without a worker")
        parser.add_argument("--number", type=int, metavar="N", help="of the version; else the active one")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            project, number = find_project(options["project"]), options["number"]
            version = (
                activation.require_active(project)
                if number is None
                else activation.require_version(project=project, number=number)
            )
            self.start(options, lambda: rewards.request_scoring(version=version))
        except (AnnotationError, RewardModelError) as error:
            raise CommandError(str(error)) from error
