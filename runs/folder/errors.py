"""Errors that a child ends with. Their message reaches the run's page, so it says what to do.

RunError
├── BadInput       the config, a file or a base cannot be used as it is
├── FolderInUse    another process writes this folder
└── RankLost       another process of the same training is gone
Stopped            not a failure: a stop was asked for
"""


class RunError(Exception):
    """The run cannot go on; the message says why and what to do."""


class BadInput(RunError):
    """The config, an input file or a base cannot be used as it is."""


class FolderInUse(RunError):
    """Another process writes this run's folder: wait for it, or end it."""


class RankLost(RunError):
    """Another process of the same training is gone, by a signal or a failure of its own."""


class Stopped(BaseException):
    """A stop was asked for. What was worth keeping is in the checkpoint; start again to go on from it.

    No Exception: what tries whether a base can be used, and takes any error for the answer, lets it through.
    """
