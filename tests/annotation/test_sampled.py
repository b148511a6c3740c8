"""What a policy answered becomes tasks: once each, with a slot for every annotator that the project asks for."""

import pytest

from annotation.collecting import queue
from annotation.errors import BadRequest
from annotation.files.intake import SampledPrompt, add_sampled_completions, source_for
from annotation.files.intake.sampled import SampledCompletions
from annotation.models import Completion, Project, Slot, Source, Task
from tests.annotation.counting import rows
from tests.annotation.factories import make_annotator, make_project, put

pytestmark = pytest.mark.django_db
SAMPLING = {"temperature": 0.7, "seed": 1}


def with_prompt(annotators: int = 1) -> tuple[Project, Source]:
    project = make_project(annotators_per_task=annotators)
    put(project, "prompts", {"prompt": "Name a colour."})
    return project, source_for(project=project, kind="policy", name="policy-1")


def sampled(project: Project, source: Source, *texts: str, priority: int = 0) -> SampledCompletions:
    sample = SampledPrompt(project.prompts.get(), list(texts), SAMPLING)
    return add_sampled_completions(project=project, source=source, samples=[sample], priority=priority)


def test_answers_are_a_task_with_as_many_slots_as_the_project_asks_for() -> None:
    project, source = with_prompt(annotators=3)
    stored = sampled(project, source, "Blue.", "Red.", "Mud.", priority=4)
    assert [(one.text, one.source, one.sampling) for one in stored] == [
        (text, source, SAMPLING) for text in ("Blue.", "Red.", "Mud.")
    ]
    task = Task.objects.get(project=project)
    assert [entry.completion for entry in task.entries.all()] == list(stored)
    free = Slot.objects.filter(task=task, annotator=None).values_list("number", "priority")
    assert sorted(free) == [(0, 4), (1, 4), (2, 4)]
    claimed = queue.claim(annotator=make_annotator(project))
    assert claimed is not None
    assert claimed.task == task


def test_the_same_answers_make_no_second_task_whatever_their_order() -> None:
    project, source = with_prompt()
    first = sampled(project, source, "Blue.", "Red.")
    before = rows()
    assert set(sampled(project, source, "Red.", "Blue.")) == set(first)
    assert rows() == before


def test_equal_answers_are_one_and_a_prompt_with_one_answer_has_nothing_to_rank() -> None:
    project, source = with_prompt()
    stored = sampled(project, source, "Blue.", "Blue.", "Blue.")
    assert ([one.text for one in stored], stored.too_alike) == (["Blue."], 1)
    assert not Task.objects.exists()
    assert sampled(project, source, "Blue.", "Red.").too_alike == 0


def test_characters_that_cannot_be_stored_are_replaced() -> None:
    project, source = with_prompt()
    stored = sampled(project, source, "a\0b", "c\ud800d")
    assert [one.text for one in stored] == ["a\ufffdb", "c?d"]


def test_more_answers_than_a_task_can_have_are_refused_and_nothing_is_stored() -> None:
    project, source = with_prompt()
    assert len(sampled(project, source, *"abcdefghi")) == 9
    with pytest.raises(BadRequest, match="at most 9 completions, not 10"):
        sampled(project, source, *"klmnopqrst")
    assert Completion.objects.count() == 9


def test_a_source_keeps_the_kind_that_it_was_made_with() -> None:
    project, source = with_prompt()
    assert source_for(project=project, kind="import", name="policy-1") == source
    assert Source.objects.get(project=project).kind == "policy"
