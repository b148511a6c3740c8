"""The kinds of run that the apps register when they are ready; ``runs`` itself knows no stage."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.contrib.auth.models import User
from django.db.models import Model, QuerySet

from runs import lifecycle
from runs.errors import NotAgain, RunNotEnded, UnknownKind
from runs.folder.folder import RunFolder
from runs.models import Run, RunQuerySet

Output = TypeVar("Output")


@dataclass(frozen=True)
class Kind(Generic[Output]):
    """What one kind of run does at each joint.

    ``prepare`` writes the folder's inputs; it may be called again after a crash, until it has written the
    config. ``command`` is the child's argv. ``store`` reads the output and puts what is kept into the
    artifacts' storage, outside of any transaction: it may take minutes and may be called again, since what
    it stores is named by its digest. What it returns goes to ``finish``, which writes rows alone and runs in
    the transaction that marks the run succeeded, so that a version exists exactly when its run succeeded.
    ``row`` names the row of the kind's app, one-to-one with the run, that holds project and inputs; empty
    where runs of the kind are nobody's. ``lasting`` names what stays in the folder of a succeeded run when old
    folders are cleaned (runs.cleaning). ``again`` queues another run that asks for the same, by whoever wants it; None
    where that cannot be. ``resumes``: after a failure or a cancellation it can go on from its checkpoint.
    ``follow`` stores what the child has written so far, while it works and once more when it has left, however it
    did: rows that stay, whatever becomes of the run. It may be called again for the same output.
    """

    name: str
    title: str
    prepare: Callable[[Run, RunFolder], None]
    command: Callable[[Run, RunFolder], list[str]]
    store: Callable[[Run, RunFolder], Output]
    finish: Callable[[Run, Output], None]
    row: str
    lasting: tuple[str, ...] = ()
    again: Callable[[Run, User | None], Run] | None = None
    resumes: bool = False
    follow: Callable[[Run, RunFolder], None] | None = None

    def project(self, run: Run) -> str:
        """The slug of the run's project, for permissions and pages; empty where it has none."""
        return str(getattr(run, self.row).project.slug) if self.row else ""


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


def titles() -> list[tuple[str, str]]:
    """The name and title of every kind, by title."""
    return sorted(((kind.name, kind.title) for kind in _kinds.values() if kind.row), key=lambda one: one[1])


def runs_of(*projects: Model) -> RunQuerySet:
    """All runs of a project or of several, newest first, of every kind that is registered.

    Each kind's rows are looked up by their own index: joined to the runs, all of them, Postgres would read the runs of
    every project, and plan for ten milliseconds.
    """
    names = sorted({kind.row for kind in _kinds.values() if kind.row})
    first, *others = (
        _rows_of(name).filter(project__in=projects).order_by().values("run_id") for name in names
    )
    return Run.objects.filter(pk__in=first.union(*others, all=True))


def _rows_of(name: str) -> QuerySet[Any]:
    """The rows of the kinds whose row has this name."""
    model = Run._meta.get_field(name).related_model
    assert model is not None
    return model._default_manager.all()


def request_again(*, run: Run, created_by: User | None) -> Run:
    """Queue another run that asks for the same. Raises NotAgain, and what the kind raises."""
    again = kind_of(run).again
    if again is None:
        raise NotAgain(f"Run {run.pk} cannot be asked for again: what it began with is not kept.")
    return again(run, created_by)


def request_resume(*, run: Run) -> None:
    """Let a run go on from its checkpoint after a failure or a cancellation. Raises RunNotEnded."""
    if not kind_of(run).resumes:
        raise RunNotEnded(f"Run {run.pk} keeps no checkpoint: ask for it again.")
    lifecycle.resume(run=run)
