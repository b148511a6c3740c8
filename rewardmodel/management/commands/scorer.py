"""Keep reward models loaded and answer requests for scores, until SIGTERM or Ctrl+C."""

import signal
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from rewardmodel import scorer


class Command(BaseCommand):
    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        """One request more may be answered after the signal."""
        stopped = False

        def stop(number: int, frame: FrameType | None) -> None:
            nonlocal stopped
            stopped = True

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        scorer.serve(lambda: stopped)
