"""What ``demo`` and ``serve`` share: where to listen, and the start itself."""

import argparse
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from config import env
from config.running.launch import launch
from runs.commands import ConcordCommand


class LaunchCommand(ConcordCommand):
    """A command that starts everything and stays until Ctrl+C. A subclass says what it prepares."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=env.text("HOST", "127.0.0.1"))
        parser.add_argument(
            "--port", type=_port, default=env.integer("PORT", default=8000, least=1, most=65535)
        )

    def handle(self, *args: Any, **options: Any) -> None:
        launch(
            host=options["host"],
            port=options["port"],
            home=Path(settings.HOME),
            own_database=bool(settings.OWN_DATABASE),
            prepare=self.prepare,
        )

    def prepare(self) -> str:
        """Make what the pages need; returns what is printed when they answer."""
        raise NotImplementedError


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a whole number from 1 to 65535")
    return int(text)
