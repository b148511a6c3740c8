"""Kind "demonstrations": answers that people wrote."""

from collections.abc import Iterable, Mapping, Sequence

from django.conf import settings

from annotation import locks
from annotation.errors import BadRequest, BadText
from annotation.files.intake import judgements, names, prompts
from annotation.files.intake.copying import copy_rows, jsonb, restored_ids, take_ids
from annotation.files.intake.desk import Desk, Numbered
from annotation.files.jsonl.errors import BadField
from annotation.files.jsonl.records import NAMELESS_SOURCE, DemonstrationLine
from annotation.models import Annotator, Demonstration, Prompt
from runs.writing import write


@write
def add_demonstration(*, prompt: Prompt, annotator: Annotator, text: str) -> Demonstration:
    """What ``annotator`` wrote as the ideal answer to ``prompt``. Locks their row. Raises BadText, BadRequest."""
    if not text.strip():
        raise BadText("Write an answer before you submit it.")
    if "\0" in text or len(text.encode(errors="replace")) > settings.MAX_TEXT_BYTES:
        raise BadText(f"An answer holds at most {settings.MAX_TEXT_BYTES} bytes, and no NUL characters.")
    locks.annotator(annotator)
    if not Prompt.objects.kept().filter(pk=prompt.pk).exists():
        raise BadRequest("This prompt was withdrawn.")
    return Demonstration.objects.create(
        project_id=prompt.project_id,
        prompt=prompt,
        source=names.person_source(annotator),
        author=annotator,
        text=text,
    )


def store(desk: Desk, lines: Sequence[Numbered[DemonstrationLine]]) -> None:
    """Store the demonstrations that are new."""
    fresh = prompts.admit(desk, judgements.unseen(desk, Demonstration, lines))
    sourced = _with_sources(desk, names.admit_annotators(desk, fresh))
    stored = prompts.ensure(desk, (line for line, _ in sourced))
    reviewers = _reviewers(desk, (line for line, _ in sourced))
    ids = take_ids(Demonstration, len(sourced))
    public_ids = restored_ids(Demonstration, [line.provenance.id for line, _ in sourced])
    copy_rows(
        Demonstration,
        (
            "id",
            "public_id",
            "prompt",
            "source",
            "project",
            "text",
            "import_key",
            "external_id",
            "metadata",
            "active_seconds",
            "guideline_version",
            "reviewer",
            "comment",
            "edited",
            "reviewed_at",
            "created_at",
        ),
        (
            (pk, public_id, stored[line.prompt.digest].id, source_id, *_values(desk, line, reviewers))
            for (line, source_id), pk, public_id in zip(sourced, ids, public_ids, strict=True)
        ),
    )
    desk.report.added += len(sourced)


def _with_sources(
    desk: Desk, lines: Sequence[Numbered[DemonstrationLine]]
) -> list[tuple[DemonstrationLine, int]]:
    """Each line with who wrote it: its annotator as a source, else the source it names, else the nameless one."""
    sources = names.ensure_sources(
        desk, {line.source or NAMELESS_SOURCE for _, line in lines if line.annotator is None}
    )
    people: dict[str, int] = {}
    answer = []
    for number, line in lines:
        if line.annotator is None:
            answer.append((line, sources[line.source or NAMELESS_SOURCE]))
            continue
        try:
            if line.annotator not in people:
                annotator = Annotator.objects.get(pk=desk.annotators[line.annotator].id)
                people[line.annotator] = names.person_source(annotator, line.source).pk
        except BadField as error:
            desk.report.refuse(number, error)
            continue
        answer.append((line, people[line.annotator]))
    return answer


def _reviewers(desk: Desk, lines: Iterable[DemonstrationLine]) -> dict[str, int]:
    """Who accepted what, by pseudonym; found or made."""
    ids = {}
    for name in sorted({line.provenance.reviewer for line in lines if line.provenance.reviewer}):
        annotator, _ = Annotator.objects.get_or_create(project=desk.project, pseudonym=name)
        ids[name] = annotator.pk
    return ids


def _values(desk: Desk, line: DemonstrationLine, reviewers: Mapping[str, int]) -> tuple[object, ...]:
    return (
        desk.project.pk,
        line.text,
        line.import_key,
        line.external_id,
        jsonb(line.metadata),
        line.provenance.active_seconds,
        line.provenance.guideline_version,
        reviewers.get(line.provenance.reviewer or ""),
        line.provenance.comment or "",
        bool(line.provenance.edited),
        line.provenance.reviewed_at,
        line.provenance.created_at or desk.now,
    )
