"""Kind "prompts"."""

from collections.abc import Iterator
from typing import Any

from annotation.files.export.scope import Scope, chunks, moment, prompt_value, without_empty
from annotation.models import Prompt

_COLUMNS = (
    "public_id",
    "form",
    "messages",
    "split",
    "external_id",
    "metadata",
    "sampled",
    "created_at",
)


def values(scope: Scope) -> Iterator[dict[str, Any]]:
    """All prompts, those under judgements included."""
    for chunk in chunks(scope.narrow(Prompt.objects.kept().filter(project=scope.project)), *_COLUMNS):
        for row in chunk:
            yield {
                "prompt": prompt_value(row["form"], row["messages"]),
                **without_empty(id=row["external_id"]),
                "split": row["split"],
                **without_empty(metadata=row["metadata"]),
                "concord": {
                    "id": str(row["public_id"]),
                    "split": row["split"],
                    "sampled": row["sampled"],
                    "created_at": moment(row["created_at"]),
                },
            }
