"""Prompts with completions to be scored: read strictly, one at a time, and stored nowhere."""

import gzip
from pathlib import Path

import pytest

from annotation.errors import BadFile, BadRequest
from annotation.files.intake import read_scorable
from tests.annotation.factories import Values, lines_of


def written(folder: Path, data: bytes) -> str:
    path = folder / "scorable.jsonl"
    path.write_bytes(data)
    return str(path)


def test_texts_and_chats_are_read_and_other_fields_are_passed_over(tmp_path: Path) -> None:
    chat = [{"role": "user", "content": "Hello."}]
    values: list[Values] = [
        {"prompt": "p", "completion": "c", "score": 3},
        {"prompt": chat, "completion": ""},
    ]
    assert list(read_scorable(written(tmp_path, gzip.compress(lines_of(values))))) == [
        {"form": "text", "prompt": [{"role": "user", "content": "p"}], "completion": "c"},
        {"form": "chat", "prompt": chat, "completion": ""},
    ]


def test_the_first_bad_line_is_named_after_those_before_it(tmp_path: Path) -> None:
    lines = read_scorable(written(tmp_path, lines_of([{"prompt": "p", "completion": "c"}, {"prompt": "p"}])))
    assert next(lines)["completion"] == "c"
    with pytest.raises(BadFile, match="line 2, completion: is missing"):
        next(lines)


def test_a_damaged_file_and_one_that_is_not_there_are_named(tmp_path: Path) -> None:
    data = gzip.compress(lines_of([{"prompt": "p", "completion": "c"}]))[:-9]
    with pytest.raises(BadRequest, match=r"scorable\.jsonl: the gzip file is damaged"):
        list(read_scorable(written(tmp_path, data)))
    with pytest.raises(BadRequest, match=r"nowhere\.jsonl cannot be read"):
        list(read_scorable(str(tmp_path / "nowhere.jsonl")))
