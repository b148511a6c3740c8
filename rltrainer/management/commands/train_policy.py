"""Train a policy: SFT from demonstrations, or PPO or REINFORCE against the active reward model."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.errors import AnnotationError
from annotation.files.export import find_project
from rewardmodel.errors import RewardModelError
from rltrainer.errors import PolicyError
from rltrainer.models import Training
from rltrainer.training import request_training
from runs.commands import RunCommand, read_config


class Command(RunCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--algorithm", required=True, choices=Training.Algorithm.values)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            project = find_project(options["project"])
            config = read_config(options["config"])
            self.start(
                options,
                lambda: request_training(project=project, algorithm=options["algorithm"], config=config),
            )
        except (AnnotationError, RewardModelError, PolicyError) as error:
            raise CommandError(str(error)) from error
