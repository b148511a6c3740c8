"""Simulated annotators: their rankings follow the rule that they are given, and say whose they are."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from annotation import simulated
from annotation.checking import standing
from annotation.collecting import asking, queue
from annotation.errors import BadRequest
from annotation.files import intake
from annotation.files.snapshots import write_demonstrations
from annotation.models import Annotator, Demonstration, Project, Ranking, Rating, Task
from annotation.simulated import simulate
from rewardmodel.simulating import shortfall
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
    answer = simulate(project=project, judgements=12, preference="length", annotators=2)
    assert answer == {
        "project": project.slug,
        "asked": 12,
        "rankings": 12,
        "ratings": 0,
        "demonstrations": 0,
        "wordless": 0,
        "annotators": 2,
        "paused": [],
        "kept": 0,
        "simulated": True,
    }
    assert tiers(project) == [[3, 1, 4, 2]] * 12


def test_texts_of_one_length_are_tied() -> None:
    assert simulated.ranks([3.0, 1.0, 3.0]) == [1, 2, 1]


def test_attributes_are_how_many_slots_have_their_value_in_the_text() -> None:
    """Of name and food the first has one, the second both, the third none."""
    project = make_project()
    texts = ["The Vaults is a place.", "French food at the vaults.", "Eat here."]
    prompt = "name[The Vaults], food[French]"
    put(project, "completions", {"prompt": prompt, "completions": [{"text": text} for text in texts]})
    simulate(project=project, judgements=1, preference="attributes")
    assert tiers(project) == [[2, 1, 3]]
    assert [simulated.attributes(prompt, text) for text in texts] == [1, 2, 0]


def test_a_share_of_noisy_rankings_is_in_random_order() -> None:
    """A ranking is in order with 1/2 + 1/2 * 1/24: of 60 that is 31.3, with a deviation of 3.9; within three of it."""
    project = with_tasks(60)
    simulate(project=project, judgements=60, preference="noise:0.5", seed=1)
    assert 20 <= tiers(project).count([3, 1, 4, 2]) <= 43
    assert all(sorted(one) == [1, 2, 3, 4] for one in tiers(project))


def test_a_seed_makes_noise_repeatable() -> None:
    one, two, three = (with_tasks(6) for _ in range(3))
    for project, seed in ((one, 5), (two, 5), (three, 6)):
        simulate(project=project, judgements=6, preference="noise:1", seed=seed)
    assert tiers(one) == tiers(two) != tiers(three)


def test_they_are_marked_in_rows_and_in_the_export_and_have_no_account() -> None:
    project = with_tasks(3, annotators=2)
    simulate(project=project, judgements=6, preference="length", annotators=2)
    names = set(Annotator.objects.filter(user=None).values_list("pseudonym", "simulated"))
    assert names == {("simulated-length-1", True), ("simulated-length-2", True)}
    assert all(line["concord"]["simulated"] is True for line in out_values(project, "rankings"))
    assert not Ranking.objects.by_people().exists()


@pytest.mark.long
def test_they_take_tasks_from_the_queue_like_people_until_none_is_left() -> None:
    project = with_tasks(4, annotators=2)
    assert simulate(project=project, judgements=100, preference="length", annotators=3)["rankings"] == 8
    assert Ranking.objects.values("task", "annotator").distinct().count() == 8
    assert simulate(project=project, judgements=1, preference="length", annotators=3)["rankings"] == 0


@pytest.mark.parametrize(("keep", "rankings"), [(0, 8), (1, 6), (3, 2), (4, 0), (9, 0)])
def test_as_many_tasks_as_are_to_be_kept_are_left_for_people(keep: int, rankings: int) -> None:
    """Four tasks of two places each, which two annotators fill one after the other."""
    project = with_tasks(4, annotators=2)
    answer = simulate(project=project, judgements=100, preference="length", annotators=2, keep=keep)
    assert (answer["rankings"], answer["kept"]) == (rankings, keep)
    free = Task.objects.filter(slots__annotator=None).distinct().count()
    assert free >= min(keep, 4)
    person = make_annotator(project)
    assert (queue.claim(annotator=person) is not None) is (keep > 0)


def test_a_person_is_never_taken_for_a_simulated_annotator() -> None:
    project = with_tasks(1)
    Annotator.objects.filter(pk=make_annotator(project).pk).update(pseudonym="simulated-length-1")
    with pytest.raises(BadRequest, match="a person's pseudonym"):
        simulate(project=project, judgements=1, preference="length")
    assert not Ranking.objects.exists()


@pytest.mark.parametrize(
    "wish",
    [
        {"preference": "beauty"},
        {"preference": "noise:2"},
        {"preference": "noise:nan"},
        {"preference": "noise"},
        {"judgements": 0},
        {"annotators": 0},
    ],
)
def test_what_cannot_be_simulated_is_refused(wish: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match=r"length, attributes, noise:P|at least one"):
        simulate(**{"project": with_tasks(1), "judgements": 1, "preference": "length", **wish})
    assert not Ranking.objects.exists()


def test_one_who_is_paused_is_left_out_and_the_others_go_on() -> None:
    project = with_tasks(4)
    simulate(project=project, judgements=2, preference="length", annotators=2)
    first = Annotator.objects.get(pseudonym="simulated-length-1")
    standing.pause(annotator=first, by=make_user(), why="A trial.")
    answer = simulate(project=project, judgements=2, preference="length", annotators=2)
    assert (answer["rankings"], answer["paused"]) == (2, ["simulated-length-1"])
    assert first.rankings.count() == 1


def test_the_command_says_where_fewer_were_made_than_asked() -> None:
    project = make_project()
    make_tasks(project, 2)
    out, err = io.StringIO(), io.StringIO()
    options = {"project": project.slug, "preference": "length", "stdout": out, "stderr": err}
    call_command("simulate_annotators", judgements=200, **options)
    assert (json.loads(out.getvalue())["asked"], json.loads(out.getvalue())["rankings"]) == (200, 2)
    assert "2 of 200 judgements made: no task is left" in err.getvalue()
    make_tasks(project, 1)
    err.truncate(0)
    call_command("simulate_annotators", judgements=1, **{**options, "stdout": io.StringIO()})
    assert err.getvalue().strip("\0") == ""


def test_the_command_says_that_they_are_simulated() -> None:
    project = make_project()
    make_tasks(project, 2)
    out = io.StringIO()
    call_command("simulate_annotators", project=project.slug, judgements=2, preference="length", stdout=out)
    assert json.loads(out.getvalue())["simulated"] is True


def project_of(kinds: Sequence[str], *, texts: Sequence[str], prompts: int = 1, **settings: Any) -> Project:
    """A project whose tasks are of these kinds, one of each for every prompt with ``texts``."""
    project = make_project()
    names = [f"Prompt {n}" for n in range(prompts)]
    put(project, "prompts", *({"prompt": name} for name in names))
    if texts:
        completions = [{"text": text} for text in texts]
        put(project, "completions", *({"prompt": name, "completions": completions} for name in names))
    project.tasks.all().delete()
    asking.change(project=project, **{**QUESTIONS, **settings})
    for kind in kinds:
        assert intake.create_tasks(project=project, kind=kind) == prompts
    project.refresh_from_db()
    return project


QUESTIONS: dict[str, Any] = {
    "rating_axes": [
        {"name": "helpful", "least": 1, "most": 7},
        {"name": "honest", "least": 0, "most": 2, "required": False},
    ],
    "ask_strength": True,
    "review_demonstrations": False,
    "demonstration_least_characters": 1,
}


def test_they_rate_every_completion_on_every_axis_of_the_project() -> None:
    """Of four texts the longest gets the most, the shortest the least, the others stand between in equal steps."""
    project = project_of(["rate"], texts=["x" * n for n in (3, 1, 4, 2)])
    answer = simulate(project=project, judgements=9, preference="length", annotators=1)
    assert (answer["rankings"], answer["ratings"], answer["demonstrations"]) == (0, 1, 0)
    ratings = Rating.objects.filter(annotator__simulated=True).values_list(
        "axis", "completion__text", "score"
    )
    scores = {(axis, len(text)): score for axis, text, score in ratings}
    assert [scores["helpful", n] for n in (1, 2, 3, 4)] == [1, 3, 5, 7]
    assert [scores["honest", n] for n in (1, 2, 3, 4)] == [0, 1, 1, 2]
    assert all(line["concord"]["simulated"] is True for line in out_values(project, "ratings"))


@pytest.mark.parametrize(
    ("lengths", "strength"), [((9, 9), None), ((9, 11), 1), ((9, 19), 2), ((9, 39), 3), ((39, 9), 3)]
)
def test_of_two_they_say_how_much_better_one_is(lengths: tuple[int, int], strength: int | None) -> None:
    """Of texts of 10 to 12, 20 and 40 characters and one more each: 1.2, 2 and 4 times as long."""
    project = project_of([], texts=[])
    put(
        project,
        "completions",
        {
            "prompt": "Two",
            "completions": [{"text": letter * n} for letter, n in zip("xy", lengths, strict=True)],
        },
    )
    simulate(project=project, judgements=1, preference="length", annotators=1)
    ranking = Ranking.objects.get(annotator__simulated=True)
    assert ranking.strength == strength
    assert ranking.tiers == ([1, 1] if strength is None else [1, 2] if lengths[0] > lengths[1] else [2, 1])


def test_without_that_question_there_is_no_strength() -> None:
    project = project_of([], texts=[], ask_strength=False)
    put(project, "completions", {"prompt": "Two", "completions": [{"text": "x"}, {"text": "xxxx"}]})
    simulate(project=project, judgements=1, preference="length", annotators=1)
    assert Ranking.objects.get().strength is None


def test_they_write_the_completion_that_they_like_best_and_no_policy_learns_it(tmp_path: Path) -> None:
    project = project_of(["demonstrate"], texts=["short", "the longest of them", "longer"])
    Project.objects.update(is_demo=True)
    answer = simulate(project=project, judgements=1, preference="length")
    written = Demonstration.objects.get()
    assert (answer["demonstrations"], written.text) == (1, "the longest of them")
    (line,) = out_values(project, "demonstrations")
    assert line["concord"]["simulated"] is True
    assert write_demonstrations(project=project, path=tmp_path / "demonstrations.jsonl") == 0


def test_an_answer_without_a_completion_to_be_one_is_left_for_people_and_said() -> None:
    """Each text is shorter than an answer may be."""
    project = project_of(["demonstrate"], texts=["short", "shorter"], demonstration_least_characters=20)
    answer = simulate(project=project, judgements=3, preference="length", annotators=2)
    assert (answer["demonstrations"], answer["wordless"]) == (0, 1)
    assert "0 of 3 judgements made: no task is left for these annotators, and 1 to write" in shortfall(answer)
    assert queue.claim(annotator=make_annotator(project)) is not None


def test_of_each_kind_tasks_are_kept_for_people() -> None:
    """Rating tasks stand first in the queue and are all kept; of the others four are over."""
    project = project_of(["rate", "demonstrate"], texts=["a", "bb"], prompts=6)
    project.tasks.filter(pk__in=project.tasks.filter(kind="rate").order_by("pk").values("pk")[:4]).delete()
    answer = simulate(project=project, judgements=50, preference="length", keep=2)
    assert (answer["ratings"], answer["demonstrations"]) == (0, 4)
    free = Task.objects.with_free_place()
    assert [free.filter(kind=kind).count() for kind in ("rate", "demonstrate")] == [2, 2]


def test_equal_likings_have_one_place() -> None:
    assert simulated.shares([1.0, 3.0, 3.0, 7.0]) == [0.0, 0.5, 0.5, 1.0]
    assert simulated.shares([4.0]) == [0.5]
