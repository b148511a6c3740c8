"""Kind "ratings": scores of single completions."""

from collections.abc import Sequence

from annotation.files.intake import completions, judgements, names, prompts
from annotation.files.intake.copying import copy_rows, jsonb, restored_ids, take_ids
from annotation.files.intake.desk import Desk, Numbered
from annotation.files.jsonl.records import RatingLine
from annotation.models import Rating


def store(desk: Desk, lines: Sequence[Numbered[RatingLine]]) -> None:
    """Store the ratings that are new."""
    fresh = prompts.admit(desk, judgements.unseen(desk, Rating, lines))
    good = [line for _, line in names.admit_annotators(desk, fresh)]
    stored = prompts.ensure(desk, good)
    sources = names.ensure_sources(desk, {line.completion.source for line in good})
    items = [
        completions.CompletionOfLine.of(
            stored[line.prompt.digest],
            sources[line.completion.source],
            line.completion,
            line.provenance.completion_ids[0] if line.provenance.completion_ids else None,
        )
        for line in good
    ]
    known = completions.ensure(desk, items)
    ids = take_ids(Rating, len(good))
    public_ids = restored_ids(Rating, [line.provenance.id for line in good])
    copy_rows(
        Rating,
        (
            "id",
            "public_id",
            "completion",
            "project",
            "annotator",
            "axis",
            "score",
            "import_key",
            "external_id",
            "metadata",
            "active_seconds",
            "guideline_version",
            "is_current",
            "created_at",
        ),
        (
            (pk, public_id, known[item.key], *_values(desk, line))
            for line, item, pk, public_id in zip(good, items, ids, public_ids, strict=True)
        ),
    )
    desk.report.added += len(good)


def _values(desk: Desk, line: RatingLine) -> tuple[object, ...]:
    return (
        desk.project.pk,
        names.nobody(desk, 0) if line.annotator is None else desk.annotators[line.annotator].id,
        line.axis,
        line.score,
        line.import_key,
        line.external_id,
        jsonb(line.metadata),
        line.provenance.active_seconds,
        line.provenance.guideline_version,
        not line.provenance.superseded,
        line.provenance.created_at or desk.now,
    )
