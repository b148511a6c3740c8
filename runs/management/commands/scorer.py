"""Keep reward models and policies loaded and answer what is asked of them, until SIGTERM or Ctrl+C."""

import signal
from types import FrameType
from typing import Any

from runs.commands import ConcordCommand
from runs.resident import serving


class Command(ConcordCommand):
    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        """One question more may be answered after the signal."""
        stopped = False

        def stop(number: int, frame: FrameType | None) -> None:
            nonlocal stopped
            stopped = True

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        serving.serve(lambda: stopped)
