"""The kinds of run that the apps register when they are ready; ``runs`` itself knows no stage."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from runs.errors import UnknownKind
from runs.folder.folder import RunFolder
from runs.models import Run

Output = TypeVar("Output")


@dataclass(frozen=True)
class Kind(Generic[Output]):
    """What one kind of run does at each joint.

    ``prepare`` writes the folder's inputs; it may be called again after a crash, until it has written the
    config. ``command`` is the child's argv. ``store`` reads the output and puts what is kept into the
    artifacts' storage, outside of any transaction: it may take minutes and may be called again, since what
    it stores is named by its digest. What it returns goes to ``finish``, which writes rows alone and runs in
    the transaction that marks the run succeeded, so that a version exists exactly when its run succeeded.
    ``project`` is the slug of the run's project, for permissions and pages. ``lasting`` names what stays in
    the folder of a succeeded run when old folders are cleaned (runs.cleaning).
    """

    name: str
    title: str
    prepare: Callable[[Run, RunFolder], None]
    command: Callable[[Run, RunFolder], list[str]]
    store: Callable[[Run, RunFolder], Output]
    finish: Callable[[Run, Output], None]
    project: Callable[[Run], str]
    lasting: tuple[str, ...] = ()


_kinds: dict[str, Kind[Any]] = {}


def register(kind: Kind[Any]) -> None:
    """Called from an app's ``ready``. Registering a name twice with another kind is a mistake of ours."""
    if _kinds.setdefault(kind.name, kind) is not kind:
        raise ValueError(f"two kinds of run are named {kind.name!r}")


def kind_of(run: Run) -> Kind[Any]:
    """The kind of ``run``. Raises UnknownKind."""
    try:
        return _kinds[run.kind]
    except KeyError:
        raise UnknownKind(f"no kind of run is named {run.kind!r}") from None
