"""Export a version in the shape that others load: a folder for transformers, or for peft, with a model card."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.errors import AnnotationError
from annotation.files.export import find_project
from rewardmodel import handing_over as of_reward_models
from rewardmodel.activation import require_version
from rewardmodel.errors import RewardModelError
from rltrainer import handing_over as of_policies
from rltrainer.errors import PolicyError
from rltrainer.policies import require_policy
from runs.commands import ConcordCommand
from runs.errors import RunsError
from runs.folder.errors import RunError


class Command(ConcordCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--reward-model", type=int, metavar="N", help="the number of a version")
        which.add_argument("--policy", type=int, metavar="N", help="the number of a version")
        parser.add_argument("--output", required=True, type=Path, metavar="FOLDER", help="a new one")
        parser.add_argument("--adapter", action="store_true", help="only what LoRA learnt, for peft")
        parser.add_argument("--license", default="other", metavar="NAME", help="what its card says")
        parser.add_argument("--push", metavar="REPO", help="and upload it to a hub, as OWNER/NAME")

    def handle(self, *args: Any, **options: Any) -> None:
        how = {name: options[name] for name in ("output", "adapter", "license")}
        try:
            project = find_project(options["project"])
            if options["policy"] is not None:
                policy = require_policy(project=project, number=options["policy"])
                report = of_policies.hand_over(version=policy, **how)
            else:
                version = require_version(project=project, number=options["reward_model"])
                report = of_reward_models.hand_over(version=version, **how)
            if options["push"]:
                report["pushed"] = _push(options["output"], options["push"])
        except (AnnotationError, RewardModelError, PolicyError, RunsError, RunError) as error:
            raise CommandError(str(error)) from error
        sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")


def _push(folder: Path, repository: str) -> str:
    from runs.pushing import push  # its import takes half a second, and few exports are pushed

    return push(folder, repository)
