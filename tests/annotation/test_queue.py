"""Who gets which task, in which order, and never twice."""

import itertools
import random
from typing import Any

import pytest

from annotation.collecting import progress, queue
from annotation.errors import BadRequest
from annotation.files import intake
from annotation.files.intake import add_demonstration
from annotation.models import Annotator, Assignment, Prompt, Ranking, Slot, Source
from tests.annotation.factories import make_annotator, make_project, make_tasks, put
from tests.annotation.judging import status_of, submit, taken

pytestmark = pytest.mark.django_db
Status = Assignment.Status


def test_a_claim_in_a_second_tab_gives_the_same_assignment(cast: tuple[Annotator, Annotator]) -> None:
    alice, _ = cast
    assert taken(alice) == taken(alice)
    assert Slot.objects.filter(annotator=alice).count() == 1


def test_tasks_come_by_priority_then_in_the_order_of_their_making() -> None:
    project = make_project()
    alice = make_annotator(project)
    first, second, third, fourth = make_tasks(project, 4, priority=2)
    changed = intake.set_priorities(project=project, priorities={third.pk: 7, second.pk: -1, first.pk: 2})
    assert changed == 2  # the first had it already
    order = []
    for _ in range(4):
        assignment = taken(alice)
        order.append(assignment.task)
        submit(assignment, alice)
    assert order == [third, first, fourth, second]
    assert queue.claim(annotator=alice) is None


def test_priorities_of_another_project_stay_as_they_are() -> None:
    (task,) = make_tasks(make_project())
    assert intake.set_priorities(project=make_project(), priorities={task.pk: 5}) == 0
    assert set(Slot.objects.filter(task=task).values_list("priority", flat=True)) == {0}


def ordered_by_lots(seed: int, completions: int) -> list[int]:
    rng = random.Random(seed)
    lots = [rng.random() for _ in range(completions)]
    return sorted(range(completions), key=lots.__getitem__)


@pytest.mark.parametrize("take", [queue.claim, queue.reserve])
def test_the_order_shown_is_that_of_lots_drawn_from_the_given_numbers_and_is_stored(take: Any) -> None:
    project = make_project(annotators_per_task=12)
    make_tasks(project, 2, completions=9)
    orders = []
    for seed in range(6):
        annotator = make_annotator(project)
        if take is queue.reserve:
            taken(annotator)  # one in hand, which another is reserved beside
        claimed = take(annotator=annotator, shuffle=random.Random(seed))
        orders.append(Assignment.objects.get(pk=claimed.pk).order_shown)
    assert orders == [ordered_by_lots(seed, 9) for seed in range(6)]


def test_without_given_numbers_the_order_shown_is_by_those_of_the_system(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Which differ for everybody: here they are counted, so that the order can be known."""
    seeds = itertools.count()
    monkeypatch.setattr(random, "SystemRandom", lambda: random.Random(next(seeds)))
    project = make_project(annotators_per_task=3)
    make_tasks(project, 1, completions=9)
    orders = [taken(make_annotator(project)).order_shown for _ in range(3)]
    assert orders == [ordered_by_lots(seed, 9) for seed in range(3)]


def test_a_task_is_not_given_again_to_whoever_ranked_it() -> None:
    project = make_project(annotators_per_task=2)
    make_tasks(project, 1)
    alice, bob = make_annotator(project), make_annotator(project)
    submit(taken(alice), alice)
    assert queue.claim(annotator=alice) is None
    assert progress.of(alice).left == 0
    submit(taken(bob), bob)
    assert Ranking.objects.count() == 2


def test_an_annotator_gets_no_task_of_another_project(cast: tuple[Annotator, Annotator]) -> None:
    assert queue.claim(annotator=make_annotator(make_project())) is None


def test_nobody_ranks_their_own_text() -> None:
    project = make_project()
    alice, bob = make_annotator(project), make_annotator(project)
    put(project, "prompts", {"prompt": "Name a colour."})
    add_demonstration(prompt=Prompt.objects.get(project=project), annotator=alice, text="Blue.")
    source = Source.objects.get(annotator=alice).name
    texts = [{"text": "Blue.", "source": source}, {"text": "Red."}]
    put(project, "completions", {"prompt": "Name a colour.", "completions": texts})
    assert progress.of(alice).left == 0
    assert queue.claim(annotator=alice) is None
    assert taken(bob).task.prompt.last_text == "Name a colour."


def test_a_skipped_task_goes_to_others_and_never_back(cast: tuple[Annotator, Annotator]) -> None:
    alice, bob = cast
    skipped = taken(alice)
    queue.skip(assignment=skipped, annotator=alice, reason="  not my language ")
    assert (status_of(skipped), skipped.reason) == (Status.SKIPPED, "not my language")
    queue.skip(assignment=taken(alice), annotator=alice, reason="nor this")
    assert Slot.objects.filter(annotator=None).count() == 2
    assert queue.claim(annotator=alice) is None
    assert taken(bob).task == skipped.task


def test_a_skip_says_why(cast: tuple[Annotator, Annotator]) -> None:
    alice, _ = cast
    with pytest.raises(BadRequest, match="why"):
        queue.skip(assignment=taken(alice), annotator=alice, reason=" \n")
    assert status_of(taken(alice)) == Status.OPEN


def test_a_released_task_may_come_back(cast: tuple[Annotator, Annotator]) -> None:
    alice, _ = cast
    first = taken(alice)
    queue.release(assignment=first, annotator=alice)
    second = taken(alice)
    assert (second.task, second.pk != first.pk) == (first.task, True)


def test_what_is_in_hand_is_shown_whole_and_stays_so_while_another_is_held_ahead(
    cast: tuple[Annotator, Annotator],
) -> None:
    alice, _ = cast
    first = taken(alice)
    assert queue.reserve(annotator=alice) != first
    shown = [taken(alice) for _ in range(3)]
    assert shown == [first] * 3
    assert {one.task.prompt.last_text for one in shown} == {Prompt.objects.get(tasks=first.task).last_text}


def test_whoever_wrote_a_text_of_another_task_gets_what_is_only_held_ahead(
    cast: tuple[Annotator, Annotator],
) -> None:
    alice, bob = cast
    taken(alice)
    ahead = queue.reserve(annotator=alice)
    assert ahead is not None
    put(bob.project, "prompts", {"prompt": "Elsewhere"})
    elsewhere = Prompt.objects.get(messages__0__content="Elsewhere")
    add_demonstration(prompt=elsewhere, annotator=bob, text="Mine.")
    source = Source.objects.get(annotator=bob).name
    texts = [{"text": "Mine.", "source": source}, {"text": "Red."}]
    put(bob.project, "completions", {"prompt": "Elsewhere", "completions": texts})
    assert taken(bob).task == ahead.task


def test_simulated_annotators_get_what_is_only_held_ahead(
    cast: tuple[Annotator, Annotator],
) -> None:
    alice, _ = cast
    taken(alice)
    ahead = queue.reserve(annotator=alice)
    assert ahead is not None
    robot = Annotator.objects.create(project=alice.project, pseudonym="robot", simulated=True)
    assert taken(robot).task == ahead.task


def test_handing_back_what_is_held_ahead_leaves_the_one_in_hand(cast: tuple[Annotator, Annotator]) -> None:
    alice, _ = cast
    first, ahead = taken(alice), queue.reserve(annotator=alice)
    assert ahead is not None
    queue.release(assignment=ahead, annotator=alice)
    assert (status_of(first), status_of(ahead)) == (Status.OPEN, Status.RELEASED)
