"""One annotator's recent work: what they judged, when, and what of it they may still change."""

from datetime import datetime
from typing import NamedTuple

from django.db.models import Q

from annotation.collecting import demonstrating, ranking, rating, shown
from annotation.models import Annotator, Assignment, Demonstration, Ranking, Rating, Task
from annotation.models.words import MessageWords, sought
from annotation.texts.visible import visible

MOST = 50
EXCERPT = 160
Kind = Task.Kind


class Entry(NamedTuple):
    """One submitted task. ``answer`` in few words; ``comment`` is a reviewer's to its author."""

    assignment: Assignment
    when: datetime
    prompt: str
    answer: str
    detail: str
    may_change: bool
    comment: str = ""
    sent_back: bool = False


def recent(annotator: Annotator, words: str = "", most: int = MOST) -> list[Entry]:
    """The newest submissions, and before them what a reviewer sent back, however old that is.

    Of those whose prompt has all ``words``, where some are given.
    """
    submissions = Assignment.objects.filter(annotator=annotator, status=Assignment.Status.SUBMITTED)
    if words:
        prompt_words = MessageWords("task__prompt__messages")
        submissions = submissions.alias(words=prompt_words).filter(words=sought(words))
    submissions = submissions.select_related("task__prompt").order_by("-closed_at", "-pk")
    back = Demonstration.objects.current().filter(author=annotator, review=Demonstration.Review.SENT_BACK)
    first = list(submissions.filter(pk__in=back.values("assignment")))
    rest = [one for one in submissions[: most + len(first)] if one not in first]
    return _entries(annotator, [*first, *rest][: most + len(first)])


def may_change(annotator: Annotator, assignment: Assignment) -> bool:
    """Whether this answer of theirs is one that they may still change."""
    return assignment.pk in _changeable(annotator, [assignment])


def last_changeable(annotator: Annotator) -> Assignment | None:
    """What they submitted last of all that they may still change, of whatever kind; None where there is nothing.

    The last is by when it was submitted, not by when it was changed: the first line of ``recent`` that may be changed.
    Changing an earlier answer leaves it in its place there, and the key leads to the task just done, as before.
    """
    changeable = (
        Q(pk__in=rating.revisable(annotator).values("pk"))
        | Q(task__in=ranking.revisable(annotator).values("task"), task__kind=Kind.RANK)
        | Q(pk__in=demonstrating.revisable(annotator).values("assignment"))
    )
    submissions = Assignment.objects.filter(annotator=annotator, status=Assignment.Status.SUBMITTED)
    return submissions.filter(changeable).order_by("-closed_at", "-pk").first()


def _changeable(annotator: Annotator, assignments: list[Assignment]) -> set[int]:
    by_task = {one.task_id: one.pk for one in assignments if one.task.kind == Kind.RANK}
    tasks = ranking.revisable(annotator).filter(task__in=by_task).values_list("task", flat=True)
    ids = [one.pk for one in assignments]
    rated = rating.revisable(annotator).filter(pk__in=ids).values_list("pk", flat=True)
    written = demonstrating.revisable(annotator).filter(assignment__in=ids)
    return {
        *(by_task[task] for task in tasks),
        *rated,
        *(pk for pk in written.values_list("assignment", flat=True) if pk),
    }


def _entries(annotator: Annotator, assignments: list[Assignment]) -> list[Entry]:
    changeable = _changeable(annotator, assignments)
    rankings = {
        one.task_id: one
        for one in Ranking.objects.current().filter(
            annotator=annotator, task__in=[one.task_id for one in assignments]
        )
    }
    scores: dict[int | None, list[Rating]] = {}
    for one in Rating.objects.current().filter(assignment__in=assignments).order_by("pk"):
        scores.setdefault(one.assignment_id, []).append(one)
    written = {
        one.assignment_id: one for one in Demonstration.objects.current().filter(assignment__in=assignments)
    }
    return [
        _entry(
            one, rankings.get(one.task_id), scores.get(one.pk, []), written.get(one.pk), one.pk in changeable
        )
        for one in assignments
    ]


def _entry(
    assignment: Assignment,
    ranked: Ranking | None,
    scores: list[Rating],
    written: Demonstration | None,
    changeable: bool,
) -> Entry:
    answer, detail, comment, back = "", "", "", False
    if ranked is not None:
        answer, detail = _verdict(ranked), _order(ranked) or ranked.metadata.get("reason", "")
    elif scores:
        answer, detail = "Rated", _scores(scores)
    elif written is not None:
        answer, detail = _state(written), _short(written.text)
        comment, back = written.comment, written.review == Demonstration.Review.SENT_BACK
    when = assignment.closed_at or assignment.opened_at
    prompt = _short(assignment.task.prompt.last_text)
    return Entry(assignment, when, prompt, answer, detail, changeable, comment, back)


def _verdict(ranked: Ranking) -> str:
    """Two are compared, more are ranked."""
    return "Compared" if len(ranked.tiers) == 2 else ranked.get_verdict_display().capitalize()


def _order(ranked: Ranking) -> str:
    """The letters as they were shown, the best first: "B > A = C"."""
    ranks: dict[str, int] = shown.as_draft(ranked)["ranks"]
    tiers = sorted(set(ranks.values()))
    return " > ".join(" = ".join(letter for letter in ranks if ranks[letter] == tier) for tier in tiers)


def _scores(scores: list[Rating]) -> str:
    parts: dict[str, list[str]] = {}
    for one in scores:
        parts.setdefault(one.axis, []).append("cannot say" if one.score is None else f"{one.score:g}")
    return ", ".join(f"{axis} {' '.join(values)}" for axis, values in parts.items())


def _state(written: Demonstration) -> str:
    if written.review == Demonstration.Review.ACCEPTED:
        return "Accepted with edits" if written.edited else ("Accepted" if written.reviewer_id else "Written")
    return written.get_review_display().capitalize()


def _short(text: str) -> str:
    words = " ".join(visible(text[: 4 * EXCERPT]).split())
    return words if len(words) <= EXCERPT else f"{words[: EXCERPT - 1]}…"
