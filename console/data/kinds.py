"""The kinds of data: which rows of a project each holds, how they are narrowed, and what a line of its list shows."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.db.models.functions import Left, Length
from django.http import Http404

from annotation.models import (
    Assignment,
    Completion,
    Demonstration,
    Project,
    Prompt,
    Ranking,
    Rating,
    Slot,
    Task,
)
from console.data import facts, filters

# Of any of the models below, with the adjectives of its own.
Rows = Any


class Kind(NamedTuple):
    """One kind. ``rows`` holds nothing withdrawn; ``lines`` adds what a line shows, once a row of the page."""

    name: str
    one: str
    title: str
    rows: Callable[[Project], Rows]
    lines: Callable[[Rows], Rows]
    filters: type[filters.Filters]
    empty: str
    # As which kinds of lines its rows go out (annotation.files.export).
    exported: tuple[str, ...] = ()


def kind_named(name: str) -> Kind:
    """Raises Http404."""
    if name not in KINDS:
        raise Http404
    return KINDS[name]


def _prompt_lines(rows: Rows) -> Rows:
    return rows.defer("messages", "metadata").annotate(
        text=facts.prompt_opening(),
        completions_count=facts.completions(),
        tasks_count=facts.tasks(),
        demonstrations_count=facts.demonstrations(),
    )


def _completion_lines(rows: Rows) -> Rows:
    return (
        rows.select_related("source")
        .defer("text", "sampling")
        .annotate(
            opening=Left("text", facts.SHOWN),
            characters=Length("text"),
            prompt_opening=facts.prompt_opening("prompt__"),
            reward=facts.reward(),
        )
    )


def _task_lines(rows: Rows) -> Rows:
    return (
        rows.with_complete()
        .defer("metadata")
        .annotate(
            prompt_opening=facts.prompt_opening("prompt__"),
            places=facts.count(Slot.objects.all(), "task"),
            free=facts.count(Slot.objects.filter(annotator=None), "task"),
            open_assignments=facts.count(Assignment.objects.open(), "task"),
            rankings_count=facts.rankings(),
        )
    )


def _ranking_lines(rows: Rows) -> Rows:
    return (
        rows.select_related("annotator", "task")
        .defer("metadata")
        .annotate(prompt_opening=facts.prompt_opening("task__prompt__"))
    )


def _rating_lines(rows: Rows) -> Rows:
    return (
        rows.select_related("annotator")
        .defer("metadata")
        .annotate(
            opening=Left("completion__text", facts.SHOWN),
            prompt_opening=facts.prompt_opening("completion__prompt__"),
        )
    )


def _demonstration_lines(rows: Rows) -> Rows:
    return (
        rows.select_related("author", "source__annotator", "reviewer")
        .defer("text", "metadata")
        .annotate(opening=Left("text", facts.SHOWN), prompt_opening=facts.prompt_opening("prompt__"))
    )


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "prompts",
            "prompt",
            "What was asked?",
            lambda project: Prompt.objects.kept().filter(project=project),
            _prompt_lines,
            filters.OfPrompts,
            "Import prompts, or completions with theirs, on the home of the project.",
            exported=("prompts",),
        ),
        Kind(
            "completions",
            "completion",
            "What was answered?",
            lambda project: Completion.objects.kept().filter(prompt__project=project),
            _completion_lines,
            filters.OfCompletions,
            "Import completions, or let a policy answer the prompts.",
            exported=("answers",),
        ),
        Kind(
            "tasks",
            "task",
            "What is to be judged?",
            lambda project: Task.objects.kept().filter(project=project),
            _task_lines,
            filters.OfTasks,
            "Import completions to be ranked, let a policy sample some, or make tasks to rate or to write.",
            exported=("completions",),
        ),
        Kind(
            "rankings",
            "ranking",
            "How were answers ordered?",
            lambda project: Ranking.objects.kept().filter(project=project),
            _ranking_lines,
            filters.OfRankings,
            "Nobody has ranked anything yet.",
            exported=("rankings", "pairs"),
        ),
        Kind(
            "ratings",
            "rating",
            "How were answers scored?",
            lambda project: Rating.objects.kept().filter(project=project),
            _rating_lines,
            filters.OfRatings,
            "Nobody has rated anything yet.",
            exported=("ratings",),
        ),
        Kind(
            "demonstrations",
            "demonstration",
            "What did people write themselves?",
            lambda project: Demonstration.objects.kept().filter(project=project),
            _demonstration_lines,
            filters.OfDemonstrations,
            "Nobody has written an answer yet.",
            exported=("demonstrations",),
        ),
    )
}
