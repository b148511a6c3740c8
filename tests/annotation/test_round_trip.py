"""Export, import into an empty database, export again: the same bytes, for every kind."""

from typing import Any

import pytest

from annotation.models import Demonstration, Prompt, Ranking, Rating, Task
from tests.annotation.factories import (
    Values,
    emptied,
    make_project,
    out,
    out_values,
    put,
    put_bytes,
    without_concord,
)

pytestmark = pytest.mark.django_db

CHAT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Name a colour."}]
LINES: dict[str, list[Values]] = {
    "prompts": [
        {"prompt": "Name a colour.", "id": "p-1", "split": "test", "metadata": {"level": 1}},
        {"prompt": CHAT, "topic": ["é", None, 1.5, {"deep": True}]},
    ],
    "completions": [
        {
            "prompt": "Name a colour.",
            "completions": [{"text": "Blue."}, {"text": "", "source": "m", "sampling": {"temperature": 0.7}}],
            "task": "t-1",
            "priority": 3,
            "id": "c-1",
            "batch": 7,
        },
        {"prompt": CHAT, "completions": [{"text": "Blue."}, {"text": "Red.", "note": "short"}]},
    ],
    "demonstrations": [
        {"prompt": "Name a colour.", "completion": "Blue.", "annotator": "bob", "id": "d-1"},
        {"prompt": CHAT, "completion": "Red.", "origin": "book"},
    ],
    "rankings": [
        {
            "prompt": "Name a colour.",
            "completions": [
                {"text": "Blue.", "rank": 3, "source": "m"},
                {"text": "Red.", "rank": 1},
                {"text": "Mud.", "rank": 3, "toxic": 0.2},
            ],
            "task": "t",
            "annotator": "alice",
            "confidence": "high",
            "rationale": "Red is a colour.\n",
            "id": "r-1",
        },
        {
            "prompt": "Name a colour.",
            "completions": [
                {"text": "Mud.", "toxic": 0.9},
                {"text": "Blue.", "source": "m"},
                {"text": "Red."},
            ],
            "task": "t",
            "annotator": "bob",
            "verdict": "all_bad",
            "reason": "no colour at all",
        },
        {"prompt": CHAT, "completions": [{"text": "a", "rank": 1}, {"text": "b", "rank": 1}]},
        {"prompt": CHAT, "completions": [{"text": "b", "rank": 2}, {"text": "a", "rank": 1}]},
        {"prompt": CHAT, "completions": [{"text": "b"}, {"text": "a"}], "verdict": "cannot_tell"},
    ],
    "pairs": [
        {
            "prompt": "Name a colour.",
            "chosen": "Blue.",
            "rejected": "Mud.",
            "strength": 2,
            "annotator": "alice",
        },
        {
            "prompt": "Name a colour.",
            "chosen": "Mud.",
            "rejected": "Blue.",
            "annotator": "bob",
            "why": "earthy",
        },
        {"prompt": "Name a colour.", "chosen": "Blue.", "rejected": "Mud."},
        {"prompt": "Name a colour.", "chosen": "Blue.", "rejected": "Mud."},
    ],
    "ratings": [
        {"prompt": "Name a colour.", "completion": "Blue.", "score": 111111, "annotator": "alice"},
        {"prompt": CHAT, "completion": "", "score": -0.5, "axis": "kindness", "id": "s-1", "seen": False},
        {"prompt": CHAT, "completion": "", "score": -0.5, "axis": "kindness", "id": "s-1", "seen": False},
    ],
}
MODELS: dict[str, Any] = {
    "prompts": Prompt,
    "completions": Task,
    "demonstrations": Demonstration,
    "rankings": Ranking,
    "pairs": Ranking,
    "ratings": Rating,
}


@pytest.mark.parametrize("kind", LINES)
def test_export_import_export_gives_the_same_bytes(kind: str) -> None:
    project = make_project()
    report = put(project, kind, *LINES[kind])
    assert (report.added, report.already) == (len(LINES[kind]), 0)
    first = out(project, kind)
    assert first
    again = emptied(project)
    put_bytes(again, kind, first)
    assert out(again, kind) == first
    assert MODELS[kind].objects.count() == len(LINES[kind])


@pytest.mark.parametrize("kind", LINES)
def test_importing_the_same_file_twice_adds_nothing(kind: str) -> None:
    project = make_project()
    put(project, kind, *LINES[kind])
    first = out(project, kind)
    report = put(project, kind, *LINES[kind])
    assert (report.added, report.already) == (0, len(LINES[kind]))
    assert out(project, kind) == first


@pytest.mark.parametrize("kind", LINES)
def test_importing_an_export_into_its_own_project_adds_nothing(kind: str) -> None:
    project = make_project()
    put(project, kind, *LINES[kind])
    first = out(project, kind)
    report = put_bytes(project, kind, first)
    assert (report.added, report.already) == (0, len(LINES[kind]))
    assert out(project, kind) == first


@pytest.mark.parametrize("kind", LINES)
def test_an_export_imported_into_another_project_of_the_database_gets_ids_of_its_own(kind: str) -> None:
    project, other = make_project(), make_project()
    put(project, kind, *LINES[kind])
    first = out(project, kind)
    assert put_bytes(other, kind, first).added == len(LINES[kind])
    assert without_concord(out_values(other, kind)) == without_concord(out_values(project, kind))
    assert put_bytes(other, kind, first).added == 0
    assert out(project, kind) == first
