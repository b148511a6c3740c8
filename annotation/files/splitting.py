"""Prompts split anew: where one opening put all of them into one split, or a file put them badly.

By their openings, dialogues and their continuations stay together (annotation.preferences.splits). Where every prompt
begins with the same words, nothing would be held out, and the whole prompt decides instead. The project remembers
what decides, so that later imports follow.
"""

from collections import Counter
from itertools import islice

from django.db import connection

from annotation import locks
from annotation.models import Project, Prompt
from annotation.models.prompt import Split
from annotation.preferences.splits import opening_digest, split_of_opening
from runs.writing import write

SplitBy = Project.SplitBy
_BATCH = 5000
_SET = """
    UPDATE annotation_prompt prompt SET opening = anew.opening, split = anew.split
    FROM unnest(%s::bigint[], %s::text[], %s::text[]) anew (id, opening, split)
    WHERE prompt.id = anew.id AND (prompt.opening, prompt.split) IS DISTINCT FROM (anew.opening, anew.split)
"""


@write
def split_prompts(*, project: Project, by: str) -> dict[str, int]:
    """Give each prompt the split that its opening, or itself, decides; how many each split has now.

    What lines said of their prompts' splits is forgotten. Snapshots and reports keep what they were made with. Locks
    the project's desk.
    """
    locks.desk(project, patient=True)
    prompts = Prompt.objects.kept().filter(project=project).order_by("id")
    rows = prompts.values_list("id", "digest", "messages").iterator(_BATCH)
    counts = Counter(dict.fromkeys(Split.values, 0))
    while batch := list(islice(rows, _BATCH)):
        openings = [digest if by == SplitBy.PROMPT else opening_digest(turns) for _, digest, turns in batch]
        splits = [split_of_opening(opening) for opening in openings]
        with connection.cursor() as cursor:
            cursor.execute(_SET, [[pk for pk, *_ in batch], openings, splits])
        counts.update(splits)
    # The project's row comes last (annotation.locks).
    Project.objects.filter(pk=project.pk).update(split_by=by)
    return dict(counts)
