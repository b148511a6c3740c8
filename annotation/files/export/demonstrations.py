"""Kind "demonstrations"."""

from collections.abc import Iterator, Mapping
from typing import Any

from annotation.files.export.scope import Scope, chunks, made_here, moment, prompt_value, without_empty
from annotation.models import Demonstration

_COLUMNS = (
    "public_id",
    "text",
    "external_id",
    "metadata",
    "created_at",
    "active_seconds",
    "guideline_version",
    "reviewer__pseudonym",
    "comment",
    "edited",
    "reviewed_at",
    "source__name",
    "source__annotator__pseudonym",
    "source__annotator__simulated",
    "prompt__public_id",
    "prompt__form",
    "prompt__messages",
    "prompt__split",
)


def values(scope: Scope) -> Iterator[dict[str, Any]]:
    """Those that count: accepted or of a project without review, the latest version of each."""
    rows = scope.narrow(Demonstration.objects.accepted().filter(project=scope.project), "prompt")
    for chunk in chunks(rows, *_COLUMNS):
        for row in chunk:
            yield {
                "prompt": prompt_value(row["prompt__form"], row["prompt__messages"]),
                "completion": row["text"],
                **without_empty(
                    annotator=row["source__annotator__pseudonym"],
                    id=row["external_id"],
                    metadata=row["metadata"],
                ),
                "concord": {
                    "id": str(row["public_id"]),
                    "prompt": str(row["prompt__public_id"]),
                    "split": row["prompt__split"],
                    "sources": [row["source__name"]],
                    **made_here(row),
                    **_review(row),
                    "simulated": bool(row["source__annotator__simulated"]),
                    "created_at": moment(row["created_at"]),
                },
            }


def _review(row: Mapping[str, Any]) -> dict[str, Any]:
    """Who accepted it, when, with what words, and whether they changed the text; nothing without review."""
    if row["reviewer__pseudonym"] is None:
        return {}
    return {
        "reviewer": row["reviewer__pseudonym"],
        "reviewed_at": moment(row["reviewed_at"]),
        **without_empty(comment=row["comment"]),
        **({"edited": True} if row["edited"] else {}),
    }
