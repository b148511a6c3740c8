"""A kind of rows as lines."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Protocol

from django.db import transaction
from django.db.models import QuerySet

from annotation.errors import BadRequest, UnknownProject
from annotation.files.collector import few_collections
from annotation.files.export import answers, demonstrations, pairs, prompts, rankings, ratings, remarks, tasks
from annotation.files.export.scope import Scope
from annotation.files.jsonl.kinds import KINDS
from annotation.files.jsonl.provenance import SPLITS
from annotation.files.jsonl.writing import line_of
from annotation.models import Demonstration, Project, Prompt, Ranking, Rating, Task

FORMS = ("text", "chat")
# So many lines go out together: one by one they cost more than to make.
LINES_AT_ONCE = 200
# Of each kind but pairs, which makes its lines itself.
_VALUES: dict[str, Callable[[Scope], Iterator[dict[str, Any]]]] = {
    "prompts": prompts.values,
    "completions": tasks.values,
    "demonstrations": demonstrations.values,
    "rankings": rankings.values,
    "ratings": ratings.values,
    "gold": tasks.gold,
    "gold_rankings": rankings.gold,
    "repeats": rankings.repeats,
    "adjudications": rankings.adjudications,
    "flags": remarks.flags,
    "skips": remarks.skips,
    "answers": answers.values,
}

# Of each kind but pairs: its rows, and where their prompt is.
_ROWS: "dict[str, tuple[Callable[[], QuerySet[Any]], str]]" = {
    "prompts": (Prompt.objects.kept, ""),
    "completions": (Task.objects.ranked, "prompt"),
    "demonstrations": (Demonstration.objects.accepted, "prompt"),
    "rankings": (Ranking.objects.collected, "task__prompt"),
    "ratings": (Rating.objects.kept, "completion__prompt"),
    "gold": (Task.objects.gold, "prompt"),
    "gold_rankings": (partial(rankings.made_for, Task.Purpose.GOLD), "task__prompt"),
    "repeats": (partial(rankings.made_for, Task.Purpose.REPEAT), "task__prompt"),
    "adjudications": (partial(rankings.made_for, Task.Purpose.ADJUDICATION), "task__prompt"),
    "flags": (remarks.kept_flags, "prompt"),
    "skips": (remarks.kept_skips, "task__prompt"),
}


class Writable(Protocol):
    """Whatever takes text."""

    def write(self, text: str, /) -> object: ...


@dataclass
class ExportReport:
    """How many lines were written, and for pairs how many ties were left out."""

    lines: int = 0
    ties_left_out: int = 0


def find_project(slug: str) -> Project:
    """The project with this slug. Raises UnknownProject."""
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        raise UnknownProject(
            f"There is no project {slug!r}. Whoever runs Concord makes it with: manage.py create_project {slug}"
        )
    return project


def lines(*, project: Project, kind: str, split: str | None = None, form: str | None = None) -> Iterator[str]:
    """The lines of ``kind``, through a server-side cursor: read them within one transaction that does nothing else.

    ``split`` and ``form`` narrow the prompts. Raises BadRequest.
    """
    return _lines(kind, _scope(project, kind, split, form))


def streamed(
    *,
    project: Project,
    kind: str,
    split: str | None = None,
    form: str | None = None,
    only: "Callable[[], QuerySet[Any]] | None" = None,
) -> Iterator[str]:
    """The lines of ``kind``, some at once, as an answer that is sent while it is made: of one moment.

    ``only`` gives the rows that are meant, where that is not all of them. Raises BadRequest at once, while it can still
    be said.
    """
    with transaction.atomic():
        _scope(project, kind, split, form, only() if only else None)
    return _streamed(project, kind, split, form, only)


def _streamed(
    project: Project,
    kind: str,
    split: str | None,
    form: str | None,
    only: "Callable[[], QuerySet[Any]] | None",
) -> Iterator[str]:
    with transaction.atomic():
        scope = _scope(project, kind, split, form, only() if only else None)
        lines = _lines(kind, scope)
        while batch := list(islice(lines, LINES_AT_ONCE)):
            yield "".join(batch)


def _lines(kind: str, scope: Scope) -> Iterator[str]:
    return pairs.lines(scope) if kind == "pairs" else map(line_of, _VALUES[kind](scope))


def require_named(kinds: Collection[str], kind: str | None, split: str | None, form: str | None) -> None:
    """Raises BadRequest where one of them is named and there is none of that name."""
    for value, allowed, name in ((kind, kinds, "kind"), (split, SPLITS, "split"), (form, FORMS, "form")):
        if value is not None and value not in allowed:
            raise BadRequest(f"There is no {name} {value!r}: it is one of {', '.join(allowed)}.")


def check(*, project: Project, kind: str, split: str | None = None, form: str | None = None) -> None:
    """Whether such an export can be made. Raises BadRequest."""
    _scope(project, kind, split, form)


def count(*, project: Project, kind: str, split: str | None = None, form: str | None = None) -> int:
    """How many lines an export has. Raises BadRequest."""
    scope = _scope(project, kind, split, form)
    if kind == "pairs":
        return pairs.counted(scope).strict
    rows, prompt = _ROWS[kind]
    return int(scope.narrow(rows().filter(project=project), prompt).count())


@few_collections()
@transaction.atomic
def write(
    *,
    project: Project,
    kind: str,
    out: Writable,
    split: str | None = None,
    form: str | None = None,
    watch: Callable[[int], None] = lambda lines: None,
) -> ExportReport:
    """Write the lines of ``kind``; ``watch`` hears every thousand lines, and at the end, how many are out.

    Raises BadRequest.
    """
    scope = _scope(project, kind, split, form)
    report = ExportReport()
    rows = _lines(kind, scope)
    while batch := list(islice(rows, LINES_AT_ONCE)):
        out.write("".join(batch))
        report.lines += len(batch)
        if report.lines % 1000 == 0:
            watch(report.lines)
    watch(report.lines)
    if kind == "pairs":
        report.ties_left_out = pairs.counted(scope).ties
    return report


def _scope(
    project: Project,
    kind: str,
    split: str | None,
    form: str | None,
    only: "QuerySet[Any] | None" = None,
) -> Scope:
    require_named((*KINDS, "answers"), kind, split, form)
    scope = Scope(project, split, form, only)
    if kind == "pairs" and form is None:
        pairs.check_one_form(scope)
    return scope
