"""Compare reward model versions on one held-out set."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.errors import AnnotationError
from annotation.files.export import find_project
from rewardmodel import contests
from rewardmodel.errors import RewardModelError
from runs.commands import RunCommand


class Command(RunCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--here", action="store_true", help="in the foreground, without a worker")
        parser.add_argument(
            "--versions",
            type=int,
            nargs="+",
            default=[],
            metavar="N",
            help="numbers of versions; else the newest",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            project = find_project(options["project"])
            versions = contests.named(project=project, numbers=options["versions"])
            self.start(options, lambda: contests.request_contest(project=project, versions=versions))
        except (AnnotationError, RewardModelError) as error:
            raise CommandError(str(error)) from error
