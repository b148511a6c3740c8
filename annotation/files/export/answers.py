"""Lines of a list of completions: one completion each, with its prompt. No kind of an import, which takes tasks."""

from collections.abc import Iterator
from typing import Any

from annotation.files.export.rewards import Rewards
from annotation.files.export.scope import Scope, chunks, moment, named_source, prompt_value, without_empty
from annotation.models import Completion

_COLUMNS = (
    "pk",
    "public_id",
    "text",
    "sampling",
    "created_at",
    "source__name",
    "source__kind",
    "prompt__public_id",
    "prompt__form",
    "prompt__messages",
    "prompt__split",
)


def values(scope: Scope) -> Iterator[dict[str, Any]]:
    """All completions, also those that no task shows; each with what reward models gave it, by their numbers."""
    rows = scope.narrow(Completion.objects.kept().filter(prompt__project=scope.project), "prompt")
    for chunk in chunks(rows, *_COLUMNS):
        rewards = Rewards(Completion.objects.filter(pk__among=[row["pk"] for row in chunk]))
        for row in chunk:
            public_id = str(row["public_id"])
            yield {
                "prompt": prompt_value(row["prompt__form"], row["prompt__messages"]),
                "completion": row["text"],
                **without_empty(source=named_source(row["source__name"]), sampling=row["sampling"]),
                "concord": {
                    "id": public_id,
                    "prompt": str(row["prompt__public_id"]),
                    "split": row["prompt__split"],
                    "source_kind": row["source__kind"],
                    "created_at": moment(row["created_at"]),
                    **without_empty(rewards=rewards.of([public_id])),
                },
            }
