"""The kinds of run that the apps register when they are ready; ``runs`` itself knows no stage."""

from collections.abc import Callable
from dataclasses import dataclass

from runs.errors import UnknownKind
from runs.folder.folder import RunFolder
from runs.models import Run


@dataclass(frozen=True)
class Kind:
    """What one kind of run does at each joint.

    ``prepare`` writes the folder's inputs; it may be called again after a crash, until it has written the
    config. ``command`` is the child's argv. ``finish`` reads the output and runs in the transaction
    that marks the run succeeded, so that a version exists exactly when its run succeeded. ``project``
    is the slug of the run's project, for permissions and pages.
    """

    name: str
    title: str
    prepare: Callable[[Run, RunFolder], None]
    command: Callable[[Run, RunFolder], list[str]]
    finish: Callable[[Run, RunFolder], None]
    project: Callable[[Run], str]


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Called from an app's ``ready``. Registering a name twice with another kind is a mistake of ours."""
    if _kinds.setdefault(kind.name, kind) is not kind:
        raise ValueError(f"two kinds of run are named {kind.name!r}")


def kind_of(run: Run) -> Kind:
    """The kind of ``run``. Raises UnknownKind."""
    try:
        return _kinds[run.kind]
    except KeyError:
        raise UnknownKind(f"no kind of run is named {run.kind!r}") from None
