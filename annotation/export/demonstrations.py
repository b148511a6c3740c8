"""Kind "demonstrations"."""

from collections.abc import Iterator
from typing import Any

from annotation.export.scope import Scope, chunks, given, moment, prompt_value
from annotation.models import Demonstration

_COLUMNS = (
    "public_id",
    "text",
    "external_id",
    "metadata",
    "created_at",
    "source__name",
    "source__annotator__pseudonym",
    "source__annotator__simulated",
    "prompt__public_id",
    "prompt__form",
    "prompt__messages",
    "prompt__split",
)


def values(scope: Scope) -> Iterator[dict[str, Any]]:
    """All demonstrations."""
    rows = scope.narrow(Demonstration.objects.kept().filter(project=scope.project), "prompt")
    for chunk in chunks(rows, *_COLUMNS):
        for row in chunk:
            yield {
                "prompt": prompt_value(row["prompt__form"], row["prompt__messages"]),
                "completion": row["text"],
                **given(
                    annotator=row["source__annotator__pseudonym"],
                    id=row["external_id"],
                    metadata=row["metadata"],
                ),
                "concord": {
                    "id": str(row["public_id"]),
                    "prompt": str(row["prompt__public_id"]),
                    "split": row["prompt__split"],
                    "sources": [row["source__name"]],
                    "simulated": bool(row["source__annotator__simulated"]),
                    "created_at": moment(row["created_at"]),
                },
            }
