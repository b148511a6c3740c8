"""Files that are not what a file should be: marks, gaps, gzip, cuts, endless lines, and files that come twice."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotation.errors import BadRequest
from annotation.models import Demonstration, Project, Prompt, Ranking
from tests.annotation.counting import refusal, rows
from tests.annotation.factories import lines_of, make_project, put, put_bytes, ranking

pytestmark = pytest.mark.django_db
ALLOWED = "the most that whoever runs Concord allows"
LINES = lines_of([{"prompt": f"Prompt {number}"} for number in range(50)])


def test_a_byte_order_mark_at_the_start_is_no_part_of_the_file() -> None:
    assert put_bytes(make_project(), "prompts", b"\xef\xbb\xbf" + LINES).added == 50


@pytest.mark.parametrize("data", [b"", b"\n\n \r\n", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0)])
def test_a_file_without_lines_adds_nothing(data: bytes) -> None:
    report = put_bytes(make_project(), "rankings", data)
    assert (report.lines, report.added, report.bad) == (0, 0, 0)


def test_empty_lines_and_windows_line_ends_are_passed_over_and_counted_in_numbers() -> None:
    project = make_project()
    data = b'\n{"prompt": "a"}\r\n\r\n   \n{"prompt": 1}\n{"prompt": "b"}'
    assert refusal(project, "prompts", data)[0][:2] == (5, "prompt")
    assert put_bytes(project, "prompts", data, skip_bad=True).added == 2


def test_a_last_line_that_is_cut_off_is_named() -> None:
    assert refusal(make_project(), "prompts", LINES[:-3])[0][0] == 50


def test_gzip_is_told_by_its_content() -> None:
    assert put_bytes(make_project(), "prompts", gzip.compress(LINES)).added == 50


@pytest.mark.parametrize("end", [3, 12, 60, -9, -1])
@pytest.mark.parametrize("skip_bad", [False, True])
def test_a_gzip_file_that_is_cut_off_is_refused_as_a_whole(end: int, skip_bad: bool) -> None:
    project, before = make_project(), rows()
    with pytest.raises(BadRequest, match="Nothing is imported: the gzip file is damaged"):
        put_bytes(project, "prompts", gzip.compress(LINES)[:end], skip_bad=skip_bad)
    assert rows() == before


@pytest.mark.parametrize("place", [10, -2000, -6], ids=["first block", "text", "checksum"])
def test_a_damaged_gzip_file_is_refused_as_a_whole(place: int) -> None:
    """Deflate's own error, and those of the checksum, which come after lines that were stored already."""
    lines = lines_of([{"prompt": f"{number:06} {number * 7919**3 % 10**9}"} for number in range(3000)])
    data = bytearray(gzip.compress(lines, mtime=0))
    data[place] = 0b111 if place > 0 else data[place] ^ 0xFF  # 0b111 begins a block of a type that is none
    project, before = make_project(), rows()
    with pytest.raises(BadRequest, match="damaged after line"):
        put_bytes(project, "prompts", bytes(data))
    assert rows() == before


def test_a_line_over_the_limit_is_named_and_the_lines_after_it_are_read() -> None:
    project = make_project()
    endless = b'{"prompt": "' + b"x" * 10_000_000 + b'"}\n'
    data = b'{"prompt": "a"}\n' + endless + b'{"prompt": "b"}\n{"prompt": 3}\n'
    bad = refusal(project, "prompts", data)
    assert bad[0] == (2, "", f"is longer than 10000000 bytes, {ALLOWED} (CONCORD_MAX_LINE_BYTES)")
    assert [number for number, _, _ in bad] == [2, 4]
    assert put_bytes(project, "prompts", data, skip_bad=True).added == 2


@pytest.mark.parametrize("kind", ["prompts", "demonstrations"])
def test_a_text_of_the_limit_is_taken_and_one_byte_more_is_named(kind: str, settings: Any) -> None:
    settings.MAX_TEXT_BYTES = 100
    project = make_project()
    field = "prompt" if kind == "prompts" else "completion"

    def line(text: str) -> bytes:
        return lines_of([{"prompt": "p", field: text}])

    assert put_bytes(project, kind, line("é" * 50)).added == 1
    reason = f"is longer than 100 bytes, {ALLOWED} (CONCORD_MAX_TEXT_BYTES)"
    assert refusal(project, kind, line("é" * 50 + "x")) == [(1, field, reason)]


def test_importing_twice_adds_nothing_whatever_the_order_of_keys() -> None:
    project = make_project()
    value = ranking("p", 1, 2, annotator="alice", metadata={"a": 1, "b": {"c": 2, "d": 3}})
    put(project, "rankings", value)
    before = rows()
    turned = json.loads(json.dumps(value), object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    report = put(project, "rankings", turned, value)
    assert (report.added, report.already, rows()) == (0, 2, before)


def test_equal_lines_of_nobody_are_votes_and_those_of_one_annotator_are_one() -> None:
    project = make_project()
    assert put(project, "rankings", *[ranking("p", 1, 2)] * 3).added == 3
    assert put(project, "rankings", *[ranking("p", 1, 2, annotator="alice")] * 3).added == 1
    assert Ranking.objects.current().count() == 4
    assert put(project, "rankings", *[ranking("p", 1, 2)] * 4).added == 1


def test_two_rankings_with_one_id_are_two_rankings() -> None:
    """An id is what somebody else calls a line; what it says decides whether it is there already."""
    project = make_project()
    report = put(
        project, "rankings", *(ranking("p", *r, annotator="alice", id="x") for r in ((1, 2), (2, 1)))
    )
    assert report.added == 2
    assert list(Ranking.objects.order_by("id").values_list("is_current", "tiers")) == [
        (False, [1, 2]),
        (True, [2, 1]),
    ]


def test_the_command_reads_a_file_and_says_what_it_did(tmp_path: Path, capsys: Any) -> None:
    project: Project = make_project()
    path = tmp_path / "prompts.jsonl"
    path.write_bytes(LINES + b"{}\n")
    with pytest.raises(
        CommandError, match=r"1 bad line\(s\), nothing imported.*\nline 51, prompt: is missing"
    ):
        call_command("import_jsonl", str(path), project=project.slug, kind="prompts")
    assert not Prompt.objects.exists()
    out, err = io.StringIO(), io.StringIO()
    call_command(
        "import_jsonl", str(path), project=project.slug, kind="prompts", skip_bad=True, stdout=out, stderr=err
    )
    answer = json.loads(out.getvalue())
    assert (answer["added"], answer["bad"]) == (50, 1)
    assert err.getvalue().strip() == "line 51, prompt: is missing"


@pytest.mark.parametrize("name", ["nowhere.jsonl", "."])
def test_a_file_that_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_jsonl", str(tmp_path / name), project=make_project().slug, kind="prompts")


def test_a_demonstration_that_stands_twice_is_one() -> None:
    project = make_project()
    line = {"prompt": "p", "completion": "c"}
    assert put(project, "demonstrations", line, line).as_json()["already"] == 1
    assert Demonstration.objects.count() == 1
