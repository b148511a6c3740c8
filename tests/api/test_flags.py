"""Flags through a program: listed by what the page shows them by, raised at many tasks, resolved once."""

import pytest

from annotation.models import Flag, Task
from tests.annotation.factories import make_tasks
from tests.api.world import World, program, wrong_with

pytestmark = pytest.mark.django_db
FLAGS = "projects/helpful/flags/"


def test_a_flag_says_what_it_is_about_and_who_raised_it(world: World) -> None:
    carol = program(world, "carol")
    (row,) = carol.rows(FLAGS)
    stored = Flag.objects.select_related("task", "annotator").get()
    assert stored.task is not None
    assert stored.annotator is not None
    assert (row["id"], row["task"], row["annotator"]) == (
        stored.pk,
        str(stored.task.public_id),
        str(stored.annotator.public_id),
    )
    assert (row["completion"], row["category"], row["words"]) == (None, "broken", "carol's concern")
    assert (row["resolved_at"], row["resolved_by"], row["resolution"]) == (None, None, "")
    assert carol.ask("GET", f"{FLAGS}{stored.pk}/").json() == row


def test_a_flag_that_the_import_raised_is_of_a_completion(world: World) -> None:
    carol = program(world, "carol")
    body = {
        "prompt": "Who?",
        "completions": [{"text": "As an AI language model, I am Claude."}, {"text": "Me."}],
    }
    assert carol.ask("POST", "projects/helpful/tasks/", body).status_code == 201
    rows = carol.rows(FLAGS + "?category=names_model")
    assert [(row["annotator"], row["task"], row["completion"] is None) for row in rows] == [
        (None, None, False)
    ]


def test_flags_are_listed_by_state_reason_annotator_and_task(world: World) -> None:
    carol = program(world, "carol")
    (row,) = carol.rows(FLAGS)
    other = make_tasks(world.cast.project, 1)[0].public_id
    named = f"annotator={row['annotator']}&task={row['task']}&category=broken&open=true"
    assert carol.rows(f"{FLAGS}?{named}") == [row]
    for query in ("open=false", "category=harmful", f"annotator={row['task']}", f"task={other}"):
        assert carol.rows(f"{FLAGS}?{query}") == [], query
    assert wrong_with(carol.ask("GET", FLAGS + "?category=nice")) == ["category"]


def test_a_flag_is_resolved_once_and_the_first_words_stay(world: World) -> None:
    carol = program(world, "carol")
    path = f"{FLAGS}{world.ids['flag']}/resolve/"
    assert wrong_with(carol.ask("POST", path, {"resolution": " "})) == ["#/resolution"]
    done = carol.ask("POST", path, {"resolution": "Rewritten."}).json()
    assert (done["resolution"], done["resolved_by"]) == ("Rewritten.", world.cast.carol.username)
    assert carol.ask("POST", path, {"resolution": "Left."}).json() == done
    assert carol.rows(FLAGS + "?open=false") == [done]
    assert carol.rows(FLAGS + "?open=true") == []


def test_tasks_are_flagged_by_who_asks_and_not_twice(world: World) -> None:
    carol = program(world, "carol")
    tasks = make_tasks(world.cast.project, 3)
    body = {"tasks": [str(task.public_id) for task in tasks], "category": "harmful", "words": "A recipe."}
    answers = [carol.ask("POST", FLAGS, body) for _ in range(2)]
    assert [(one.status_code, one.json()) for one in answers] == [(201, {"flags": 3}), (201, {"flags": 0})]
    raised = Flag.objects.filter(category="harmful", annotator__user=world.cast.carol, words="A recipe.")
    assert sorted(raised.values_list("task", flat=True)) == [task.pk for task in tasks]


def test_a_task_that_is_not_there_or_of_another_project_is_named(world: World) -> None:
    carol, before = program(world, "carol"), Flag.objects.count()
    (strange,) = make_tasks(world.cast.other, 1)
    known = str(Task.objects.filter(project=world.cast.project).first().public_id)  # type: ignore[union-attr]
    body = {"tasks": [known, str(strange.public_id)], "category": "harmful"}
    answer = carol.ask("POST", FLAGS, body)
    assert wrong_with(answer) == ["#/tasks"]
    assert str(strange.public_id) in answer.json()["detail"]
    wrongs: list[dict[str, object]] = [{"tasks": []}, {"tasks": ["x"]}, {"category": "nice"}, {"tasks": None}]
    for wrong in wrongs:
        assert carol.ask("POST", FLAGS, {**body, **wrong}).status_code == 400
    # "other" says nothing by itself.
    assert carol.ask("POST", FLAGS, {"tasks": [known], "category": "other"}).json()["code"] == "bad_request"
    assert Flag.objects.count() == before


def test_a_number_that_no_flag_can_have_is_not_found(world: World) -> None:
    assert program(world, "carol").ask("GET", f"{FLAGS}{10**30}/").status_code == 404
