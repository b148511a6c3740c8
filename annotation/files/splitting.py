"""Prompts split anew: where one opening put all of them into one split, or a file put them badly.

By their openings, dialogues and their continuations stay together (annotation.preferences.splits). Where every prompt
begins with the same words, nothing would be held out, and the whole prompt decides instead. The project remembers
what decides, so that later imports follow.
"""

from collections import Counter
from itertools import islice
from typing import NamedTuple

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


# Eight tenths of openings train, so chance puts n of them all there with 0.8 to the n: for 14 that is below 5%.
MANY_OPENINGS = 14


class OneSplit(NamedTuple):
    """All prompts of a project are in one split: how many (counted to MANY_OPENINGS), and what to do about it."""

    prompts: int
    may_be_chance: bool
    words: str


def in_one_split(project: Project) -> OneSplit | None:
    """Whether nothing is held out to be compared with; None where something is, or there are no prompts.

    Prompts of one opening go together, so of those two are enough to know that it was not chance.
    """
    prompts = Prompt.objects.kept().filter(project=project)
    first = list(prompts.order_by().values_list("split", flat=True)[:MANY_OPENINGS])
    if len(set(first)) != 1 or prompts.exclude(split=first[0]).exists():
        return None
    split = first[0]
    anew = f"Whoever runs Concord parts them anew with: manage.py split_prompts --project {project.slug} --by"
    openings = len(prompts.order_by().values_list("opening").distinct()[:MANY_OPENINGS])
    if len(first) == 1:
        words = (
            f"All of it is of one prompt, which is in the split {split!r}: nothing is held out to be compared "
            "with. Import other prompts too before you train."
        )
    elif openings == 1:
        words = (
            f"All prompts begin with the same words, so all of them are in the split {split!r}, and nothing else is "
            f"there to be compared with. {anew} prompt"
        )
    elif openings < MANY_OPENINGS:
        words = (
            f"Chance put all {openings} of the openings into the split {split!r}, so nothing is held out to be "
            "compared with. Import more prompts before you train."
        )
    else:
        words = (
            f"All prompts are in the split {split!r}, so nothing is held out to be compared with. Chance does that "
            f"to {MANY_OPENINGS} prompts less than one time in twenty, and to more still less: lines of the file "
            f"will have said it. {anew} opening"
        )
    return OneSplit(len(first), 1 < openings < MANY_OPENINGS, words)


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
