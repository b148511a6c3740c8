"""Kind "ratings"."""

from collections.abc import Iterator
from typing import Any

from annotation.files.export.scope import Scope, chunks, made_here, moment, prompt_value, without_empty
from annotation.models import Rating

_COLUMNS = (
    "public_id",
    "score",
    "axis",
    "external_id",
    "metadata",
    "created_at",
    "active_seconds",
    "guideline_version",
    "is_current",
    "annotator__pseudonym",
    "annotator__anonymous",
    "annotator__simulated",
    "completion__public_id",
    "completion__text",
    "completion__source__name",
    "completion__prompt__public_id",
    "completion__prompt__form",
    "completion__prompt__messages",
    "completion__prompt__split",
)


def values(scope: Scope) -> Iterator[dict[str, Any]]:
    """All ratings; a null score is "cannot say". A superseded one stands before the one that took its place."""
    rows = scope.narrow(Rating.objects.kept().filter(project=scope.project), "completion__prompt")
    for chunk in chunks(rows, *_COLUMNS):
        for row in chunk:
            anonymous = row["annotator__anonymous"]
            yield {
                "prompt": prompt_value(row["completion__prompt__form"], row["completion__prompt__messages"]),
                "completion": row["completion__text"],
                "score": row["score"],
                "axis": row["axis"],
                **without_empty(
                    annotator=None if anonymous else row["annotator__pseudonym"],
                    id=row["external_id"],
                    metadata=row["metadata"],
                ),
                "concord": {
                    "id": str(row["public_id"]),
                    "prompt": str(row["completion__prompt__public_id"]),
                    "completions": [str(row["completion__public_id"])],
                    "split": row["completion__prompt__split"],
                    "sources": [row["completion__source__name"]],
                    **made_here(row),
                    "simulated": row["annotator__simulated"],
                    **({} if row["is_current"] else {"superseded": True}),
                    "created_at": moment(row["created_at"]),
                },
            }
