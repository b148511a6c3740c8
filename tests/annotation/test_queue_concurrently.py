"""Many annotators at once, each with a connection of their own: no task is ever ranked by more than it asks for."""

import random
from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from annotation.collecting import queue, ranking
from annotation.errors import LeaseOver
from annotation.models import Annotator, Assignment, Comparison, Project, Ranking, Slot
from tests.annotation.factories import make_annotator, make_project, make_tasks
from tests.annotation.judging import at_once

pytestmark = pytest.mark.django_db(transaction=True)
ANNOTATORS, TASKS, OVERLAP = 8, 40, 3


def work_through(annotator: Annotator, fickle: bool) -> int:
    """Rank until nothing is left; the fickle hand some back or skip them, and let leases run out."""
    rng = random.Random(annotator.pk)
    done = 0
    while (assignment := queue.claim(annotator=annotator, shuffle=rng)) is not None:
        whim = rng.random() if fickle else 1.0
        if whim < 0.1:
            queue.release(assignment=assignment, annotator=annotator)
            continue
        if whim < 0.2:
            past = timezone.now() - timedelta(seconds=1)
            Assignment.objects.filter(pk=assignment.pk).update(expires_at=past)
            queue.expire()
        try:
            ranking.submit(assignment=assignment, annotator=annotator, verdict="ranked", ranks=[1, 2])
            done += 1
        except LeaseOver:
            assert whim < 0.2
    return done


def work_and_send_twice(annotator: Annotator) -> int:
    """Rank until nothing is left; every tenth time two tabs send it at the same moment."""
    rng = random.Random(annotator.pk)
    done = 0
    while (assignment := queue.claim(annotator=annotator, shuffle=rng)) is not None:

        def send(to_send: Assignment = assignment) -> Ranking:
            return ranking.submit(assignment=to_send, annotator=annotator, verdict="ranked", ranks=[1, 2])

        answers = at_once([send, send]) if rng.random() < 0.1 else [send()]
        assert len({answer.pk for answer in answers if isinstance(answer, Ranking)}) == 1, answers
        done += 1
    return done


def crew(project: Project, count: int = ANNOTATORS) -> list[Annotator]:
    return [make_annotator(project) for _ in range(count)]


@pytest.mark.parametrize("fickle", [False, True], ids=["steady", "fickle"])
def test_each_task_is_ranked_by_as_many_as_it_asks_for_and_by_nobody_twice(fickle: bool) -> None:
    project = make_project(annotators_per_task=OVERLAP)
    make_tasks(project, TASKS, completions=2)
    answers = at_once(
        [lambda one=one: work_through(one, fickle) for one in crew(project)]  # type: ignore[misc]
    )
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    by_task = Counter(Ranking.objects.values_list("task_id", flat=True))
    assert max(by_task.values()) == OVERLAP
    # Every annotator leaves only when no slot is free for them, so that nothing stays unranked.
    assert (len(by_task), by_task.total()) == (TASKS, TASKS * OVERLAP)
    assert sum(answer for answer in answers if isinstance(answer, int)) == TASKS * OVERLAP
    pairs = Counter(Ranking.objects.values_list("task_id", "annotator_id"))
    assert set(pairs.values()) == {1}
    taken_slots = set(Slot.objects.values_list("task_id", "annotator_id"))
    assert taken_slots == set(pairs)
    assert Comparison.objects.count() == TASKS * OVERLAP


@pytest.mark.long
def test_32_annotators_on_500_tasks_make_exactly_as_many_rankings_as_are_asked_for() -> None:
    project = make_project(annotators_per_task=OVERLAP)
    make_tasks(project, 500, completions=2)
    answers = at_once([partial(work_and_send_twice, one) for one in crew(project, 32)])
    assert not [answer for answer in answers if not isinstance(answer, int)]
    assert sum(answer for answer in answers if isinstance(answer, int)) == 1500
    pairs = Counter(Ranking.objects.values_list("task_id", "annotator_id"))
    assert (len(pairs), pairs.total()) == (1500, 1500)
    assert set(Counter(task for task, _ in pairs).values()) == {OVERLAP}
    assert set(Slot.objects.values_list("task_id", "annotator_id")) == set(pairs)


def test_one_slot_wanted_by_all_goes_to_one() -> None:
    project = make_project()
    make_tasks(project, 1)
    answers = at_once([lambda one=one: queue.claim(annotator=one) for one in crew(project)])  # type: ignore[misc]
    assert sum(isinstance(answer, Assignment) for answer in answers) == 1
    assert answers.count(None) == ANNOTATORS - 1


def test_all_tabs_of_one_person_get_the_same_assignment() -> None:
    project = make_project(annotators_per_task=5)
    make_tasks(project, 5)
    (alice,) = crew(project, 1)
    answers = at_once([lambda: queue.claim(annotator=alice) for _ in range(6)])
    assert len({answer.pk for answer in answers if isinstance(answer, Assignment)}) == 1
    assert not [answer for answer in answers if not isinstance(answer, Assignment)]
    assert Slot.objects.filter(annotator=alice).count() == 1


def test_a_late_submit_and_the_next_claim_share_no_slot() -> None:
    """Alice submits after her lease at the moment at which Bob takes the next task: one of them has it."""
    project = make_project()
    make_tasks(project, 10, completions=2)
    alice, bob = crew(project, 2)
    while (late := queue.claim(annotator=alice)) is not None:
        Assignment.objects.filter(pk=late.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
        queue.expire()

        def submit(late: Assignment = late) -> Ranking:
            return ranking.submit(assignment=late, annotator=alice, verdict="ranked", ranks=[1, 2])

        submitted, claimed = at_once([submit, lambda: queue.claim(annotator=bob)])
        if isinstance(claimed, Assignment) and claimed.task_id == late.task_id:
            assert isinstance(submitted, LeaseOver)
        else:
            assert isinstance(submitted, Ranking)
        if isinstance(claimed, Assignment):
            ranking.submit(assignment=claimed, annotator=bob, verdict="ranked", ranks=[1, 2])
    by_task = Counter(Ranking.objects.values_list("task_id", flat=True))
    assert (len(by_task), set(by_task.values())) == (10, {1})
