"""Simulated annotators: their rankings follow the rule that they are given, and say whose they are."""

import io
import json
from typing import Any

import pytest
from django.core.management import call_command

from annotation import simulated
from annotation.checking import standing
from annotation.collecting import queue
from annotation.errors import BadRequest
from annotation.models import Annotator, Project, Ranking, Task
from annotation.simulated import simulate
from tests.annotation.factories import make_annotator, make_project, make_tasks, make_user, out_values, put

pytestmark = pytest.mark.django_db


def with_tasks(count: int = 12, annotators: int = 1) -> Project:
    """Tasks of four texts whose lengths are 1 to 4, the longest never first."""
    project = make_project(annotators_per_task=annotators)
    put(
        project,
        "completions",
        *(
            {"prompt": f"Prompt {n}", "completions": [{"text": "x" * length} for length in (2, 4, 1, 3)]}
            for n in range(count)
        ),
    )
    return project


def tiers(project: Project) -> list[list[int]]:
    return list(Ranking.objects.filter(project=project).order_by("id").values_list("tiers", flat=True))


def test_the_longer_text_wins() -> None:
    project = with_tasks()
    answer = simulate(project=project, rankings=12, preference="length", annotators=2)
    assert answer == {
        "project": project.slug,
        "asked": 12,
        "rankings": 12,
        "annotators": 2,
        "paused": [],
        "kept": 0,
        "simulated": True,
    }
    assert tiers(project) == [[3, 1, 4, 2]] * 12


def test_texts_of_one_length_are_tied() -> None:
    assert simulated.ranks([3.0, 1.0, 3.0]) == [1, 2, 1]


def test_attributes_are_the_share_of_slots_whose_values_stand_in_the_text() -> None:
    """Of name and food the first has one, the second both, the third none."""
    project = make_project()
    texts = ["The Vaults is a place.", "French food at the vaults.", "Eat here."]
    prompt = "name[The Vaults], food[French]"
    put(project, "completions", {"prompt": prompt, "completions": [{"text": text} for text in texts]})
    simulate(project=project, rankings=1, preference="attributes")
    assert tiers(project) == [[2, 1, 3]]
    assert [simulated.attributes(prompt, text) for text in texts] == [0.5, 1.0, 0.0]


def test_a_share_of_noisy_rankings_is_in_random_order() -> None:
    """A ranking is in order with 1/2 + 1/2 * 1/24: of 60 that is 31.3, with a deviation of 3.9; within three of it."""
    project = with_tasks(60)
    simulate(project=project, rankings=60, preference="noise:0.5", seed=1)
    assert 20 <= tiers(project).count([3, 1, 4, 2]) <= 43
    assert all(sorted(one) == [1, 2, 3, 4] for one in tiers(project))


def test_a_seed_makes_noise_repeatable() -> None:
    one, two, three = (with_tasks(6) for _ in range(3))
    for project, seed in ((one, 5), (two, 5), (three, 6)):
        simulate(project=project, rankings=6, preference="noise:1", seed=seed)
    assert tiers(one) == tiers(two) != tiers(three)


def test_they_are_marked_in_rows_and_in_the_export_and_have_no_account() -> None:
    project = with_tasks(3, annotators=2)
    simulate(project=project, rankings=6, preference="length", annotators=2)
    names = set(Annotator.objects.filter(user=None).values_list("pseudonym", "simulated"))
    assert names == {("simulated-length-1", True), ("simulated-length-2", True)}
    assert all(line["concord"]["simulated"] is True for line in out_values(project, "rankings"))
    assert not Ranking.objects.by_people().exists()


def test_they_take_tasks_from_the_queue_like_people_until_none_is_left() -> None:
    project = with_tasks(4, annotators=2)
    assert simulate(project=project, rankings=100, preference="length", annotators=3)["rankings"] == 8
    assert Ranking.objects.values("task", "annotator").distinct().count() == 8
    assert simulate(project=project, rankings=1, preference="length", annotators=3)["rankings"] == 0


@pytest.mark.parametrize(("keep", "made"), [(0, 8), (1, 6), (3, 2), (4, 0), (9, 0)])
def test_as_many_tasks_as_are_to_be_kept_are_left_for_people(keep: int, made: int) -> None:
    """Four tasks of two places each, which two annotators fill one after the other."""
    project = with_tasks(4, annotators=2)
    answer = simulate(project=project, rankings=100, preference="length", annotators=2, keep=keep)
    assert (answer["rankings"], answer["kept"]) == (made, keep)
    free = Task.objects.filter(slots__annotator=None).distinct().count()
    assert free >= min(keep, 4)
    person = make_annotator(project)
    assert (queue.claim(annotator=person) is not None) is (keep > 0)


def test_a_person_is_never_taken_for_a_simulated_annotator() -> None:
    project = with_tasks(1)
    Annotator.objects.filter(pk=make_annotator(project).pk).update(pseudonym="simulated-length-1")
    with pytest.raises(BadRequest, match="a person's pseudonym"):
        simulate(project=project, rankings=1, preference="length")
    assert not Ranking.objects.exists()


@pytest.mark.parametrize(
    "asked",
    [
        {"preference": "beauty"},
        {"preference": "noise:2"},
        {"preference": "noise:nan"},
        {"preference": "noise"},
        {"rankings": 0},
        {"annotators": 0},
    ],
)
def test_what_cannot_be_simulated_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match=r"length, attributes, noise:P|at least one"):
        simulate(**{"project": with_tasks(1), "rankings": 1, "preference": "length", **asked})
    assert not Ranking.objects.exists()


def test_one_who_is_paused_is_left_out_and_the_others_go_on() -> None:
    project = with_tasks(4)
    simulate(project=project, rankings=2, preference="length", annotators=2)
    first = Annotator.objects.get(pseudonym="simulated-length-1")
    standing.pause(annotator=first, by=make_user(), why="A trial.")
    answer = simulate(project=project, rankings=2, preference="length", annotators=2)
    assert (answer["rankings"], answer["paused"]) == (2, ["simulated-length-1"])
    assert first.rankings.count() == 1


def test_the_command_says_where_fewer_were_made_than_asked() -> None:
    project = make_project()
    make_tasks(project, 2)
    out, err = io.StringIO(), io.StringIO()
    asked = {"project": project.slug, "preference": "length", "stdout": out, "stderr": err}
    call_command("simulate_annotators", rankings=200, **asked)
    assert (json.loads(out.getvalue())["asked"], json.loads(out.getvalue())["rankings"]) == (200, 2)
    assert "2 of 200 rankings made: no task is left" in err.getvalue()
    make_tasks(project, 1)
    err.truncate(0)
    call_command("simulate_annotators", rankings=1, **{**asked, "stdout": io.StringIO()})
    assert err.getvalue().strip("\0") == ""


def test_the_command_says_that_they_are_simulated() -> None:
    project = make_project()
    make_tasks(project, 2)
    out = io.StringIO()
    call_command("simulate_annotators", project=project.slug, rankings=2, preference="length", stdout=out)
    assert json.loads(out.getvalue())["simulated"] is True
