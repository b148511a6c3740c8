"""Prompts that files bring: their split, their id, and whether a policy is asked them."""

import pytest

from annotation.models import Project, Prompt
from annotation.withdrawal import erasure
from tests.annotation.factories import emptied, make_project, out, put, put_bytes, ranking

pytestmark = pytest.mark.django_db


def only(project: Project) -> Prompt:
    return Prompt.objects.get(project=project)


def test_prompts_of_another_project_decide_no_split() -> None:
    for split in ("train", "validation", "test"):
        project = make_project()
        put(project, "prompts", {"prompt": "Name a colour.", "split": split})
        assert only(project).split == split


def test_prompts_that_begin_alike_stay_in_one_split() -> None:
    project = make_project()
    turns = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Yes?"}]
    put(project, "prompts", {"prompt": turns[:1], "split": "test"})
    report = put(project, "prompts", {"prompt": turns, "split": "train"}, skip_bad=True)
    assert [(line.field, line.reason) for line in report.bad_lines] == [
        ("split", "is train, but prompts that begin like this one are in test")
    ]


@pytest.mark.parametrize(
    ("fields", "sampled"), [({}, True), ({"sampled": True}, True), ({"sampled": False}, False)]
)
def test_prompts_are_asked_of_a_policy_unless_their_line_says_no(
    fields: dict[str, bool], sampled: bool
) -> None:
    project = make_project()
    put(project, "prompts", {"prompt": "Name a colour.", "concord": fields})
    assert only(project).sampled is sampled


def test_prompts_that_stood_under_a_judgement_get_id_metadata_and_are_asked() -> None:
    project = make_project()
    put(project, "rankings", ranking("Name a colour."))
    before = only(project)
    assert (before.external_id, before.metadata, before.sampled) == ("", {}, False)
    report = put(project, "prompts", {"prompt": "Name a colour.", "id": "p-1", "level": 2})
    after = only(project)
    assert (after.external_id, after.metadata, after.sampled) == ("p-1", {"level": 2}, True)
    assert (after.pk, report.added, report.already) == (before.pk, 0, 1)


def test_prompts_come_back_under_the_id_that_their_export_says() -> None:
    project = make_project()
    put(project, "prompts", {"prompt": "Name a colour."})
    before, exported = only(project).public_id, out(project, "prompts")
    again = emptied(project)
    put_bytes(again, "prompts", exported)
    assert only(again).public_id == before


def test_prompts_under_a_ranking_come_back_under_the_id_that_the_export_of_rankings_says() -> None:
    project = make_project()
    put(project, "rankings", ranking("Name a colour."))
    before, exported = only(project).public_id, out(project, "rankings")
    again = emptied(project)
    put_bytes(again, "rankings", exported)
    assert only(again).public_id == before


def test_prompts_that_were_withdrawn_stay_out_and_others_come_in() -> None:
    project = make_project()
    put(project, "prompts", {"prompt": "Name a colour."})
    erasure.withdraw_prompt(project=project, public_id=str(only(project).public_id))
    report = put(project, "prompts", {"prompt": "Name a colour."}, {"prompt": "Name a fish."}, skip_bad=True)
    assert (report.added, [line.number for line in report.bad_lines]) == (1, [1])
