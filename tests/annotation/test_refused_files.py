"""A file with bad lines is refused as a whole, whatever they contradict; ``skip_bad`` takes the rest."""

import pytest

from annotation.models import Prompt, Ranking
from tests.annotation.counting import refusal, rows
from tests.annotation.factories import lines_of, make_project, put, put_bytes, ranking

pytestmark = pytest.mark.django_db


def test_all_bad_lines_are_named_and_a_hundred_at_most() -> None:
    project = make_project()
    data = b"".join(b'{"prompt": %d}\n' % n if n % 2 else b'{"prompt": "%d"}\n' % n for n in range(1, 401))
    assert [number for number, _, _ in refusal(project, "prompts", data)] == list(range(1, 200, 2))


def test_skip_bad_stores_the_rest_and_names_what_it_left_out() -> None:
    project = make_project()
    values = [ranking("one", 1, 2), ranking("two", 0, 1), ranking("three", 2, 1)]
    data = lines_of(values) + b"broken\n"
    report = put_bytes(project, "rankings", data, skip_bad=True).as_json()
    assert [(bad["number"], bad["field"]) for bad in report.pop("bad_lines")] == [
        (2, "completions[0].rank"),
        (4, ""),
    ]
    assert report == {"lines": 4, "added": 2, "already": 0, "bad": 2}
    assert set(Ranking.objects.values_list("task__prompt__messages__0__content", flat=True)) == {
        "one",
        "three",
    }
    assert rows()["Comparison"] == 2


def test_a_line_that_only_the_database_can_refuse_is_named_with_the_others() -> None:
    """Splits, tasks and names are compared with what is stored, after the line itself was read."""
    project = make_project()
    put(project, "prompts", {"prompt": "old", "split": "test", "id": "p-1"})
    put(project, "rankings", ranking("old", 1, 2, task="t"))
    split = lines_of([{"prompt": "old", "split": "train"}])
    assert refusal(project, "prompts", split) == [
        (1, "split", "is train, but prompts that begin like this one are in test")
    ]
    other_id = lines_of([{"prompt": "old", "id": "p-2"}])
    assert refusal(project, "prompts", other_id) == [
        (1, "id", "is 'p-2', but this prompt is stored as 'p-1'")
    ]
    for value, reason in (
        (ranking("new", 1, 2, task="t"), "'t' is a task of another prompt"),
        (ranking("old", 1, 2, 3, task="t"), "'t' ranks other completions"),
    ):
        assert refusal(project, "rankings", lines_of([value])) == [(1, "task", reason)]


def test_lines_of_one_file_that_contradict_each_other_are_named() -> None:
    project = make_project()
    twice = lines_of([{"prompt": "a"}, {"prompt": "b"}, {"prompt": "a", "id": "x"}])
    assert refusal(project, "prompts", twice) == [(3, "prompt", "stands on line 1 already")]
    splits = lines_of([{"prompt": "a", "split": "test"}, {"prompt": "b"}])
    put_bytes(project, "prompts", splits)
    continued = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "Yes?"}]
    data = lines_of([{"prompt": continued, "split": "validation"}])
    assert refusal(project, "prompts", data)[0][:2] == (1, "split")
    assert Prompt.objects.filter(project=project).count() == 2


def test_a_person_is_not_passed_off_as_simulated() -> None:
    project = make_project()
    put(project, "rankings", ranking(annotator="alice"))
    marked = lines_of([ranking("other", annotator="alice", concord={"simulated": True})])
    assert refusal(project, "rankings", marked)[0][:2] == (1, "concord.simulated")
    nameless = lines_of([ranking("other", concord={"simulated": True})])
    assert refusal(project, "rankings", nameless)[0][:2] == (1, "annotator")
