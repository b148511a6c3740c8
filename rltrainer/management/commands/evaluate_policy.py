"""Compare policies on the same held-out prompts."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.errors import AnnotationError
from annotation.files.export import find_project
from rltrainer.errors import PolicyError
from rltrainer.evaluation import request_evaluation
from rltrainer.policies import require_policy
from runs.commands import RunCommand, read_config


class Command(RunCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--policies", type=int, nargs="+", required=True, metavar="ID", help="numbers of policy versions"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            project = find_project(options["project"])
            versions = [require_policy(project=project, number=number) for number in options["policies"]]
            config = read_config(options["config"])
            self.start(options, lambda: request_evaluation(project=project, versions=versions, config=config))
        except (AnnotationError, PolicyError) as error:
            raise CommandError(str(error)) from error
