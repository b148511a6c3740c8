"""Places at which two writers can meet: each has rows in every state that a function of the write path changes."""

import pickle
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from annotation import people
from annotation.checking import control
from annotation.collecting import ranking
from annotation.models import (
    Annotator,
    Assignment,
    Demonstration,
    Flag,
    Project,
    Ranking,
    Rating,
    Slot,
    Source,
    Task,
    TaskCompletion,
    Webhook,
)
from annotation.webhooks import subscribing
from tests.annotation.factories import make_member, make_project, put

Status = Assignment.Status
CAST = ("alice", "bob", "erin", "frank", "grace", "heidi", "ivan", "judy")


class Scene(NamedTuple):
    """Alice has ``task`` in hand and another ahead, Bob has ranked it, and Erin's lease on it has ended.

    Frank and Judy have nothing in hand; Frank ranked another task before. Grace rates, Heidi writes, Ivan reviews.
    """

    project: Project
    carol: User
    people: dict[str, Annotator]
    task: Task
    gold: Task
    source: Source
    in_hand: Assignment
    ended: Assignment
    ranked: Ranking
    to_rate: Assignment
    rated: Assignment
    to_write: Assignment
    waiting: Demonstration
    flag: Flag
    line: dict[str, Any]


def make_places(count: int) -> list[Scene]:
    """So many places of one project, which asks gold tasks and repeats half of the time."""
    project = make_project(annotators_per_task=2, completions_per_task=2)
    carol = make_member(project, "researcher")
    people.annotator_for(project=project, user=carol)
    Project.objects.filter(pk=project.pk).update(review_demonstrations=True)
    lines = [
        _line(number, name) for number in range(count) for name in ("task", "gold", "other", "ahead", "free")
    ]
    put(project, "completions", *lines)
    tasks = {task.metadata["name"]: task for task in project.tasks.select_related("prompt")}
    cast = _cast(project, count)
    places = [_place(project, carol, number, tasks, cast[number]) for number in range(count)]
    control.configure(project=project, gold_every=2, repeat_every=1, most_position_bias=0.01)
    # Somebody hears of all that happens: whoever submits locks the task, and of a project's last task the project.
    subscribing.create(project=project, url="https://example.org/hook", events=Webhook.Event.values)
    return places


class Untouched:
    """Places that are as new each time they are asked for: to put their rows back takes a tenth of making them."""

    def __init__(self, places: list[Scene]) -> None:
        # To copy them object by object would take ten times as long.
        self._places = pickle.dumps(places)
        with connection.cursor() as cursor:
            names = connection.introspection.table_names(cursor)
            self._tables = [name for name in names if name.startswith(("annotation_", "runs_", "auth_user"))]
            for table in self._tables:
                # Of this connection alone, and gone with it.
                cursor.execute(f'CREATE TEMPORARY TABLE "as_new_{table}" AS TABLE "{table}"')

    def places(self) -> list[Scene]:
        """The places, with the database as it was when they were made."""
        with transaction.atomic(), connection.cursor() as cursor:
            # Foreign keys are not looked at, row by row: what goes back held together before.
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(";".join(self._back(table) for table in self._tables))
        untouched: list[Scene] = pickle.loads(self._places)
        return untouched

    def _back(self, table: str) -> str:
        return f'DELETE FROM "{table}"; INSERT INTO "{table}" TABLE "as_new_{table}"'


def _line(number: int, name: str) -> dict[str, Any]:
    return {
        "prompt": f"{name} {number}",
        "completions": [{"text": f"{name} {number} first"}, {"text": f"{name} {number} second"}],
        "priority": 0 if name == "free" else 1,
        "task": f"{name}-{number}",
        "metadata": {"name": f"{name}-{number}"},
    }


def _cast(project: Project, count: int) -> list[dict[str, Annotator]]:
    names = [f"{name}-{number}" for number in range(count) for name in CAST]
    users = User.objects.bulk_create(User(username=f"{project.slug}-{name}") for name in names)
    rows = Annotator.objects.bulk_create(
        Annotator(project=project, user=user, pseudonym=name) for user, name in zip(users, names, strict=True)
    )
    size = len(CAST)
    return [dict(zip(CAST, rows[n * size : (n + 1) * size], strict=True)) for n in range(count)]


def _place(
    project: Project, carol: User, number: int, tasks: dict[str, Task], cast: dict[str, Annotator]
) -> Scene:
    task, gold, other, ahead = (tasks[f"{name}-{number}"] for name in ("task", "gold", "other", "ahead"))
    in_hand = _give(task, cast["alice"], expires_in=-1)
    _give(ahead, cast["alice"], ahead=True)
    ranked = _rank(_give(task, cast["bob"]))
    _rank(_give(gold, cast["bob"]))
    control.mark_gold(project=project, tasks=[gold.key])
    ended = _give(task, cast["erin"], slot=False, expires_in=-60, status=Status.EXPIRED)
    _rank(_give(other, cast["frank"]))
    _rank(_give(gold, cast["frank"], slot=False))
    to_rate, rated = (_give(_other_task(task, "rate", who), cast[who]) for who in ("grace", "ivan"))
    _score(rated)
    to_write, wrote = (_give(_other_task(task, "demonstrate", who), cast[who]) for who in ("heidi", "frank"))
    waiting = _write(wrote)
    flag = Flag.objects.create(
        project=project, task=task, prompt=task.prompt, annotator=cast["bob"], category="other", words="odd"
    )
    source, _ = Source.objects.get_or_create(project=project, name="policy", kind=Source.Kind.POLICY)
    return Scene(
        project=project,
        carol=carol,
        people=cast,
        task=task,
        gold=gold,
        source=source,
        in_hand=in_hand,
        ended=ended,
        ranked=ranked,
        to_rate=to_rate,
        rated=rated,
        to_write=to_write,
        waiting=waiting,
        flag=flag,
        line=_line(number, "task"),
    )


def _give(
    task: Task,
    annotator: Annotator,
    *,
    slot: bool = True,
    expires_in: int = 1800,
    status: str = Status.OPEN,
    ahead: bool = False,
) -> Assignment:
    if slot:
        free = task.slots.filter(annotator=None).first()
        assert free is not None
        Slot.objects.filter(pk=free.pk).update(annotator=annotator)
    now = timezone.now()
    return Assignment.objects.create(
        task=task,
        project=task.project,
        annotator=annotator,
        status=status,
        expires_at=now + timedelta(seconds=expires_in),
        closed_at=None if status == Status.OPEN else now,
        order_shown=[0, 1],
        ahead=ahead,
    )


def _rank(assignment: Assignment, tiers: Sequence[int] = (1, 2)) -> Ranking:
    judged = Ranking(
        project=assignment.project,
        task=assignment.task,
        annotator=assignment.annotator,
        assignment=assignment,
        verdict="ranked",
        tiers=list(tiers),
        order_shown=[0, 1],
    )
    ranking.store(judged)
    _close(assignment)
    return judged


def _close(assignment: Assignment) -> None:
    Assignment.objects.filter(pk=assignment.pk).update(status=Status.SUBMITTED, closed_at=timezone.now())


def _other_task(first: Task, kind: str, name: str) -> Task:
    """A task of another kind of the same prompt, with a slot."""
    task = Task.objects.create(
        project=first.project, prompt=first.prompt, kind=kind, key=f"{kind}:{name}:{first.key}", priority=1
    )
    if kind == Task.Kind.RATE:
        TaskCompletion.objects.bulk_create(
            TaskCompletion(task=task, completion_id=entry.completion_id, position=entry.position)
            for entry in first.entries.all()
        )
    Slot.objects.create(project=first.project, task=task, number=0, priority=1)
    return task


def _score(assignment: Assignment) -> None:
    axes = [axis["name"] for axis in assignment.project.rating_axes]
    Rating.objects.bulk_create(
        Rating(
            project=assignment.project,
            completion_id=entry.completion_id,
            annotator=assignment.annotator,
            assignment=assignment,
            axis=axis,
            score=1,
        )
        for entry in assignment.task.entries.all()
        for axis in axes
    )
    _close(assignment)


def _write(assignment: Assignment) -> Demonstration:
    source, _ = Source.objects.get_or_create(
        project=assignment.project,
        name=f"person:{assignment.annotator.pseudonym}",
        kind=Source.Kind.PERSON,
        annotator=assignment.annotator,
    )
    written = Demonstration.objects.create(
        project=assignment.project,
        prompt=assignment.task.prompt,
        source=source,
        author=assignment.annotator,
        assignment=assignment,
        text="An answer.",
        review=Demonstration.Review.WAITING,
    )
    _close(assignment)
    return written
