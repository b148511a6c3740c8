"""Whoever is far ahead is not walked past what they know already, and still gets the next task, in its order."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from annotation.collecting import bookmarks, progress, queue
from annotation.files import intake
from annotation.files.intake import add_demonstration
from annotation.models import Annotator, Assignment, Bookmark, Project, Prompt, Slot, Source, Task
from tests.annotation.factories import make_annotator, make_project, make_tasks, put
from tests.annotation.judging import run_out, status_of, submit, taken

pytestmark = pytest.mark.django_db
# Seen by Alice, still open to others, before the tasks that are left to her.
SEEN = bookmarks.WINDOW + 8


def far_ahead(left: int = 2) -> tuple[Project, Annotator, Annotator]:
    """Alice has ranked more tasks than are looked at at once, Bob none; each is for two."""
    project = make_project(annotators_per_task=2)
    make_tasks(project, SEEN + left)
    alice = make_annotator(project)
    for _ in range(SEEN):
        submit(taken(alice), alice)
    return project, alice, make_annotator(project)


def rest_of(annotator: Annotator) -> list[Task]:
    """The tasks that come, in their order, to the end."""
    tasks = []
    while (assignment := queue.claim(annotator=annotator)) is not None:
        tasks.append(assignment.task)
        submit(assignment, annotator)
    return tasks


def test_a_claim_starts_at_the_bookmark_and_not_at_what_was_seen_before() -> None:
    _, alice, _ = far_ahead()
    # The first claim that found nothing in a whole window moved it to the first task beyond.
    beyond = Task.objects.order_by("id")[bookmarks.WINDOW]
    assert Bookmark.objects.get(annotator=alice).task_number == beyond.pk
    claims: list[dict[str, Any]] = []

    def watch(execute: Any, statement: str, values: Any, *more: Any) -> Any:
        if "SKIP LOCKED" in statement:
            assert "slot.task_id >= %(task)s" in statement
            claims.append(values)
        return execute(statement, values, *more)

    with connection.execute_wrapper(watch):
        taken(alice)
    assert [values["task"] for values in claims] == [beyond.pk]


def test_one_judgement_in_twenty_at_most_moves_the_bookmark() -> None:
    """It takes longer than all others: so whoever waits longest for a task does not wait for this."""
    judgements = 100
    project = make_project(annotators_per_task=3)
    make_tasks(project, judgements)
    alice = make_annotator(project)
    places = set()
    for _ in range(judgements):
        submit(taken(alice), alice)
        places |= set(Bookmark.objects.filter(annotator=alice).values_list("task_number", flat=True))
    assert 1 <= len(places) <= judgements / 20


def test_whoever_is_far_ahead_gets_all_that_is_left_and_all_that_is_added() -> None:
    project, alice, _ = far_ahead()
    assert rest_of(alice) == list(Task.objects.order_by("id"))[SEEN:]
    assert progress.of(alice).left == 0
    added = make_tasks(project, bookmarks.WINDOW)
    assert rest_of(alice) == added


def place_of(annotator: Annotator) -> tuple[int, int]:
    """Where their bookmark stands, which must hold."""
    bookmark = Bookmark.objects.get(annotator=annotator)
    assert bookmark.queue_version == Project.objects.get(pk=annotator.project_id).queue_version
    return bookmark.priority, bookmark.task_number


def walks(annotator: Annotator) -> int:
    """How often the next claim looks for the first task that is left, past all that stand before."""
    with CaptureQueriesContext(connection) as caught:
        taken(annotator)
    return sum("INSERT INTO annotation_bookmark" in query["sql"] for query in caught)


@pytest.mark.parametrize("finished", [False, True])
def test_an_import_sends_nobody_to_the_start_of_the_queue(finished: bool) -> None:
    project, alice, _ = far_ahead()
    if finished:
        rest_of(alice)
    before = place_of(alice)
    added = make_tasks(project, 3)
    # Who had nothing left goes on at what is new; who had something goes on there.
    assert place_of(alice) == ((0, added[0].pk) if finished else before)
    assert walks(alice) == 0


def test_an_import_moves_no_bookmark_of_another_project() -> None:
    project, alice, _ = far_ahead()
    other = make_project()
    make_annotator(other)
    before = place_of(alice)
    while Project.objects.get(pk=other.pk).queue_version <= Project.objects.get(pk=project.pk).queue_version:
        make_tasks(other, 1)
    assert place_of(alice) == before


def test_a_queue_whose_order_changed_is_walked_once() -> None:
    project, alice, _ = far_ahead()
    intake.set_priorities(project=project, priorities={Task.objects.earliest("pk").pk: -1})
    assert walks(alice) == 1


def test_what_is_more_wanted_than_a_bookmark_is_found_before_it() -> None:
    project, alice, _ = far_ahead()
    texts = {"completions": [{"text": "a"}, {"text": "b"}, {"text": "c"}]}
    urgent, late = {"prompt": "now", "priority": 7} | texts, {"prompt": "later", "priority": -7} | texts
    before = place_of(alice)
    put(project, "completions", late)
    assert place_of(alice) == before
    put(project, "completions", late | {"prompt": "last"}, urgent)
    order = [task.prompt.last_text for task in rest_of(alice)]
    assert (order[0], order[-2:], len(order)) == ("now", ["later", "last"], 5)


def test_a_bookmark_of_a_version_before_is_void_whatever_is_added() -> None:
    """As a claim stores it that began before an import ended."""
    project, alice, _ = far_ahead()
    Bookmark.objects.filter(annotator=alice).update(queue_version=0, priority=-(2**31) - 1, task_number=0)
    Project.objects.filter(pk=project.pk).update(queue_version=1)
    make_tasks(project, 1)
    assert Bookmark.objects.get(annotator=alice).queue_version == 0
    assert len(rest_of(alice)) == 3


def test_a_slot_that_is_given_back_behind_the_bookmark_is_found() -> None:
    project, alice, bob = far_ahead(left=0)
    early, late = make_tasks(project, 2)
    in_hand = taken(bob)
    assert in_hand.task == Task.objects.earliest("id")
    queue.skip(assignment=in_hand, annotator=bob, reason="not mine")
    carol, dave = make_annotator(project), make_annotator(project)
    intake.set_priorities(project=project, priorities={early.pk: 9})
    for person in (carol, dave):
        assert taken(person).task == early
    assert rest_of(alice) == [late]
    assert Bookmark.objects.get(annotator=alice).priority < 0
    queue.release(assignment=taken(carol), annotator=carol)
    assert progress.of(Annotator.objects.get(pk=alice.pk)).left == 1
    assert taken(alice).task == early


def test_a_lease_that_runs_out_behind_the_bookmark_is_found() -> None:
    project, alice, bob = far_ahead(left=1)
    carol = make_annotator(project)
    last = Task.objects.latest("id")
    Slot.objects.exclude(task=last).filter(annotator=None).delete()
    in_hand = taken(bob), taken(carol)
    assert {assignment.task for assignment in in_hand} == {last}
    assert queue.claim(annotator=alice) is None
    run_out(in_hand[0])
    assert taken(alice).task == last
    assert status_of(in_hand[0]) == Assignment.Status.EXPIRED


def test_new_tasks_of_a_higher_priority_come_first() -> None:
    project, alice, _ = far_ahead()
    queue.release(assignment=taken(alice), annotator=alice)
    assert Bookmark.objects.filter(annotator=alice).exists()
    (urgent,) = make_tasks(project, 1, priority=5)
    assert taken(alice).task == urgent


def test_a_priority_that_rises_behind_nothing_seen_comes_first() -> None:
    project, alice, _ = far_ahead(left=3)
    last = Task.objects.latest("id")
    intake.set_priorities(project=project, priorities={last.pk: 1})
    assert rest_of(alice)[0] == last


def test_a_task_with_their_own_text_is_passed_by() -> None:
    project, alice, _ = far_ahead(left=0)
    put(project, "prompts", {"prompt": "Name a colour."})
    add_demonstration(
        prompt=Prompt.objects.get(messages__0__content="Name a colour."), annotator=alice, text="Blue."
    )
    alices_source = Source.objects.get(annotator=alice).name
    texts = [{"text": "Blue.", "source": alices_source}, {"text": "Red."}]
    put(project, "completions", {"prompt": "Name a colour.", "completions": texts})
    assert queue.claim(annotator=alice) is None
    assert progress.of(alice).left == 0


def drawing(share: float) -> Project:
    """A project that draws a share of its tasks at random."""
    project = make_project()
    project.random_share = share
    project.save(update_fields=["random_share"])
    return project


def test_no_task_is_drawn_at_random_unless_the_project_wants_it() -> None:
    project = make_project()
    tasks = make_tasks(project, 12)
    assert rest_of(make_annotator(project)) == tasks
    assert set(Assignment.objects.values_list("chosen", flat=True)) == {"priority"}


def test_tasks_drawn_at_random_ignore_priorities_and_say_so() -> None:
    project = drawing(1.0)
    first, *rest = make_tasks(project, 24)
    intake.set_priorities(project=project, priorities={first.pk: 9})
    order = rest_of(make_annotator(project))
    assert sorted(order, key=lambda task: task.pk) == [first, *rest]
    assert set(Assignment.objects.values_list("chosen", flat=True)) == {"random"}
    # One order of 24! comes by priority.
    assert order != [first, *rest]


@pytest.mark.long
def test_a_share_of_tasks_is_drawn_at_random() -> None:
    project = drawing(0.5)
    make_tasks(project, 200)
    rest_of(make_annotator(project))
    drawn = Assignment.objects.filter(chosen="random").count()
    # Binomial of 200 at a half: less than 60 or more than 140 is 5.6 standard deviations away, one run in 10^8.
    assert 60 <= drawn <= 140


def test_a_share_beyond_one_is_refused() -> None:
    with pytest.raises(IntegrityError, match="project_random_share_is_a_share"), transaction.atomic():
        Project.objects.filter(pk=make_project().pk).update(random_share=1.5)
