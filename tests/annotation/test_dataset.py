"""A project's judgements as a data set: ``datasets`` loads the folder by its card, and finds what an export says."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from datasets import load_dataset
from django.core.management import CommandError, call_command
from django.db import connection
from pyarrow import parquet

from annotation.errors import BadRequest
from annotation.files import dataset
from annotation.models import Project
from annotation.quality.agreement import agreement_of
from tests.annotation.factories import (
    make_annotator,
    make_project,
    out_values,
    put,
    ranking,
)
from tests.annotation.test_export_to_trl import PROMPTS, judged
from tests.hub import Hub, serving

pytestmark = pytest.mark.django_db
SPLITS = ("train", "validation", "test")


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving() as server:
        yield server


def everything(form: str) -> Project:
    """Rankings, a superseded one among them, pairs, ratings and demonstrations; gold, which is nobody's business."""
    project = judged(form)
    put(project, "rankings", ranking(PROMPTS[form](4), 1, 2, 3, 4, annotator="alice", id="again"))
    rated = {
        "prompt": PROMPTS[form](6),
        "completion": "Red.",
        "score": 2.5,
        "axis": "help",
        "annotator": "bob",
    }
    put(project, "ratings", rated, {**rated, "axis": "harm", "score": None, "metadata": {"odd": [1]}})
    put(project, "demonstrations", {"prompt": PROMPTS[form](7), "completion": "Ochre."})
    put(
        project,
        "gold",
        {"prompt": "gold", "completions": [{"text": "x", "rank": 1}, {"text": "y", "rank": 2}]},
    )
    return project


def card_of(folder: Path) -> tuple[dict[str, Any], str]:
    _, front, text = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(front), text


def loaded(folder: Path, config: str) -> list[dict[str, Any]]:
    """The rows that ``datasets`` finds, with the splits that it finds them in."""
    splits = load_dataset(str(folder), config, cache_dir=str(folder.with_name("cache")))
    return [row for split in splits for row in splits[split] if row["concord"]["split"] == split]


def without_nulls(value: Any) -> Any:
    """What a line leaves out, a column has as null."""
    if isinstance(value, dict):
        return {name: without_nulls(one) for name, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


def as_exported(row: dict[str, Any]) -> dict[str, Any]:
    metadata = {} if row.get("metadata") is None else {"metadata": json.loads(row["metadata"])}
    return without_nulls({**row, **metadata})  # type: ignore[no-any-return]


@pytest.mark.parametrize("form", PROMPTS)
def test_datasets_loads_what_an_export_says(form: str, tmp_path: Path) -> None:
    project = everything(form)
    report = dataset.write(project=project, output=tmp_path / "set")
    names = ["pairs", "rankings", "ratings", "demonstrations"]
    for name in names:
        # The project's gold task has a prompt that is a text, so each kind says of which form it is.
        config = f"{name}_{form}" if form == "chat" else name
        expected = [
            without_nulls(value)
            for split in SPLITS
            for value in out_values(project, name, form=form, split=split)
            if "superseded" not in value["concord"]
        ]
        rows = [as_exported(row) for row in loaded(tmp_path / "set", config)]
        key = {"pairs": "chosen", "rankings": "task"}.get(name, "completion")
        assert len(rows) == len(expected) > 0
        assert sorted(rows, key=lambda row: (row["concord"]["id"], str(row[key]))) == sorted(
            expected, key=lambda row: (row["concord"]["id"], str(row[key]))
        )
    files = {file["path"]: file for file in report["files"]}
    on_disk = {
        path.relative_to(tmp_path / "set").as_posix() for path in (tmp_path / "set").rglob("*.parquet")
    }
    in_card = re.findall(
        r"^\| `(.+)` \| ([\d,]+) \| [\d,]+ \| `(.+)` \|$", card_of(tmp_path / "set")[1], re.M
    )
    assert set(files) == on_disk == {path for path, _, _ in in_card}
    for path, rows_in_card, digest in in_card:
        assert digest == hashlib.sha256((tmp_path / "set" / path).read_bytes()).hexdigest()
        assert files[path]["sha256"] == digest
        assert int(rows_in_card.replace(",", "")) == parquet.read_metadata(tmp_path / "set" / path).num_rows
    assert sum(file["rows"] for file in report["files"]) == sum(
        len(loaded(tmp_path / "set", config["config_name"]))
        for config in card_of(tmp_path / "set")[0]["configs"]
    )


def test_the_card_says_what_it_holds_who_judged_and_by_which_words(tmp_path: Path) -> None:
    project = make_project(name="Colours", guidelines="Warm before cold.\n\nNo grey.", annotators_per_task=2)
    put(
        project,
        "rankings",
        *(ranking(f"q{n}", 1, 2, 3, annotator=who) for n in range(4) for who in ("a", "b")),
    )
    put(project, "rankings", ranking("q9", 1, 2, 3, annotator="a"), ranking("q9", 3, 1, 2, annotator="b"))
    make_annotator(project, "idle")
    agreement = agreement_of(project=project)
    dataset.write(project=project, output=tmp_path / "set", license="cc-by-4.0")
    front, text = card_of(tmp_path / "set")
    assert front["license"] == "cc-by-4.0"
    assert front["size_categories"] == ["n<1K"]
    assert "simulated" not in front["tags"]
    assert [one["config_name"] for one in front["configs"]] == ["pairs", "rankings"]
    assert "# Colours" in text
    assert "2 annotators, by pseudonyms" in text
    assert "> Warm before cold.\n>\n> No grey." in text
    assert f"| agreement on pairs | {agreement['pairwise_agreement']:.3f} |" in text
    assert f"| Krippendorff's alpha | {agreement['krippendorff_alpha']:.3f} |" in text
    assert 0 < agreement["pairwise_agreement"] < 1


def test_simulated_rankings_are_said_to_be(tmp_path: Path) -> None:
    project = make_project()
    put(project, "rankings", ranking("q", 1, 2))
    put(project, "rankings", ranking("r", 1, 2, annotator="robot", concord={"simulated": True}))
    dataset.write(project=project, output=tmp_path / "set")
    front, text = card_of(tmp_path / "set")
    assert "simulated" in front["tags"]
    assert front["annotations_creators"] == ["machine-generated"]
    assert "**2 rows are by simulated annotators**" in text


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no judgements yet"):
        dataset.write(project=make_project(), output=tmp_path / "set")
    assert not list(tmp_path.iterdir())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "one.txt").write_text("mine")
    with pytest.raises(BadRequest, match="not an empty folder"):
        dataset.write(project=judged("text"), output=tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["one.txt"]
    with pytest.raises(CommandError, match="There is no project 'nowhere'"):
        call_command("export_dataset", project="nowhere", output=tmp_path / "set")


@pytest.mark.django_db(transaction=True)
def test_all_files_are_of_one_moment(tmp_path: Path) -> None:
    """A ranking that comes in after the pairs were read is in the next export."""
    project = judged("text")
    before = len(out_values(project, "rankings"))

    def store_another() -> None:
        put(project, "rankings", ranking("late", 1, 2, annotator="carol"))
        connection.close()

    def watch(rows: int, total: int) -> None:
        heard.append((rows, total))
        if not late.ident:
            late.start()
            late.join()

    late, heard = threading.Thread(target=store_another), list[tuple[int, int]]()
    report = dataset.write(project=project, output=tmp_path / "set", watch=watch)
    # One of its rankings is superseded: it is counted, and left out.
    assert heard[-1] == (report["rows"], report["rows"] + 1)
    assert len(out_values(project, "rankings")) == before + 1
    assert {row["prompt"] for row in loaded(tmp_path / "set", "rankings")}.isdisjoint({"late"})
    dataset.write(project=project, output=tmp_path / "next")
    assert "late" in {row["prompt"] for row in loaded(tmp_path / "next", "rankings")}


def test_the_command_pushes_it_as_a_data_set(
    tmp_path: Path, hub: Hub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.address)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", "hf_made_up")
    project = judged("text")
    call_command("export_dataset", project=project.slug, output=tmp_path / "kept")
    assert (hub.repositories, "pushed" in json.loads(capsys.readouterr().out)) == ([], False)
    call_command("export_dataset", project=project.slug, output=tmp_path / "set", push="us/ours")
    assert json.loads(capsys.readouterr().out)["pushed"] == f"{hub.address}/us/ours/commit/{'1' * 40}"
    assert [one["type"] for one in hub.repositories] == ["dataset"]
    (files,) = hub.committed.values()
    assert files == sorted(
        str(path.relative_to(tmp_path / "set")) for path in (tmp_path / "set").rglob("*.*")
    )
