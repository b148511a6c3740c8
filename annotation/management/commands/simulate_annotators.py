"""Rank tasks by simulated annotators, marked as such, for trials and load."""

from typing import Any

from django.core.management.base import CommandParser

from annotation.commands import AnnotationCommand
from annotation.export import find_project
from annotation.simulated import simulate


class Command(AnnotationCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--rankings", type=int, required=True, metavar="N")
        parser.add_argument(
            "--preference",
            required=True,
            metavar="NAME",
            help="length, noise:P (P from 0 to 1) or attributes",
        )
        parser.add_argument("--annotators", type=int, default=3, metavar="N")
        parser.add_argument("--seed", type=int, help="makes random orders repeatable")

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        return simulate(
            project=find_project(options["project"]),
            rankings=options["rankings"],
            preference=options["preference"],
            annotators=options["annotators"],
            seed=options["seed"],
        )
