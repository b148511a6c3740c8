"""Stops at chosen moments of a training, as if SIGTERM came just then."""

from collections.abc import Callable

from runs.folder.stopping import StopSignal


class StopAt(StopSignal):
    """Asks for a stop when it is looked at for the n-th time, from 0."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.left = looks

    def __bool__(self) -> bool:
        self.left -= 1
        return self.left < 0


class StopWhen(StopSignal):
    """Asks for a stop when it is looked at while ``condition`` holds."""

    def __init__(self, condition: Callable[[], bool]) -> None:
        super().__init__()
        self.condition = condition

    def __bool__(self) -> bool:
        return self.condition()


class Looks(StopSignal):
    """Never asks for a stop; ``count`` is how often it was looked at."""

    count = 0

    def __bool__(self) -> bool:
        self.count += 1
        return False
