"""Fit a reward model on a project's judgements."""

from typing import Any

from django.core.management.base import CommandError

from annotation.errors import AnnotationError
from annotation.files.export import find_project
from rewardmodel.errors import RewardModelError
from rewardmodel.fits import request_fit
from runs.commands import RunCommand, read_config


class Command(RunCommand):
    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            project = find_project(options["project"])
            config = read_config(options["config"])
            self.start(options, lambda: request_fit(project=project, config=config))
        except (AnnotationError, RewardModelError) as error:
            raise CommandError(str(error)) from error
