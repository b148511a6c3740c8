"""Bad lines: each is named with its number, its field and what is wrong, and nothing of its file is stored."""

import json
from typing import Any

import pytest

from tests.annotation.counting import refusal
from tests.annotation.factories import lines_of, make_project, out_values, put, put_bytes, ranking

pytestmark = pytest.mark.django_db

GOOD: dict[str, dict[str, Any]] = {
    "prompts": {"prompt": "Name a colour."},
    "completions": {"prompt": "Name a colour.", "completions": [{"text": "a"}, {"text": "b"}]},
    "demonstrations": {"prompt": "Name a colour.", "completion": "Blue."},
    "rankings": ranking(),
    "pairs": {"prompt": "Name a colour.", "chosen": "Blue.", "rejected": "Mud."},
    "ratings": {"prompt": "Name a colour.", "completion": "Blue.", "score": 1},
}
CHAT = [{"role": "user", "content": "Hello."}]


def line(kind: str, **changes: Any) -> bytes:
    return lines_of([{**GOOD[kind], **changes}])


def ranks(*values: Any) -> bytes:
    completions = [{"text": "abc"[i], "rank": value} for i, value in enumerate(values)]
    return line("rankings", completions=completions)


# Bytes that are no line of any kind, and the reason.
BYTES: dict[str, tuple[bytes, str, str]] = {
    "invalid UTF-8": (b'{"prompt": "caf\xe9"}', "", "not UTF-8 at byte 16"),
    "UTF-16": ('{"prompt": "x"}'.encode("utf-16-le"), "", "not JSON"),
    "encoded surrogate": (b'{"prompt": "\xed\xa0\x80"}', "", "not UTF-8 at byte 13"),
    "a mark in the middle": (b'\xef\xbb\xbf{"prompt": "x"}', "", "not JSON"),
    "NUL": (rb'{"prompt": "a\u0000b"}', "prompt", "holds a NUL character"),
    "a bare NUL": (b'{"prompt": "a\x00b"}', "", "not JSON: Invalid control character"),
    "NUL in a key": (rb'{"prompt": "a", "b\u0000": 1}', "", "holds a NUL character"),
    "NUL deep in metadata": (
        rb'{"prompt": "a", "metadata": {"b": ["\u0000"]}}',
        "metadata.b[0]",
        "holds a NUL character",
    ),
    "a lone surrogate": (rb'{"prompt": "a\ud800"}', "prompt", r"holds a lone surrogate (\ud800)"),
    "NaN": (b'{"prompt": "a", "x": NaN}', "", "NaN is not a JSON number"),
    "Infinity": (b'{"prompt": "a", "x": -Infinity}', "", "-Infinity is not a JSON number"),
    "beyond a float": (b'{"prompt": "a", "x": 1e999}', "", "the number 1e999 is too large"),
    "a key twice": (b'{"prompt": "a", "prompt": "b"}', "", "the key 'prompt' stands twice"),
    "cut off": (b'{"prompt": "a', "", "not JSON: Unterminated string"),
    "two objects": (b'{"prompt": "a"} {"prompt": "b"}', "", "not JSON: Extra data"),
    "a list": (b'["prompt"]', "", "must be one JSON object"),
    "a number": (b"17", "", "must be one JSON object"),
    "too deep": (b'{"prompt": "a", "x": ' + b"[" * 100 + b"]" * 100 + b"}", "x[0]", "nested deeper than 64"),
    "much too deep": (b'{"prompt": "a", "x": ' + b"[" * 100_000, "", "nested deeper than 64"),
    "endless digits": (b'{"prompt": "a", "x": ' + b"9" * 5000 + b"}", "", "not JSON"),
}


@pytest.mark.parametrize("case", BYTES)
def test_bytes_that_are_no_line_are_named(case: str) -> None:
    data, field, reason = BYTES[case]
    good = lines_of([{"prompt": "before"}])
    (bad,) = refusal(make_project(), "prompts", good + data + b"\n")
    assert (bad[0], bad[1][: len(field)], reason in bad[2]) == (2, field, True), bad


COMPLETIONS = "completions"
FIELDS: dict[str, tuple[str, bytes, str, str]] = {
    "no prompt": ("prompts", b'{"id": "x"}\n', "prompt", "is missing"),
    "a prompt that is null": ("prompts", line("prompts", prompt=None), "prompt", "is missing"),
    "a prompt that is a number": ("prompts", line("prompts", prompt=7), "prompt", "not a whole number"),
    "an empty prompt": ("prompts", line("prompts", prompt=""), "prompt", "must not be empty"),
    "no messages": ("prompts", line("prompts", prompt=[]), "prompt", "at least one message"),
    "a message that is a text": ("prompts", line("prompts", prompt=["x"]), "prompt[0]", "must be an object"),
    "a role that is none": (
        "prompts",
        line("prompts", prompt=[{"role": "robot", "content": "x"}]),
        "prompt[0].role",
        "one of system, user, assistant",
    ),
    "no content": ("prompts", line("prompts", prompt=[{"role": "user"}]), "prompt[0].content", "is missing"),
    "a split that is none": ("prompts", line("prompts", split="dev"), "split", "one of train, validation"),
    "an id that is half a number": ("prompts", line("prompts", id=5.5), "id", "must be a text"),
    "an id that is true": ("prompts", line("prompts", id=True), "id", "must be a text"),
    "a prompt of blanks": ("prompts", line("prompts", prompt=" \n"), "prompt", "says nothing"),
    "a last message that is blank": (
        "prompts",
        line("prompts", prompt=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": ""}]),
        "prompt",
        "says nothing",
    ),
    "a part that is a picture": (
        "prompts",
        line("prompts", prompt=[{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]),
        "prompt[0].content[0].type",
        "texts alone",
    ),
    "a demonstration of blanks": (
        "demonstrations",
        line("demonstrations", completion="  \n"),
        "completion",
        "demonstrates nothing",
    ),
    "a pair whose answers hold no prompt": (
        "pairs",
        line("pairs", prompt=None, chosen="Fig.", rejected="Mud."),
        "prompt",
        "chosen does not hold it",
    ),
    "a dialogue that a person ends": (
        "pairs",
        line("pairs", prompt=None, chosen="\n\nHuman: Hi.", rejected="\n\nHuman: Hi."),
        "prompt",
        "chosen does not hold it",
    ),
    "answers to two prompts": (
        "pairs",
        line(
            "pairs",
            prompt=None,
            chosen="\n\nHuman: Hi.\n\nAssistant: Hello.",
            rejected="\n\nHuman: Ho.\n\nAssistant: Hello.",
        ),
        "rejected",
        "must begin with the prompt",
    ),
    "metadata that is a text": ("prompts", line("prompts", metadata="x"), "metadata", "must be an object"),
    "a key in both places": (
        "prompts",
        line("prompts", topic=1, metadata={"topic": 2}),
        "topic",
        "both in the line and in its metadata",
    ),
    "one completion": (COMPLETIONS, line(COMPLETIONS, completions=[{"text": "a"}]), COMPLETIONS, "2 to 9"),
    "ten completions": (
        COMPLETIONS,
        line(COMPLETIONS, completions=[{"text": str(n)} for n in range(10)]),
        COMPLETIONS,
        "2 to 9 items, not 10",
    ),
    "equal completions": (
        COMPLETIONS,
        line(COMPLETIONS, completions=[{"text": "a"}, {"text": "a"}]),
        "completions[1]",
        "the same as completions[0]",
    ),
    "no text": (COMPLETIONS, line(COMPLETIONS, completions=[{}, {}]), "completions[0].text", "is missing"),
    "a half priority": (COMPLETIONS, line(COMPLETIONS, priority=0.5), "priority", "whole number"),
    "a huge priority": (COMPLETIONS, line(COMPLETIONS, priority=2**31), "priority", "must lie between"),
    "an empty answer": (
        "demonstrations",
        line("demonstrations", completion=""),
        "completion",
        "not be empty",
    ),
    "rank 0": ("rankings", ranks(1, 0), "completions[1].rank", "positive whole number"),
    "a negative rank": ("rankings", ranks(-1, 1), "completions[0].rank", "positive whole number"),
    "rank true": ("rankings", ranks(True, 2), "completions[0].rank", "positive whole number"),
    "rank 1.5": ("rankings", ranks(1.5, 2), "completions[0].rank", "positive whole number"),
    "a rank that is a text": ("rankings", ranks("1", 2), "completions[0].rank", "positive whole number"),
    "no rank": ("rankings", ranks(1, None), "completions[1].rank", "is missing"),
    "a verdict that is none": ("rankings", line("rankings", verdict="fine"), "verdict", "one of ranked"),
    "a confidence that is none": (
        "rankings",
        line("rankings", confidence="very"),
        "confidence",
        "one of low",
    ),
    "an annotator of nobody": (
        "rankings",
        line("rankings", annotator="anonymous"),
        "annotator",
        "leave it out",
    ),
    "an endless name": ("rankings", line("rankings", annotator="x" * 201), "annotator", "200 characters"),
    "chosen twice": ("pairs", line("pairs", rejected="Blue."), "rejected", "the same as chosen"),
    "a text under a chat": ("pairs", line("pairs", prompt=CHAT), "chosen", "must be a list"),
    "a chat of two": (
        "pairs",
        line("pairs", prompt=CHAT, chosen=CHAT * 2),
        "chosen",
        "one assistant message",
    ),
    "a negative strength": ("pairs", line("pairs", strength=-1), "strength", "at least 0"),
    "no score": ("ratings", b'{"prompt": "p", "completion": "c"}\n', "score", "is missing"),
    "a score that is a flag": ("ratings", line("ratings", score=True), "score", "must be a number"),
    "a score beyond a float": ("ratings", line("ratings", score=10**400), "score", "too large"),
    "a provenance of the future": (
        "prompts",
        line("prompts", concord={"colour": 1}),
        "concord.colour",
        "comes from another version",
    ),
    "an id that is no UUID": (
        "prompts",
        line("prompts", concord={"id": "1"}),
        "concord.id",
        "must be a UUID",
    ),
    "a time without its zone": (
        "prompts",
        line("prompts", concord={"created_at": "2026-01-01"}),
        "concord.created_at",
        "with its zone",
    ),
    "tiers that the ranks do not say": (
        "rankings",
        line("rankings", concord={"tiers": [2, 1]}),
        "concord.tiers",
        "but the ranks say [1, 2]",
    ),
    "provenance's metadata that is no JSON": (
        "pairs",
        line("pairs", concord={"metadata": "{"}),
        "concord.metadata",
        "not JSON",
    ),
}


@pytest.mark.parametrize("case", FIELDS)
def test_a_bad_field_is_named(case: str) -> None:
    kind, data, field, reason = FIELDS[case]
    (bad,) = refusal(make_project(), kind, b"\n" + data)
    assert (bad[0], bad[1], reason in bad[2]) == (2, field, True), bad


@pytest.mark.parametrize("kind", GOOD)
def test_unknown_keys_go_to_the_metadata(kind: str) -> None:
    project = make_project()
    put_bytes(project, kind, line(kind, topic="colour", metadata={"level": 3}))
    (stored,) = out_values(project, kind)
    metadata = stored.get("metadata") or json.loads(stored["concord"]["metadata"])
    assert metadata == {"level": 3, "topic": "colour"}


def test_a_report_counts_the_lines_of_the_file_good_and_bad() -> None:
    lines = [ranking(f"{number}", 1, 2) for number in range(3)]
    report = put(make_project(), "rankings", *lines, {"prompt": ""}, skip_bad=True)
    assert (report.lines, report.added, report.bad) == (4, 3, 1)


def test_the_split_of_another_projects_prompts_binds_nobody() -> None:
    put(make_project(), "prompts", {"prompt": "Name a colour.", "split": "test"})
    project = make_project()
    assert put(project, "prompts", {"prompt": "Name a colour.", "split": "train"}).added == 1
    assert project.prompts.get().split == "train"
