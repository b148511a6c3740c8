"""What people write beside a run: a note, tags to find it by, and whether it is out of the way."""

import re
from collections.abc import Sequence

from runs.errors import BadTag
from runs.models import Run
from runs.writing import write

MOST_TAGS, LONGEST_TAG, LONGEST_NOTE = 10, 40, 2000
_TAG = re.compile(r"[\w][\w.+-]*")


@write
def annotate(*, run: Run, note: str, tags: Sequence[str], archived: bool) -> None:
    """Replace what is written beside ``run``. An archived one is left out of lists. Raises BadTag."""
    chosen = list(dict.fromkeys(tag.strip().lower() for tag in tags if tag.strip()))
    if len(chosen) > MOST_TAGS:
        raise BadTag(f"A run has at most {MOST_TAGS} tags.")
    for tag in chosen:
        if len(tag) > LONGEST_TAG or not _TAG.fullmatch(tag):
            raise BadTag(
                f"“{tag[:LONGEST_TAG]}” is no tag: one word of at most {LONGEST_TAG} letters, digits, - _ . +"
            )
    Run.objects.filter(pk=run.pk).update(
        note=note.replace("\0", "").strip()[:LONGEST_NOTE], tags=chosen, archived=archived
    )
