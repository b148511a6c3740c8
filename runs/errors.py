"""Errors of runs.

RunsError
├── UnknownKind        no app registered this kind of run
├── RunNotActive       the run has already ended, so it cannot be cancelled
├── RunNotEnded        the run has not ended, or has succeeded: there is nothing to go on with
├── NotAgain           a run of this kind cannot be asked for again
├── BadTag             a tag is no word, or there are too many
├── NoScorer           no resident scorer answers; try again
├── NotAnswered        the scorer could not answer; the message is the reason
├── LeaseLost          another worker holds the run now: leave it alone
├── StoredUnderLock    files were to be stored inside a transaction, whose locks others would wait for
└── ArtifactMissing    an artifact's files are not in the storage, or not what their digest says
"""


class RunsError(Exception):
    """A request about a run that cannot be met."""


class UnknownKind(RunsError):
    """No app registered this kind of run."""


class RunNotActive(RunsError):
    """The run has already ended."""


class RunNotEnded(RunsError):
    """The run has not ended, or it has succeeded."""


class NotAgain(RunsError):
    """What a run of this kind began with is not kept, so it cannot be asked for again."""


class BadTag(RunsError):
    """A tag is no word, or there are too many of them."""


class NoScorer(RunsError):
    """No resident scorer answers: it is starting, or is not there at all. Try again."""


class NotAnswered(RunsError):
    """The resident scorer could not answer; the message is the reason."""


class LeaseLost(RunsError):
    """Another worker holds this run now."""


class StoredUnderLock(RunsError):
    """Files are stored before the transaction whose rows name them: others wait for what a transaction locks."""


class ArtifactMissing(RunsError):
    """An artifact's files are not in the storage, or they are not what their digest says."""
