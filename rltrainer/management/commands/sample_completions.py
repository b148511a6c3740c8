"""Sample a policy into new tasks to be ranked."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.errors import AnnotationError
from annotation.files.export import find_project
from rltrainer.errors import PolicyError
from rltrainer.policies import require_policy
from rltrainer.sampling import request_sampling
from runs.commands import RunCommand, read_config


class Command(RunCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--policy", type=int, metavar="ID", help="number of a policy version; the current one without"
        )
        parser.add_argument("--prompts", type=int, default=100, metavar="N")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["prompts"] < 1:
            raise CommandError("--prompts must be at least 1")
        try:
            project = find_project(options["project"])
            policy = require_policy(project=project, number=options["policy"])
            config = read_config(options["config"])
            self.start(
                options,
                lambda: request_sampling(
                    project=project, policy=policy, prompts=options["prompts"], config=config
                ),
            )
        except (AnnotationError, PolicyError) as error:
            raise CommandError(str(error)) from error
