"""Splits set anew, where one opening put all prompts into one of them."""

import json
from collections import Counter
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotation.errors import BadFile
from annotation.files.splitting import split_prompts
from annotation.models import Project, Prompt
from annotation.preferences.splits import split_of_opening, text_digest
from annotation.withdrawal import erasure
from tests.annotation.factories import make_project, put

pytestmark = pytest.mark.django_db
HELLO = {"role": "user", "content": "Hello"}


def dialogue(number: int) -> dict[str, Any]:
    """One of many that begin alike."""
    return {
        "prompt": [HELLO, {"role": "assistant", "content": "Yes?"}, {"role": "user", "content": str(number)}]
    }


def splits(project: Project) -> Counter[str]:
    return Counter(Prompt.objects.filter(project=project).values_list("split", flat=True))


def test_many_prompts_of_one_opening_are_told_and_can_be_parted() -> None:
    project = make_project()
    (note,) = put(project, "prompts", *map(dialogue, range(200))).as_json()["notes"]
    alike = split_of_opening(text_digest("Hello"))
    assert repr(alike) in note
    assert f"split_prompts --project {project.slug} --by prompt" in note
    assert splits(project) == {alike: 200}
    out = StringIO()
    call_command("split_prompts", project=project.slug, by="prompt", stdout=out)
    assert json.loads(out.getvalue()) == {"project": project.slug, "prompts": dict(splits(project))}
    # 200 draws of 8, 1 and 1 tenths: five deviations.
    assert 132 <= splits(project)["train"] <= 188
    assert min(splits(project)["validation"], splits(project)["test"]) >= 1
    # What comes later goes the same way, and what is there stays where it is.
    before = splits(project)
    report = put(project, "prompts", *map(dialogue, range(400)))
    assert (report.added, report.notes) == (200, [])
    assert set((splits(project) - before).keys()) == {"train", "validation", "test"}
    by_itself = dict(Prompt.objects.values_list("digest", "split"))
    assert by_itself == {digest: split_of_opening(digest) for digest in by_itself}


def pairs_of_one_prompt(count: int) -> list[dict[str, str]]:
    """As files have them that hold answers to one question."""
    return [{"prompt": "Hello", "chosen": f"Good day, {n}!", "rejected": f"What, {n}?"} for n in range(count)]


def test_pairs_of_one_prompt_are_told_that_nothing_is_held_out() -> None:
    project = make_project()
    assert put(project, "pairs", *pairs_of_one_prompt(1)).notes == [], "nobody takes one line for a file"
    (note,) = put(project, "pairs", *pairs_of_one_prompt(20)).notes
    split = split_of_opening(text_digest("Hello"))
    assert f"All of it is of one prompt, which is in the split {split!r}: nothing is held out" in note
    others = put(project, "prompts", *({"prompt": f"Question {n}"} for n in range(200)))
    assert others.notes == []


def test_two_prompts_of_one_opening_are_no_chance() -> None:
    project = make_project()
    (note,) = put(project, "prompts", dialogue(1), dialogue(2)).notes
    assert "All prompts begin with the same words" in note


def test_many_prompts_of_few_openings_may_well_be_in_one_split_by_chance() -> None:
    """Two openings are drawn, however many prompts begin with them."""
    project = make_project()
    lines = [
        {
            "prompt": [
                {"role": "user", "content": f"Hello {number % 2}"},
                {"role": "assistant", "content": "Hi."},
                {"role": "user", "content": f"Question {number}"},
            ],
            "split": "test",
        }
        for number in range(20)
    ]
    assert put(project, "prompts", *lines).notes == []


@pytest.mark.parametrize(("count", "noted"), [(13, False), (14, True)])
def test_prompts_that_differ_are_told_from_where_chance_would_hardly_do_it(count: int, noted: bool) -> None:
    """0.8 ** 13 is 0.055 and 0.8 ** 14 is 0.044."""
    project = make_project()
    lines = [{"prompt": f"Question {number}", "split": "test"} for number in range(count)]
    report = put(project, "prompts", *lines)
    assert bool(report.notes) is noted
    if noted:
        assert "All prompts are in the split 'test'" in report.notes[0]
        assert "less than one time in twenty" in report.notes[0]
        assert f"split_prompts --project {project.slug} --by opening" in report.notes[0]
        split_prompts(project=project, by="opening")
        assert splits(project) != {"test": count}


def test_by_opening_dialogues_and_what_goes_on_with_them_are_together_again() -> None:
    project = make_project()
    put(
        project,
        "prompts",
        *({"prompt": f"Question {number}"} for number in range(50)),
        dialogue(1),
        dialogue(2),
    )
    first = dict(Prompt.objects.values_list("digest", "split"))
    assert split_prompts(project=project, by="prompt") == splits(project)
    assert dict(Prompt.objects.values_list("digest", "split")) != first
    assert split_prompts(project=project, by="opening") == splits(project)
    assert dict(Prompt.objects.values_list("digest", "split")) == first
    with pytest.raises(BadFile, match="prompts that begin like this one are in"):
        put(project, "prompts", {**dialogue(3), "split": other(split_of_opening(text_digest("Hello")))})


def other(split: str) -> str:
    return "test" if split != "test" else "train"


def test_what_lines_said_of_their_splits_is_forgotten_and_another_project_is_left_alone() -> None:
    project, neighbour = make_project(), make_project()
    for filled in (project, neighbour):
        put(filled, "prompts", *({"prompt": f"Question {number}", "split": "test"} for number in range(50)))
    split_prompts(project=project, by="prompt")
    assert splits(project)["train"] > 25
    assert splits(neighbour) == {"test": 50}


def test_what_was_withdrawn_is_passed_over() -> None:
    project = make_project()
    put(project, "prompts", {"prompt": "a"}, {"prompt": "b"})
    erasure.withdraw_prompt(project=project, public_id=str(project.prompts.earliest("id").public_id))
    assert sum(split_prompts(project=project, by="opening").values()) == 1


def test_there_are_two_ways() -> None:
    with pytest.raises(CommandError, match="invalid choice: 'chance'"):
        call_command("split_prompts", "--project", make_project().slug, "--by", "chance", stderr=StringIO())


ONE_PROMPT, SAME_WORDS = "All of it is of one prompt", "All prompts begin with the same words"


@pytest.mark.parametrize(
    ("lines", "by", "warning"),
    [
        ([], "opening", "has no prompts yet"),
        ([{"prompt": "Hello"}], "opening", ONE_PROMPT),
        ([{"prompt": "Hello"}], "prompt", ONE_PROMPT),
        ([dialogue(1), dialogue(2)], "opening", SAME_WORDS),
        ([dialogue(number) for number in range(50)], "prompt", ""),
        ([{"prompt": f"Question {number}"} for number in range(50)], "opening", ""),
    ],
)
def test_the_command_says_where_nothing_is_held_out(
    lines: list[dict[str, Any]], by: str, warning: str
) -> None:
    project, warnings = make_project(), StringIO()
    put(project, "prompts", *lines)
    call_command("split_prompts", project=project.slug, by=by, stdout=StringIO(), stderr=warnings)
    assert warning in warnings.getvalue()
    assert bool(warnings.getvalue()) == bool(warning)


def test_the_command_says_where_chance_held_nothing_out() -> None:
    train = [f"Question {n}" for n in range(50) if split_of_opening(text_digest(f"Question {n}")) == "train"]
    project, warnings = make_project(), StringIO()
    put(project, "prompts", *({"prompt": prompt} for prompt in train[:3]))
    call_command("split_prompts", project=project.slug, by="opening", stdout=StringIO(), stderr=warnings)
    assert "Chance put all 3 of the openings into the split 'train'" in warnings.getvalue()
