"""Judge tasks by simulated annotators, marked as such, for trials and load: rank, rate and write, as the queue asks."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.commands import AnnotationCommand
from annotation.files.export import find_project
from rewardmodel.errors import RewardModelError
from rewardmodel.simulating import shortfall, simulate_by


class Command(AnnotationCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--judgements", type=int, required=True, metavar="N")
        parser.add_argument(
            "--preference",
            required=True,
            metavar="NAME",
            help="length, noise:P (P from 0 to 1), attributes, or reward:N (a reward model version, or active)",
        )
        parser.add_argument("--annotators", type=int, default=3, metavar="N")
        parser.add_argument(
            "--keep",
            type=int,
            metavar="N",
            help="tasks of each kind to leave for people; 10 in a demo, else 0",
        )
        parser.add_argument("--seed", type=int, help="makes random orders repeatable")

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = simulate_by(
                project=find_project(options["project"]),
                judgements=options["judgements"],
                preference=options["preference"],
                annotators=options["annotators"],
                keep=options["keep"],
                seed=options["seed"],
            )
        except RewardModelError as error:
            raise CommandError(str(error)) from error
        if answer["paused"]:
            self.stderr.write(f"Paused, so left out: {', '.join(answer['paused'])}.")
        if words := shortfall(answer):
            self.stderr.write(words)
        return answer
