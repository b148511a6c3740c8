"""Kind "flags": what annotators flagged of tasks, and the import of texts, with what became of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from annotation.files.intake import again, completions, names, prompts, tasks
from annotation.files.intake.desk import Desk, Numbered
from annotation.files.jsonl.records import FlagLine
from annotation.models import Flag, Project
from annotation.people import account_named

# A task's or a text's id, the annotator's, and the category: a concern is raised once.
Concern = tuple[int, int | None, str]


def store(desk: Desk, lines: Sequence[Numbered[FlagLine]]) -> None:
    """Store flags that are new. One that is open here and resolved in its line takes the resolution.

    The import flags texts by itself: such a flag keeps the time of its line.
    """
    _store(desk, *_of_tasks(desk, [item for item in lines if item.line.key]), of="task_id")
    _store(desk, *_of_texts(desk, [item for item in lines if not item.line.key]), of="completion_id")


def _of_tasks(
    desk: Desk, lines: Sequence[Numbered[FlagLine]]
) -> tuple[dict[Concern, FlagLine], Mapping[str, prompts.Stored]]:
    admitted, facts = tasks.admit(desk, lines)
    admitted = prompts.admit(desk, again.admit(desk, admitted, facts))
    good = [line for _, line in names.admit_annotators(desk, admitted)]
    stored = prompts.ensure(desk, good)
    placed = again.ensure(desk, good, tasks.ensure(desk, good, facts, stored))
    return {
        (placed[line.key, line.purpose].id, desk.annotators[line.annotator or ""].id, line.category): line
        for line in good
    }, stored


def _of_texts(
    desk: Desk, lines: Sequence[Numbered[FlagLine]]
) -> tuple[dict[Concern, FlagLine], Mapping[str, prompts.Stored]]:
    good = [line for _, line in prompts.admit(desk, lines)]
    stored = prompts.ensure(desk, good)
    sources = names.ensure_sources(desk, {line.completions[0].source for line in good})
    items = [_completions_of(line, stored, sources) for line in good]
    ids = completions.ensure(desk, items)
    return {
        (ids[item.key], None, line.category): line for line, item in zip(good, items, strict=True)
    }, stored


def _completions_of(
    line: FlagLine, stored: Mapping[str, prompts.Stored], sources: Mapping[str, int]
) -> completions.CompletionOfLine:
    text, ids = line.completions[0], line.provenance.completion_ids
    return completions.CompletionOfLine.of(
        stored[line.prompt.digest], sources[text.source], text, ids[0] if ids else None
    )


def _store(
    desk: Desk, concerns: Mapping[Concern, FlagLine], stored: Mapping[str, prompts.Stored], *, of: str
) -> None:
    about = {concern[0] for concern in concerns}
    rows = Flag.objects.filter(project=desk.project, **{f"{of.removesuffix('_id')}__id__among": about})
    known = {(getattr(flag, of), flag.annotator_id, flag.category): flag for flag in rows}
    accounts = _accounts(desk.project, {line.resolved_by for line in concerns.values() if line.resolved_by})
    fresh = [concern for concern in concerns if concern not in known]
    Flag.objects.bulk_create(
        [
            Flag(
                project=desk.project,
                prompt_id=stored[concerns[concern].prompt.digest].id,
                annotator_id=concern[1],
                category=concern[2],
                words=concerns[concern].words,
                created_at=concerns[concern].provenance.created_at or desk.now,
                **{of: concern[0]},
                **_resolution(concerns[concern], accounts),
            )
            for concern in fresh
        ],
        batch_size=500,
    )
    for concern in concerns.keys() & known.keys():
        _fill(known[concern], concerns[concern], accounts)
    desk.report.added += len(fresh)
    desk.report.already += len(concerns) - len(fresh)


def _fill(flag: Flag, line: FlagLine, accounts: Mapping[str, int]) -> None:
    created_at = line.provenance.created_at
    if flag.annotator_id is None and created_at is not None and created_at < flag.created_at:
        flag.created_at = created_at
    if flag.resolved_at is None and line.resolution:
        for name, value in _resolution(line, accounts).items():
            setattr(flag, name, value)
    flag.save(update_fields=["created_at", "resolved_at", "resolution", "resolved_by"])


def _resolution(line: FlagLine, accounts: Mapping[str, int]) -> dict[str, Any]:
    return {
        "resolution": line.resolution,
        "resolved_at": line.provenance.resolved_at,
        "resolved_by_id": accounts.get(line.resolved_by or ""),
    }


def _accounts(project: Project, usernames: set[str]) -> dict[str, int]:
    """Who of those named may resolve flags here. A file does not put words into anybody else's mouth."""
    users = {name: account_named(name) for name in usernames}
    return {
        name: user.pk
        for name, user in users.items()
        if user is not None and Project.objects.researched_by(user).filter(pk=project.pk).exists()
    }
