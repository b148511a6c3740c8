"""What commands share, and those that start runs: the project, a config file, queued or here, one JSON object out."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs.foreground import run_here
from runs.models import Run


class ConcordCommand(BaseCommand):
    """A command that begins at once. What Django's checks look at is the code, which the tests have checked
    (tests/config/test_checks.py); here they would load every page, and a start would take half as long again."""

    requires_system_checks = []


class RunCommand(ConcordCommand):
    """A command that requests a run. With ``--here`` it carries it out; without, it prints the queued run's id."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument(
            "--config", metavar="FILE", help="a JSON object of fields that differ from their defaults"
        )
        parser.add_argument("--here", action="store_true", help="in the foreground, without a worker")

    def start(self, options: dict[str, Any], request: Callable[[], Run]) -> None:
        """Queue the run or carry it out, and print one JSON object. CommandError where it did not succeed."""
        run = run_here(request) if options["here"] else request()
        answer = {"run": run.pk, "kind": run.kind, "status": run.status, **run.result}
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
        if options["here"] and run.status != Run.Status.SUCCEEDED:
            raise CommandError(run.reason or f"run {run.pk} is {run.status}: start a worker to go on with it")


def read_config(path: str | None) -> dict[str, Any]:
    """The JSON object in a config file; {} without one. Raises CommandError."""
    if path is None:
        return {}
    try:
        config = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{path}: {error}") from error
    if not isinstance(config, dict):
        raise CommandError(f"{path} must hold one JSON object")
    return config
