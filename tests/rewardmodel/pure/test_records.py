"""The snapshot, strictly read: a bad line is named with its field."""

import json
from pathlib import Path
from typing import Any

import pytest

from rewardmodel.bradley_terry.records import parse_record, read_snapshot
from runs.folder.errors import BadInput
from runs.folder.lines import Fields
from tests.rewardmodel.pure.factories import make_line, write_lines


def test_a_line_is_read_as_it_is_written() -> None:
    line = make_line([2, 1, 2], strength=2, order_shown=[2, 0, 1], simulated=True, annotator=None)
    record = parse_record(Fields(json.loads(json.dumps(line))))
    assert record.pairs == ((1, 0), (1, 2))
    assert record.ties == ((0, 2),)
    assert record.tiers == (2, 1, 2)
    assert record.texts == ["text 0", "text 1", "text 2"]
    assert [completion.source for completion in record.completions] == ["s0", "s1", "s2"]
    assert (record.strength, record.order_shown, record.annotator) == (2.0, (2, 0, 1), None)
    assert record.simulated
    assert record.messages == ({"role": "user", "content": "Where?"},)


def test_a_verdict_without_an_order_has_no_tiers() -> None:
    line = make_line([], texts=["a", "b"], verdict="all_bad")
    assert parse_record(Fields(line)).texts == ["a", "b"]
    with pytest.raises(ValueError, match="tiers"):
        parse_record(Fields(line | {"tiers": [1, 2]}))
    with pytest.raises(ValueError, match="gives no order"):
        parse_record(Fields(line | {"pairs": [[0, 1]]}))


def test_prompts_are_equal_when_form_and_messages_are() -> None:
    one, same, other = (
        parse_record(Fields(make_line([1, 2], form=form))) for form in ("text", "text", "chat")
    )
    assert one.prompt_key == same.prompt_key != other.prompt_key


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"split": "dev"}, "split: it must be one of train, validation, test, not 'dev'"),
        ({"verdict": "fine"}, "verdict"),
        ({"form": None}, "form"),
        ({"prompt": []}, "prompt: it has no messages"),
        ({"prompt": "Where?"}, "prompt: it must be a list"),
        ({"prompt": [{"role": "robot", "content": "x"}]}, "prompt: a message's role"),
        ({"prompt": [{"role": "user", "content": 3}]}, "prompt: a message's content"),
        ({"completions": [{"text": "a"}, {"text": "b"}, {"text": "c"}]}, "completions: id: it is missing"),
        ({"completions": ["a", "b", "c"]}, "completions"),
        ({"tiers": [1, 2]}, "tiers: it must be 3 whole numbers"),
        ({"tiers": [1, True, 2]}, "tiers"),
        ({"pairs": [[0, 1], [0, 3]]}, "pairs: .0, 3. must be two different places"),
        ({"pairs": [[1, 0], [0, 2]]}, "pairs: .1, 0. is not in the order of the tiers"),
        ({"pairs": [[0, 1]]}, "pairs: with ties they must be all pairs of 3 completions"),
        ({"pairs": [[0, 1], [0, 1]]}, "pairs: with ties they must be all pairs"),
        ({"ties": [[0, 2]]}, "ties: .0, 2. do not share a tier"),
        ({"strength": "high"}, "strength"),
        ({"strength": float("nan")}, "strength: nan is not a finite number"),
        ({"order_shown": [0, 1, 1]}, "order_shown"),
        ({"order_shown": [0, "b", 1]}, "order_shown"),
        ({"simulated": 1}, "simulated: it must be true or false"),
        ({"annotator": 1.5}, "annotator"),
    ],
)
def test_what_does_not_fit_is_refused_by_line_and_field(
    change: dict[str, Any], named: str, tmp_path: Path
) -> None:
    path = write_lines(tmp_path / "snapshot.jsonl", [make_line([1, 2]), make_line([1, 2, 2]) | change])
    with pytest.raises(BadInput, match=f"snapshot.jsonl, line 2: {named}"):
        read_snapshot(path)


@pytest.mark.parametrize(
    "field", ["ranking", "task", "prompt", "completions", "tiers", "pairs", "ties", "simulated"]
)
def test_a_missing_field_is_named(field: str) -> None:
    line = make_line([1, 2])
    del line[field]
    with pytest.raises(ValueError, match=f"{field}: it is missing"):
        parse_record(Fields(line))


def test_what_is_no_json_object_is_refused_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.jsonl"
    for content in (b"[1]\n", b"{\n", b"\xff\n", b"\n", b"[" * 100_000):
        path.write_bytes(content)
        with pytest.raises(BadInput, match="line 1"):
            read_snapshot(path)
    path.unlink()
    with pytest.raises(BadInput, match="is missing"):
        read_snapshot(path)
