"""Rank tasks by simulated annotators, marked as such, for trials and load."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.commands import AnnotationCommand
from annotation.files.export import find_project
from annotation.simulated import simulate
from rewardmodel.errors import RewardModelError
from rewardmodel.simulating import PREFIX, find_version, judge_by


class Command(AnnotationCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--rankings", type=int, required=True, metavar="N")
        parser.add_argument(
            "--preference",
            required=True,
            metavar="NAME",
            help="length, noise:P (P from 0 to 1), attributes, or reward:N (a reward model version, or active)",
        )
        parser.add_argument("--annotators", type=int, default=3, metavar="N")
        parser.add_argument("--seed", type=int, help="makes random orders repeatable")

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        project, preference = find_project(options["project"]), options["preference"]
        judge = None
        try:
            if preference.startswith(PREFIX):
                version = find_version(project=project, name=preference.removeprefix(PREFIX))
                preference = f"{PREFIX}{version.number}"
                judge = judge_by(version=version, tasks=max(options["rankings"], 0))
        except RewardModelError as error:
            raise CommandError(str(error)) from error
        answer = simulate(
            project=project,
            rankings=options["rankings"],
            preference=preference,
            judge=judge,
            annotators=options["annotators"],
            seed=options["seed"],
        )
        self._say(answer)
        return answer

    def _say(self, answer: dict[str, Any]) -> None:
        """What came otherwise than asked."""
        if answer["paused"]:
            self.stderr.write(f"Paused, so left out: {', '.join(answer['paused'])}.")
        if answer["rankings"] < answer["asked"]:
            self.stderr.write(
                f"{answer['rankings']} of {answer['asked']} rankings made: no task is left for these annotators."
            )
