"""What a row of data was made of and what was made of it: for the page of the row, and for programs that ask the same.

Rows that are withdrawn are not there. Of each kind the newest MOST are related; lists hold the rest.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from django.db.models import QuerySet

from annotation.models import Completion, Demonstration, Prompt, Ranking, Rating, Task, TaskCompletion
from console.data.kinds import KINDS
from rltrainer.lineage import Lineage, learnt_from, lineage_of

MOST = 50


class Related(NamedTuple):
    """Of one row; what its kind has nothing of is None or empty.

    ``lineage`` and ``learnt`` are a completion's: what wrote it, and the numbers of the versions, by kind, that learnt
    from what people said of it.
    """

    prompt: Prompt
    completions: Sequence[Completion] | QuerySet[Completion] = ()
    tasks: Sequence[Task] | QuerySet[Task] = ()
    rankings: Sequence[Ranking] | QuerySet[Ranking] = ()
    ratings: Sequence[Rating] | QuerySet[Rating] = ()
    demonstrations: Sequence[Demonstration] | QuerySet[Demonstration] = ()
    # Of a task that asks for another once more, that one; and those that ask for it again.
    repeats: Task | None = None
    asked_again: Sequence[Task] | QuerySet[Task] = ()
    # Versions of a judgement: the one that it took the place of, and the one that took its.
    earlier: Any = None
    later: Any = None
    lineage: Lineage | None = None
    learnt: dict[str, list[int]] | None = None


def of(kind: str, row: Any) -> Related:
    """What ``row``, one of KINDS[kind], is related to."""
    return _OF[kind](row)


def entries(task: Task) -> list[Completion]:
    """The task's completions by their places in it."""
    rows = TaskCompletion.objects.filter(task=task).select_related("completion__source__annotator")
    return [entry.completion for entry in rows.order_by("position")]


def _of_prompt(prompt: Prompt) -> Related:
    demonstrations = Demonstration.objects.current().kept().filter(prompt=prompt)
    completions = Completion.objects.kept().filter(prompt=prompt).select_related("source")
    return Related(
        prompt,
        completions=completions.order_by("-pk")[:MOST],
        tasks=KINDS["tasks"].lines(Task.objects.kept().filter(prompt=prompt)).order_by("-pk")[:MOST],
        demonstrations=demonstrations.select_related("author", "source").order_by("-pk")[:MOST],
    )


def _of_completion(completion: Completion) -> Related:
    rankings = Ranking.objects.kept().filter(task__entries__completion=completion)
    ratings = Rating.objects.kept().filter(completion=completion)
    return Related(
        completion.prompt,
        tasks=Task.objects.kept().filter(entries__completion=completion).order_by("-pk")[:MOST],
        rankings=rankings.select_related("annotator", "task").order_by("-pk")[:MOST],
        ratings=ratings.select_related("annotator").order_by("-pk")[:MOST],
        lineage=lineage_of(completion),
        learnt=learnt_from(completion),
    )


def _of_task(task: Task) -> Related:
    rankings = Ranking.objects.kept().filter(task=task).select_related("annotator")
    ratings = Rating.objects.kept().filter(assignment__task=task)
    demonstrations = Demonstration.objects.kept().filter(assignment__task=task)
    return Related(
        task.prompt,
        completions=entries(task),
        rankings=rankings.order_by("-is_current", "pk")[:MOST],
        ratings=ratings.select_related("annotator", "completion").order_by("pk")[:MOST],
        demonstrations=demonstrations.select_related("author").order_by("pk")[:MOST],
        repeats=task.repeats,
        asked_again=Task.objects.filter(repeats=task).order_by("pk")[:MOST],
    )


def _of_ranking(ranking: Ranking) -> Related:
    return Related(
        ranking.task.prompt,
        completions=entries(ranking.task),
        tasks=[ranking.task],
        earlier=ranking.supersedes,
        later=Ranking.objects.filter(supersedes=ranking).first(),
    )


def _of_rating(rating: Rating) -> Related:
    same = Rating.objects.current().kept().filter(completion=rating.completion_id)
    mine = same.filter(annotator=rating.annotator_id).select_related("annotator")
    return Related(
        rating.completion.prompt,
        completions=[rating.completion],
        ratings=mine.order_by("axis", "pk")[:MOST],
        earlier=rating.supersedes,
        later=Rating.objects.filter(supersedes=rating).first(),
    )


def _of_demonstration(demonstration: Demonstration) -> Related:
    return Related(
        demonstration.prompt,
        earlier=demonstration.supersedes,
        later=Demonstration.objects.filter(supersedes=demonstration).first(),
    )


_OF: dict[str, Callable[[Any], Related]] = {
    "prompts": _of_prompt,
    "completions": _of_completion,
    "tasks": _of_task,
    "rankings": _of_ranking,
    "ratings": _of_rating,
    "demonstrations": _of_demonstration,
}
