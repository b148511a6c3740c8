"""Prompts of a batch of lines: their split, and their rows, found or made."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from annotation.files.intake.copying import copy_rows, jsonb, restored_ids, take_ids
from annotation.files.intake.desk import Desk, Numbered
from annotation.files.intake.finding import prompts_by
from annotation.files.jsonl.errors import BadField
from annotation.files.jsonl.records import (
    DemonstrationLine,
    FlagLine,
    Line,
    PromptLine,
    RankingLine,
    RatingLine,
    SkipLine,
    TaskLine,
)
from annotation.models import Project, Prompt
from annotation.preferences.splits import split_of_opening

L = TypeVar("L", PromptLine, TaskLine, RankingLine, RatingLine, DemonstrationLine, FlagLine, SkipLine)


class Stored(NamedTuple):
    """A prompt's row. ``is_new`` tells that this batch made it, so that nothing points at it yet."""

    id: int
    is_new: bool


class Splits:
    """Which split each opening has: what the database says of it, else the first line, else its digest.

    Prompts with one opening never part, so an opening has one split in a project; where the whole prompt decides
    (annotation.files.splitting), that is its opening.
    """

    def __init__(self, desk: Desk, openings: Iterable[str]) -> None:
        rows = prompts_by("opening", openings, project=desk.project, fields=("opening", "split"))
        self._split_of: dict[str, str] = dict(rows)

    def settle(self, opening: str, line_split: str | None) -> str:
        """The opening's split from now on. Raises BadField where the line wants another."""
        split = self._split_of.setdefault(opening, line_split or split_of_opening(opening))
        if line_split and line_split != split:
            raise BadField("split", f"is {line_split}, but prompts that begin like this one are in {split}")
        return split


def admit(desk: Desk, lines: Sequence[Numbered[L]]) -> list[Numbered[L]]:
    """The lines whose prompt can have the split they want, with the split filled in."""
    if desk.project.split_by == Project.SplitBy.PROMPT:
        lines = [Numbered(number, _by_itself(line)) for number, line in lines]
    splits = Splits(desk, (line.prompt.opening for _, line in lines))
    withdrawn = _withdrawn(desk, {line.prompt.digest for _, line in lines})
    good = []
    for number, line in lines:
        try:
            if line.prompt.digest in withdrawn:
                raise BadField("prompt", "was withdrawn from this project, so it stays out")
            split = splits.settle(line.prompt.opening, line.prompt.split)
        except BadField as error:
            desk.report.refuse(number, error)
            continue
        good.append(Numbered(number, line._replace(prompt=line.prompt._replace(split=split))))
    return good


def _by_itself(line: L) -> L:
    """The line, with its whole prompt in the place of the opening that decides its split elsewhere."""
    return line._replace(prompt=line.prompt._replace(opening=line.prompt.digest))


def _withdrawn(desk: Desk, digests: Iterable[str]) -> set[str]:
    rows = prompts_by("digest", digests, project=desk.project, fields=("digest", "withdrawn_at"))
    return {digest for digest, withdrawn_at in rows if withdrawn_at is not None}


def ensure(desk: Desk, lines: Iterable[Line]) -> dict[str, Stored]:
    """The prompts of admitted lines by digest; those that are missing are made, in the order of the lines."""
    first_lines = {line.prompt.digest: line for line in reversed(list(lines))}
    known = prompts_by("digest", first_lines, project=desk.project, fields=("digest", "id"))
    stored = {digest: Stored(pk, False) for digest, pk in known}
    missing = [line for digest, line in reversed(first_lines.items()) if digest not in stored]
    ids = take_ids(Prompt, len(missing))
    _copy(desk, missing, ids)
    stored.update((line.prompt.digest, Stored(pk, True)) for line, pk in zip(missing, ids, strict=True))
    return stored


def _copy(desk: Desk, lines: Sequence[Line], ids: Sequence[int]) -> None:
    public_ids = restored_ids(Prompt, [_public_id(line) for line in lines])
    copy_rows(
        Prompt,
        (
            "id",
            "public_id",
            "project",
            "form",
            "messages",
            "digest",
            "opening",
            "split",
            "external_id",
            "metadata",
            "sampled",
            "created_at",
        ),
        (_row(desk, line, pk, public_id) for line, pk, public_id in zip(lines, ids, public_ids, strict=True)),
    )


def _row(desk: Desk, line: Line, pk: int, public_id: str) -> tuple[object, ...]:
    prompt = line.prompt
    prompt_line = line if isinstance(line, PromptLine) else None
    return (
        pk,
        public_id,
        desk.project.pk,
        prompt.form,
        jsonb(prompt.messages),
        prompt.digest,
        prompt.opening,
        prompt.split,
        prompt_line.external_id if prompt_line else "",
        jsonb(prompt_line.metadata if prompt_line else {}),
        prompt_line is not None and prompt_line.provenance.sampled is not False,
        (prompt_line.provenance.created_at if prompt_line else None) or desk.now,
    )


def _public_id(line: Line) -> str | None:
    return line.provenance.id if isinstance(line, PromptLine) else line.provenance.prompt


def store(desk: Desk, lines: Sequence[Numbered[PromptLine]]) -> None:
    """Kind "prompts": new ones are made; one that only stood under a judgement gets its id and metadata."""
    good = admit(desk, _consistent(desk, _first_of_each(desk, lines)))
    stored = ensure(desk, (line for _, line in good))
    added = sum(prompt.is_new for prompt in stored.values())
    desk.report.added += added
    desk.report.already += len(good) - added


def _first_of_each(desk: Desk, lines: Sequence[Numbered[PromptLine]]) -> list[Numbered[PromptLine]]:
    good = []
    for number, line in lines:
        first = desk.prompt_lines.setdefault(int(line.prompt.digest[:16], 16), number)
        if first != number:
            desk.report.refuse(number, BadField("prompt", f"stands on line {first} already"))
            continue
        good.append(Numbered(number, line))
    return good


def _consistent(desk: Desk, lines: Sequence[Numbered[PromptLine]]) -> list[Numbered[PromptLine]]:
    """Lines that do not contradict the row that their prompt has. A row without id and metadata takes the line's."""
    digests = (line.prompt.digest for _, line in lines)
    known = prompts_by("digest", digests, project=desk.project, fields=("id",))
    rows = {prompt.digest: prompt for prompt in Prompt.objects.filter(pk__among=[pk for (pk,) in known])}
    good, filled = [], []
    for number, line in lines:
        row = rows.get(line.prompt.digest)
        try:
            if row is not None and _fill(row, line):
                filled.append(row)
        except BadField as error:
            desk.report.refuse(number, error)
            continue
        good.append(Numbered(number, line))
    Prompt.objects.bulk_update(filled, ["external_id", "metadata", "sampled"], batch_size=500)
    return good


def _fill(row: Prompt, line: PromptLine) -> bool:
    if row.external_id and line.external_id and row.external_id != line.external_id:
        raise BadField("id", f"is {line.external_id!r}, but this prompt is stored as {row.external_id!r}")
    if row.metadata and line.metadata and row.metadata != line.metadata:
        raise BadField("metadata", "differs from what is stored with this prompt")
    before = (row.external_id, row.metadata, row.sampled)
    row.external_id = row.external_id or line.external_id
    row.metadata = row.metadata or line.metadata
    row.sampled = row.sampled or line.provenance.sampled is not False
    return before != (row.external_id, row.metadata, row.sampled)
