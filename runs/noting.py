"""What people write beside a run: a note, tags to find it by, and whether it is out of the way."""

import re
from collections.abc import Sequence

from runs.errors import BadTag
from runs.models import Run
from runs.writing import write

MOST_TAGS, LONGEST_TAG, LONGEST_NOTE = 10, 40, 2000
_TAG = re.compile(r"[\w][\w.+-]*")


@write
def annotate(
    *,
    run: Run,
    note: str | None = None,
    tags: Sequence[str] | None = None,
    archived: bool | None = None,
) -> None:
    """Replace what is written beside ``run``; what is None stays. Lists leave an archived one out. Raises BadTag."""
    changes = {
        **({} if note is None else {"note": note.replace("\0", "").strip()[:LONGEST_NOTE]}),
        **({} if tags is None else {"tags": _checked(tags)}),
        **({} if archived is None else {"archived": archived}),
    }
    if changes:
        Run.objects.filter(pk=run.pk).update(**changes)


def _checked(tags: Sequence[str]) -> list[str]:
    chosen = list(dict.fromkeys(tag.strip().lower() for tag in tags if tag.strip()))
    if len(chosen) > MOST_TAGS:
        raise BadTag(f"A run has at most {MOST_TAGS} tags.")
    for tag in chosen:
        if len(tag) > LONGEST_TAG or not _TAG.fullmatch(tag):
            raise BadTag(
                f"“{tag[:LONGEST_TAG]}” is no tag: one word of at most {LONGEST_TAG} letters, digits, - _ . +"
            )
    return chosen
