"""How many judge a task is changed while they judge: tasks that are there follow, and nobody is asked twice."""

import threading
import time
from collections import Counter

import pytest
from django.db import connection, transaction

from annotation import people
from annotation.checking import control
from annotation.collecting import queue, ranking
from annotation.errors import BadRequest
from annotation.files import intake
from annotation.models import Annotator, Assignment, Project, Ranking, Slot, Task
from annotation.withdrawal import erasure
from tests.annotation.factories import make_annotator, make_project, make_tasks, put
from tests.annotation.factories import ranking as ranking_line
from tests.annotation.judging import at_once

pytestmark = pytest.mark.django_db


def judge_all(annotator: Annotator) -> int:
    """Rank until nothing is left; how many."""
    count = 0
    while (assignment := queue.claim(annotator=annotator)) is not None:
        ranks = list(range(1, assignment.task.entries.count() + 1))
        ranking.submit(assignment=assignment, annotator=annotator, verdict="ranked", ranks=ranks)
        count += 1
    return count


def slots(project: Project) -> Counter[int]:
    """How many tasks have so many slots."""
    return Counter(Counter(Slot.objects.filter(project=project).values_list("task_id", flat=True)).values())


@pytest.fixture
def project() -> Project:
    project = make_project(annotators_per_task=2)
    make_tasks(project, 5)
    return project


def test_more_annotators_judge_finished_tasks_too_and_nobody_twice(project: Project) -> None:
    first, second, third = (make_annotator(project) for _ in range(3))
    assert [judge_all(annotator) for annotator in (first, second, third)] == [5, 5, 0]
    intake.change_overlap(project=project, annotators=3)
    project.refresh_from_db()
    assert (project.annotators_per_task, slots(project)) == (3, {3: 5})
    assert [judge_all(annotator) for annotator in (first, second, third)] == [0, 0, 5]
    assert Ranking.objects.count() == 15
    # Tasks that come later are asked of as many.
    make_tasks(project, 1)
    assert slots(project) == {3: 6}


def test_fewer_annotators_take_free_places_and_leave_what_is_held_and_judged(project: Project) -> None:
    intake.change_overlap(project=project, annotators=4)
    holders = [make_annotator(project) for _ in range(3)]
    assignments = [queue.claim(annotator=annotator) for annotator in holders]
    assert {assignment.task_id for assignment in assignments if assignment} == {
        Task.objects.earliest("pk").pk
    }
    intake.change_overlap(project=project, annotators=2)
    assert slots(project) == {3: 1, 2: 4}
    for annotator, assignment in zip(holders, assignments, strict=True):
        assert assignment is not None
        ranking.submit(assignment=assignment, annotator=annotator, verdict="ranked", ranks=[1, 2, 3])
    assert judge_all(make_annotator(project)) == 4


def test_there_and_back_leaves_as_many_places(project: Project) -> None:
    annotator = make_annotator(project)
    judge_all(annotator)
    for annotators in (1, 3, 2, 5, 2):
        intake.change_overlap(project=project, annotators=annotators)
        assert slots(project) == {annotators: 5}
    assert judge_all(make_annotator(project)) == 5


def test_whoever_judged_by_file_has_a_place_also_beyond_those_that_were_asked_for(project: Project) -> None:
    put(project, "completions", {"prompt": "x", "completions": [{"text": "a"}, {"text": "b"}, {"text": "c"}]})
    names = ("ada", "bob", "eve")
    put(project, "rankings", *(ranking_line("x", 1, 2, 3, annotator=name) for name in names))
    task = Task.objects.get(prompt__messages__0__content="x")
    assert list(task.slots.order_by("number").values_list("number", "annotator__pseudonym")) == [
        (0, "ada"),
        (1, "bob"),
        (2, "eve"),
    ]
    assert Assignment.objects.filter(task=task, status="submitted").count() == 3
    intake.change_overlap(project=project, annotators=3)
    assert task.slots.count() == 3
    intake.change_overlap(project=project, annotators=4)
    assert task.slots.filter(annotator=None).count() == 1
    assert {judge_all(annotator) for annotator in Annotator.objects.filter(pseudonym__in=names)} == {5}


def test_fewer_and_then_more_asks_again_for_what_was_judged_by_many(project: Project) -> None:
    for annotator in (make_annotator(project), make_annotator(project)):
        judge_all(annotator)
    intake.change_overlap(project=project, annotators=1)
    assert slots(project) == {2: 5}
    intake.change_overlap(project=project, annotators=3)
    assert slots(project) == {3: 5}


def test_ordinary_again_it_has_a_place_for_each_who_judged_it_and_its_own_number(project: Project) -> None:
    texts = [{"text": "a"}, {"text": "b"}]
    put(project, "completions", {"prompt": "own", "completions": texts, "concord": {"slots": 1}})
    put(project, "rankings", *(ranking_line("own", 1, 2, annotator=name) for name in ("ada", "bob")))
    task = Task.objects.get(prompt__messages__0__content="own")
    control.mark_gold(project=project, tasks=[str(task.public_id)], from_annotator="ada")
    assert not task.slots.exists()
    control.unmark_gold(project=project, tasks=[task])
    assert set(task.slots.values_list("annotator__pseudonym", flat=True)) == {"ada", "bob"}
    intake.change_overlap(project=project, annotators=5)
    assert task.slots.count() == 2


def test_nobody_is_asked_for_what_was_withdrawn(project: Project) -> None:
    judge_all(make_annotator(project))
    prompt = Task.objects.earliest("pk").prompt
    erasure.withdraw_prompt(project=project, public_id=str(prompt.public_id))
    intake.change_overlap(project=project, annotators=4)
    assert not Slot.objects.filter(task__prompt=prompt, annotator=None).exists()
    assert Slot.objects.filter(project=project, annotator=None).count() == 4 * 3


def test_tasks_with_a_number_of_their_own_and_judged_ones_stay(project: Project) -> None:
    texts = [{"text": "a"}, {"text": "b"}]
    put(project, "completions", {"prompt": "own", "completions": texts, "concord": {"slots": 4}})
    put(project, "rankings", ranking_line("judged", 1, 2))
    intake.change_overlap(project=project, annotators=3)
    assert slots(project) == {3: 5, 4: 1}
    assert not Slot.objects.filter(task__prompt__messages__0__content="judged").exists()


def test_another_project_is_left_alone(project: Project) -> None:
    other = make_project(annotators_per_task=2)
    make_tasks(other, 2)
    intake.change_overlap(project=project, annotators=3)
    assert slots(other) == {2: 2}


@pytest.mark.parametrize("annotators", [0, -1, 51])
def test_a_number_that_cannot_be_is_refused(project: Project, annotators: int) -> None:
    with pytest.raises(BadRequest, match="annotators_per_task: it must lie between 1 and 50"):
        intake.change_overlap(project=project, annotators=annotators)
    assert people.change_project(project=project, name="Other").annotators_per_task == 2


@pytest.mark.django_db(transaction=True)
def test_a_place_that_is_being_claimed_is_waited_for_and_stays() -> None:
    project = make_project(annotators_per_task=2)
    make_tasks(project, 1)
    first, second = make_annotator(project), make_annotator(project)
    assert queue.claim(annotator=first) is not None
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

    def claim() -> Assignment | None:
        with transaction.atomic():
            assignment = queue.claim(annotator=second)
            claimed.set()
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:
                with connection.cursor() as cursor:
                    cursor.execute(waits)
                    if cursor.fetchone()[0]:
                        break
                time.sleep(0.02)
            return assignment

    def narrow() -> None:
        claimed.wait(20)
        intake.change_overlap(project=project, annotators=1)

    claimed = threading.Event()
    assignment, nothing = at_once([claim, narrow])
    assert (isinstance(assignment, Assignment), nothing) == (True, None)
    assert set(Slot.objects.values_list("annotator", flat=True)) == {first.pk, second.pk}
