"""Data in and out by the client, with a real worker that carries the runs out."""

import json
from pathlib import Path
from typing import Any

import pytest

from annotation.models import Completion, Prompt, Ranking
from concord_client import Client, NotFound, RunFailed
from tests.annotation.factories import lines_of, out, put
from tests.api.world import World

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
# What a line may be that is not ASCII: among it characters that are ends of lines to some.
ODD = "Snow\u2028and\x85ice \N{SNOWMAN}\r"
RANKINGS: list[dict[str, Any]] = [
    {"prompt": f"Name {number}. {ODD}", "completions": [{"text": "a", "rank": 2}, {"text": ODD, "rank": 1}]}
    for number in range(3)
]


def as_brought(rows: Any) -> list[Any]:
    """Prompts with their texts and ranks, of exported rows as of imported ones."""
    return [
        (one["prompt"], sorted((completion["text"], completion["rank"]) for completion in one["completions"]))
        for one in rows
        if str(one["prompt"]).startswith("Name")
    ]


def test_a_streamed_export_holds_what_was_brought_in(carol: Client, world: World, tmp_path: Path) -> None:
    project = world.cast.project
    put(project, "rankings", *RANKINGS)
    exports = carol.project("helpful").exports
    rows = list(exports.rows(kind="rankings"))
    assert len(rows) == Ranking.objects.filter(task__project=project).count() == 4
    assert as_brought(rows) == as_brought(RANKINGS)
    texts = {
        completion["text"] for row in exports.rows(kind="completions") for completion in row["completions"]
    }
    assert texts == set(Completion.objects.filter(prompt__project=project).values_list("text", flat=True))
    file = exports.save(tmp_path / "rankings.jsonl", kind="rankings")
    assert file.read_bytes() == out(project, "rankings")
    assert [json.loads(line) for line in file.read_bytes().split(b"\n")[:-1]] == rows
    assert [one.name for one in tmp_path.iterdir()] == ["rankings.jsonl"]


@pytest.mark.usefixtures("worker")
def test_runs_are_waited_for_with_a_bar(
    carol: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    helpful = carol.project("helpful")
    (tmp_path / "prompts.jsonl").write_bytes(lines_of([{"prompt": f"From a file. {ODD}"}]))
    looked_at = helpful.imports.look(tmp_path / "prompts.jsonl")
    assert (looked_at["kind"], looked_at["lines"], looked_at["whole"]) == ("prompts", 1, True)
    # Both wait for the one worker, and so do those who asked for them.
    runs = [
        helpful.imports.rows(iter(RANKINGS), kind="rankings"),
        helpful.imports.file(tmp_path / "prompts.jsonl", kind="prompts"),
        helpful.imports.rows([{"prompt": "Fine."}, {"prompt": 7}], kind="prompts"),
        helpful.exports.start(kind="rankings"),
    ]
    for run in (runs[0], runs[1]["id"]):
        assert helpful.runs.wait(run)["status"] == "succeeded"
    shown = capsys.readouterr().err
    assert f"import {runs[0]['id']}, succeeded" in shown
    log = "".join(helpful.runs.follow_log(runs[0]["id"]))
    assert log == helpful.runs.get(runs[0]["id"])["log_tail"]
    brought = {one["prompt"] for one in RANKINGS} | {f"From a file. {ODD}"}
    assert brought <= {one.messages[0]["content"] for one in Prompt.objects.all()}
    with pytest.raises(RunFailed, match="line 2") as failed:
        helpful.runs.wait(runs[2], progress_bar=False)
    assert failed.value.run["status"] == "failed"
    assert failed.value.run["reason"] in str(failed.value)
    assert not [one for one in helpful.prompts.all() if "Fine" in str(one)]
    with pytest.raises(NotFound):
        helpful.runs.output(runs[0]["id"], tmp_path / "none.jsonl")
    assert helpful.runs.wait(runs[3])["status"] == "succeeded"
    file = helpful.runs.output(runs[3]["id"], tmp_path / "rankings.jsonl")
    assert as_brought(map(json.loads, file.read_bytes().split(b"\n")[:-1])) == as_brought(RANKINGS)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["prompts.jsonl", "rankings.jsonl"]
