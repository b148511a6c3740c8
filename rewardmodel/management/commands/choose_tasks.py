"""Ask first what the active reward model is unsure of."""

import json
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.errors import AnnotationError
from annotation.files.export import find_project
from rewardmodel import choosing
from rewardmodel.errors import RewardModelError
from runs.commands import RunCommand


class Command(RunCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--here", action="store_true", help="in the foreground, without a worker")
        parser.add_argument(
            "--forget", action="store_true", help="ask in the order in which tasks were made again"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            project = find_project(options["project"])
            if options["forget"]:
                sys.stdout.write(json.dumps({"moved": choosing.forget(project=project)}) + "\n")
            else:
                self.start(options, lambda: choosing.request_choice(project=project))
        except (AnnotationError, RewardModelError) as error:
            raise CommandError(str(error)) from error
