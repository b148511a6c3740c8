"""Whoever has judged a task holds one of its slots, whether they ranked it here or in a file."""

import pytest

from annotation.collecting import queue
from annotation.models import Annotator, Assignment, Comparison, Project, Ranking, Slot, Task
from tests.annotation.factories import emptied, make_annotator, make_project, out, put, put_bytes, ranking
from tests.annotation.judging import run_out, status_of, submit, taken

pytestmark = pytest.mark.django_db
TASK = {"prompt": "p", "completions": [{"text": text} for text in "abc"], "task": "t"}


def to_be_ranked(annotators: int = 2) -> Project:
    """A project with one task of three completions."""
    project = make_project(annotators_per_task=annotators)
    put(project, "completions", TASK)
    return project


def holders() -> list[str | None]:
    return list(Slot.objects.order_by("number").values_list("annotator__pseudonym", flat=True))


def test_a_ranking_that_is_imported_takes_a_slot_of_its_task() -> None:
    project = to_be_ranked()
    put(project, "rankings", ranking("p", 1, 2, 3, task="t", annotator="bob"))
    assert holders() == ["bob", None]
    assert Assignment.objects.get().status == Assignment.Status.SUBMITTED
    put(project, "rankings", ranking("p", 3, 2, 1, task="t", annotator="bob"))
    assert holders() == ["bob", None]
    assert queue.claim(annotator=Annotator.objects.get(pseudonym="bob")) is None


def test_a_task_that_was_judged_before_it_was_to_be_ranked_asks_those_who_did_not() -> None:
    project = make_project(annotators_per_task=3)
    put(project, "rankings", *(ranking("p", 1, 2, 3, task="t", annotator=name) for name in ("bob", "carol")))
    assert holders() == []
    put(project, "completions", TASK)
    assert holders() == ["bob", "carol", None]
    alice = make_annotator(project)
    submit(taken(alice), alice)
    assert Ranking.objects.count() == 3


def test_more_judgements_than_slots_are_all_kept() -> None:
    project = to_be_ranked(annotators=1)
    put(project, "rankings", *(ranking("p", 1, 2, 3, task="t", annotator=name) for name in "xyz"))
    assert (holders(), Ranking.objects.current().count()) == ([*"xyz"], 3)
    assert all(queue.claim(annotator=annotator) is None for annotator in Annotator.objects.all())


def test_a_slot_that_somebody_holds_is_not_taken_from_them() -> None:
    project = to_be_ranked(annotators=1)
    alice = make_annotator(project)
    in_hand = taken(alice)
    put(project, "rankings", ranking("p", 1, 2, 3, task="t", annotator="bob"))
    assert holders() == [alice.pseudonym, "bob"]
    assert submit(in_hand, alice).is_current


def test_a_ranking_that_a_file_brings_while_its_annotator_works_gives_way_to_theirs() -> None:
    project = to_be_ranked(annotators=1)
    alice = make_annotator(project)
    in_hand = taken(alice)
    put(project, "rankings", ranking("p", 3, 2, 1, task="t", annotator=alice.pseudonym))
    alices = submit(in_hand, alice)
    assert alices.supersedes == Ranking.objects.get(is_current=False)
    assert Ranking.objects.current().get() == alices
    assert set(Comparison.objects.values_list("ranking", flat=True)) == {alices.pk}


def test_the_order_of_a_files_completions_is_brought_to_that_of_the_task() -> None:
    project = to_be_ranked()
    turned = [{"text": "c", "rank": 1}, {"text": "a", "rank": 3}, {"text": "b", "rank": 2}]
    put(project, "rankings", {"prompt": "p", "completions": turned, "task": "t"})
    stored = Ranking.objects.get()
    assert stored.tiers == [3, 2, 1]
    pairs = set(stored.comparisons.values_list("preferred__text", "rejected__text"))
    assert pairs == {("c", "a"), ("c", "b"), ("b", "a")}


def test_an_export_of_tasks_keeps_for_how_many_each_is() -> None:
    project = to_be_ranked(annotators=2)
    put(project, "rankings", *(ranking("p", 1, 2, 3, task="t", annotator=name) for name in "xyz"))
    put(project, "completions", {**TASK, "prompt": "own", "task": "o", "concord": {"slots": 3}})
    put(project, "rankings", ranking("judged", 1, 2))
    exported = out(project, "completions")
    again = emptied(project)
    put_bytes(again, "completions", exported)
    assert [task.slots.count() for task in Task.objects.order_by("id")] == [2, 3, 0]


def test_who_skipped_a_task_and_ranked_it_in_a_file_has_ranked_it() -> None:
    project = to_be_ranked()
    alice = make_annotator(project)
    in_hand = taken(alice)
    queue.skip(assignment=in_hand, annotator=alice, reason="Too long.")
    put(project, "rankings", ranking("p", 1, 2, 3, task="t", annotator=alice.pseudonym))
    stored = Assignment.objects.get()
    assert (stored.pk, stored.status, stored.reason) == (in_hand.pk, Assignment.Status.SUBMITTED, "")
    assert Ranking.objects.get().assignment == in_hand
    assert holders() == [alice.pseudonym, None]


def test_a_lease_that_ended_stays_ended_when_a_file_brings_the_ranking() -> None:
    project = to_be_ranked()
    alice = make_annotator(project)
    in_hand = taken(alice)
    run_out(in_hand)
    assert queue.expire() == 1
    put(project, "rankings", ranking("p", 1, 2, 3, task="t", annotator=alice.pseudonym))
    assert status_of(in_hand) == Assignment.Status.EXPIRED
    imported = Ranking.objects.get().assignment
    assert imported is not None
    assert (imported.pk != in_hand.pk, imported.status) == (True, Assignment.Status.SUBMITTED)
    assert holders() == [alice.pseudonym, None]


def test_who_judged_in_a_file_while_another_held_the_task_is_not_asked_for_it_when_that_one_hands_it_back() -> (
    None
):
    project = to_be_ranked(annotators=1)
    put(project, "completions", {**TASK, "prompt": "other", "task": "o"})
    alice = make_annotator(project)
    in_hand = taken(alice)
    assert in_hand.task.key == "t"
    put(project, "rankings", ranking("p", 1, 2, 3, task="t", annotator="bob"))
    queue.release(assignment=in_hand, annotator=alice)
    put(project, "rankings", ranking("other", 1, 2, 3, task="o", annotator="carol"))
    rows = Slot.objects.order_by("task").values_list("task__key", "annotator__pseudonym")
    assert list(rows.order_by("task", "number")) == [("t", None), ("t", "bob"), ("o", "carol")]
    assert queue.claim(annotator=Annotator.objects.get(pseudonym="bob")) is None


def test_of_more_rankings_than_slots_the_oldest_holds_the_first_whoever_came_first_and_whatever_changed() -> (
    None
):
    project = make_project(annotators_per_task=1)
    put(project, "rankings", ranking("other", 1, 2, annotator="bob"))
    put(project, "rankings", *(ranking("p", 1, 2, 3, task="t", annotator=name) for name in ("carol", "bob")))
    Ranking.objects.filter(annotator__pseudonym="carol").update(rationale="Mended.")
    put(project, "completions", TASK)
    assert holders() == ["carol", "bob"]
