"""Sources and annotators by their names: found, or made."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from annotation import locks
from annotation.files.intake.desk import Desk, KnownAnnotator, Numbered
from annotation.files.jsonl.errors import BadField
from annotation.files.jsonl.records import (
    DemonstrationLine,
    FlagLine,
    Judgement,
    RankingLine,
    RatingLine,
    Remark,
    SkipLine,
)
from annotation.models import Annotator, Project, Source

NOBODY = "anonymous"
J = TypeVar("J", RankingLine, RatingLine, DemonstrationLine, FlagLine, SkipLine)


def source_for(*, project: Project, kind: str, name: str) -> Source:
    """The project's source of this name, made with ``kind`` where it is new."""
    source, _ = Source.objects.get_or_create(project=project, name=name, defaults={"kind": kind})
    return source


def ensure_sources(desk: Desk, names: Iterable[str]) -> dict[str, int]:
    """The id of each source, by name; new ones are imports."""
    unknown = set(names) - desk.sources.keys()
    if unknown:
        rows = Source.objects.filter(project=desk.project, name__in=unknown)
        desk.sources.update(rows.values_list("name", "id"))
        missing = [name for name in sorted(unknown) if name not in desk.sources]
        new_sources = Source.objects.bulk_create(
            [Source(project=desk.project, kind=Source.Kind.IMPORT, name=name) for name in missing]
        )
        desk.sources.update((source.name, source.pk) for source in new_sources)
    return desk.sources


def person_source(annotator: Annotator, name: str | None = None) -> Source:
    """The source of what an annotator writes. Raises BadField where ``name`` is another's."""
    existing = Source.objects.filter(annotator=annotator).first()
    if existing is not None:
        return existing
    source_name = name or f"person:{annotator.pseudonym}"[:200]
    source = source_for(project=annotator.project, kind=Source.Kind.PERSON, name=source_name)
    if source.annotator_id is not None:
        raise BadField("annotator", f"cannot be who wrote as {source_name!r}: that is another annotator")
    # A text of theirs may have come before the person did.
    source.kind, source.annotator = Source.Kind.PERSON, annotator
    source.save(update_fields=["kind", "annotator"])
    return source


def admit_annotators(desk: Desk, lines: Sequence[Numbered[J]]) -> list[Numbered[J]]:
    """Lines whose annotator can be who they say; annotators that are missing are made.

    A person is not passed off as simulated, nor the other way round: what is simulated trains nothing.
    """
    _look_up(desk, (line.annotator for _, line in lines))
    missing: dict[str, bool] = {}
    good = []
    for number, line in lines:
        try:
            _check(desk, line, missing)
        except BadField as error:
            desk.report.refuse(number, error)
            continue
        good.append(Numbered(number, line))
    new_annotators = Annotator.objects.bulk_create(
        [Annotator(project=desk.project, pseudonym=name, simulated=mark) for name, mark in missing.items()]
    )
    desk.annotators.update((row.pseudonym, KnownAnnotator(row.pk, row.simulated)) for row in new_annotators)
    return good


def _look_up(desk: Desk, names: Iterable[str | None]) -> None:
    unknown = {name for name in names if name is not None} - desk.annotators.keys()
    if unknown:
        rows = Annotator.objects.filter(project=desk.project, pseudonym__in=unknown)
        # Who may be at work on the same tasks at this moment waits, as in another tab of theirs.
        locks.annotators(rows.exclude(user=None, simulated=False).values_list("pk", flat=True))
        for name, pk, simulated in rows.values_list("pseudonym", "id", "simulated"):
            desk.annotators[name] = KnownAnnotator(pk, simulated)


def _check(desk: Desk, line: Judgement | Remark, missing: dict[str, bool]) -> None:
    name, mark = line.annotator, line.provenance.simulated
    if name is None:
        if mark:
            raise BadField("annotator", "is missing, but concord.simulated is true")
        return
    known = desk.annotators.get(name)
    simulated = known.simulated if known else missing.setdefault(name, bool(mark))
    if mark is not None and mark != simulated:
        who = "simulated" if simulated else "a person"
        raise BadField("concord.simulated", f"is {str(mark).lower()}, but annotator {name!r} is {who} here")


def nobody(desk: Desk, number: int) -> int:
    """The id of the annotator who stands for the ``number``-th (from 0) person without a name."""
    if not desk.nobodies:
        rows = Annotator.objects.filter(project=desk.project, anonymous=True).order_by("id")
        desk.nobodies.extend(rows.values_list("id", flat=True))
    while len(desk.nobodies) <= number:
        count = len(desk.nobodies) + 1
        name = NOBODY if count == 1 else f"{NOBODY}-{count}"
        annotator = Annotator.objects.create(project=desk.project, pseudonym=name, anonymous=True)
        desk.nobodies.append(annotator.pk)
    return desk.nobodies[number]
