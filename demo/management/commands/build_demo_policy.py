"""manage.py build_demo_policy [--output DIR] [--seed N]"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from demo.build import Recipe, build
from demo.project import POLICY_FOLDER
from runs.commands import ConcordCommand
from runs.folder.errors import RunError
from runs.folder.progress import Reading


class Command(ConcordCommand):
    """Train the demo's policy from scratch on text written for it. Needs no database and no network."""

    help = "Train the demo's policy from scratch and replace the folder that holds it: minutes on two cores."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--output", type=Path, default=POLICY_FOLDER, metavar="DIR", help="replaced as a whole"
        )
        parser.add_argument(
            "--seed", type=int, default=Recipe.seed, help="of data, first weights and samples"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with tempfile.TemporaryDirectory() as work, tqdm(total=0, unit="") as bar:
            try:
                figures = build(
                    Path(work),
                    options["output"],
                    Recipe(seed=options["seed"]),
                    lambda reading: _draw(bar, reading),
                )
            except RunError as error:
                raise CommandError(str(error)) from error
        answer = {
            "policy": str(options["output"]),
            "parameters": figures.parameters,
            "seconds": round(figures.training_seconds),
            "facts_stated": round(figures.facts_stated, 3),
            "faultless": round(figures.faultless, 3),
        }
        sys.stdout.write(json.dumps(answer) + "\n")


def _draw(bar: "tqdm[Any]", reading: Reading) -> None:
    bar.total = reading.total
    bar.n = reading.done
    bar.set_description(reading.doing)
