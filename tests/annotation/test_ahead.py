"""The next task, held ahead of the one in hand."""

import random
from collections import Counter

import pytest

from annotation.checking import control, standing
from annotation.collecting import progress, queue, ranking
from annotation.errors import ClaimsPaused, LeaseOver
from annotation.models import Annotator, Assignment, Ranking, Slot
from tests.annotation.factories import make_annotator, make_project, make_tasks
from tests.annotation.judging import at_once, run_out, status_of, submit, taken

pytestmark = pytest.mark.django_db
Status = Assignment.Status


def reserved(annotator: Annotator) -> Assignment:
    """The task that is held ahead; there must be one."""
    assignment = queue.reserve(annotator=annotator)
    assert assignment is not None
    return assignment


def test_what_is_held_ahead_comes_next_in_the_same_order(cast: tuple[Annotator, Annotator]) -> None:
    alice, _ = cast
    first = taken(alice)
    ahead = reserved(alice)
    assert ahead.task != first.task
    # Asked again, and in another tab, it is the same; the one in hand stays in hand.
    assert (reserved(alice), taken(alice)) == (ahead, first)
    submit(first, alice)
    began = taken(alice)
    assert (began, began.ahead, began.order_shown) == (ahead, False, ahead.order_shown)
    assert began.opened_at == ahead.opened_at


def test_nothing_is_held_ahead_without_a_task_in_hand_or_a_free_one(
    cast: tuple[Annotator, Annotator],
) -> None:
    alice, bob = cast
    assert queue.reserve(annotator=alice) is None
    taken(alice), taken(bob)
    assert queue.reserve(annotator=alice) is None
    assert Slot.objects.filter(annotator=None).count() == 0


def test_what_is_held_ahead_counts_as_left(cast: tuple[Annotator, Annotator]) -> None:
    alice, bob = cast
    taken(alice), reserved(alice)
    assert (progress.of(alice).left, progress.of(bob).left) == (2, 0)


def test_it_can_be_judged_before_the_one_in_hand(cast: tuple[Annotator, Annotator]) -> None:
    alice, _ = cast
    first, ahead = taken(alice), reserved(alice)
    submit(ahead, alice)
    assert (status_of(ahead), status_of(first)) == (Status.SUBMITTED, Status.OPEN)
    assert taken(alice) == first


def test_whoever_would_go_without_gets_what_another_only_holds_ahead(
    cast: tuple[Annotator, Annotator],
) -> None:
    alice, bob = cast
    first, ahead = taken(alice), reserved(alice)
    got = taken(bob)
    assert (got.task, status_of(ahead), status_of(first)) == (ahead.task, Status.EXPIRED, Status.OPEN)
    with pytest.raises(LeaseOver, match="others have it"):
        submit(ahead, alice)
    submit(first, alice)
    assert queue.claim(annotator=alice) is None
    submit(got, bob)
    assert Ranking.objects.count() == 2


def test_what_is_drafted_is_not_taken_away(cast: tuple[Annotator, Annotator]) -> None:
    alice, bob = cast
    taken(alice)
    ahead = reserved(alice)
    queue.renew(assignment=ahead, annotator=alice, draft={"ranks": {"A": 1}})
    assert queue.claim(annotator=bob) is None
    assert status_of(ahead) == Status.OPEN


def test_a_free_task_comes_before_one_that_another_holds_ahead() -> None:
    project = make_project()
    tasks = make_tasks(project, 3)
    alice, bob = make_annotator(project), make_annotator(project)
    taken(alice), reserved(alice)
    assert taken(bob).task == tasks[2]


def test_renewing_the_one_in_hand_renews_it_and_handing_back_gives_back_both(
    cast: tuple[Annotator, Annotator],
) -> None:
    alice, _ = cast
    first, ahead = taken(alice), reserved(alice)
    run_out(ahead)
    queue.renew(assignment=first, annotator=alice)
    assert queue.expire() == 0
    queue.release(assignment=first, annotator=alice)
    assert (status_of(first), status_of(ahead)) == (Status.RELEASED, Status.RELEASED)
    assert not Slot.objects.exclude(annotator=None).exists()


@pytest.mark.django_db(transaction=True)
def test_many_who_hold_ahead_at_once_rank_everything_once() -> None:
    project = make_project(annotators_per_task=2)
    make_tasks(project, 30, completions=2)

    def work_through(annotator: Annotator) -> int:
        rng = random.Random(annotator.pk)
        done = 0
        while (assignment := queue.claim(annotator=annotator, shuffle=rng)) is not None:
            queue.reserve(annotator=annotator, shuffle=rng)
            ranking.submit(assignment=assignment, annotator=annotator, verdict="ranked", ranks=[1, 2])
            done += 1
        return done

    crew = [make_annotator(project) for _ in range(8)]
    answers = at_once([lambda one=one: work_through(one) for one in crew])  # type: ignore[misc]
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    by_task = Counter(Ranking.objects.values_list("task_id", flat=True))
    assert (len(by_task), set(by_task.values())) == (30, {2})
    assert not Assignment.objects.open().exists()


def test_whoever_is_paused_begins_nothing_that_is_held_ahead(cast: tuple[Annotator, Annotator]) -> None:
    alice, bob = cast
    first, ahead = taken(alice), reserved(alice)
    standing.pause(annotator=alice, why="Look at the guidelines.", by=None)
    assert taken(alice) == first
    submit(first, alice)
    with pytest.raises(ClaimsPaused):
        queue.claim(annotator=alice)
    assert queue.reserve(annotator=alice) is None
    # Somebody who would go without gets it.
    assignment = taken(bob)
    assert assignment.task == ahead.task


def test_a_gold_task_falls_due_ahead_too() -> None:
    project = make_project()
    gold, *_ = make_tasks(project, 4)
    expert, alice = make_annotator(project), make_annotator(project)
    first = taken(expert)
    assert first.task == gold
    submit(first, expert)
    control.mark_gold(project=project, tasks=[str(gold.public_id)])
    taken(alice)
    control.configure(project=project, gold_every=1)
    alice.refresh_from_db()
    assert reserved(alice).task == gold


def test_of_two_who_hold_a_task_ahead_the_one_who_loses_it_loses_slot_and_lease() -> None:
    project = make_project(annotators_per_task=2)
    make_tasks(project, 2)
    alice, bob, carol = (make_annotator(project) for _ in range(3))
    for one in (alice, bob):
        queue.claim(annotator=one)
        queue.reserve(annotator=one)
    # Alice has the first slots again, by leases that are newer than Bob's.
    queue.release(assignment=taken(alice), annotator=alice)
    queue.claim(annotator=alice)
    queue.reserve(annotator=alice)
    got = taken(carol)
    holders = set(Slot.objects.filter(task=got.task).values_list("annotator", flat=True))
    leases = set(Assignment.objects.open().filter(task=got.task).values_list("annotator", flat=True))
    assert holders == leases
    assert carol.pk in holders
    assert len(holders) == 2
