"""Kind "prompts"."""

from collections.abc import Iterator
from typing import Any

from annotation.files.export.scope import Scope, chunks, given, moment, prompt_value
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
                **given(id=row["external_id"]),
                "split": row["split"],
                **given(metadata=row["metadata"]),
                "concord": {
                    "id": str(row["public_id"]),
                    "split": row["split"],
                    "sampled": row["sampled"],
                    "created_at": moment(row["created_at"]),
                },
            }
