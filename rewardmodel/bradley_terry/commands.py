"""What each command of the child does with a run's folder.

fit        inputs/snapshot.jsonl -> output/ (a reward model folder)
evaluate   a reward model folder, inputs/snapshot.jsonl -> output/report.json
score      a reward model folder, inputs/scored.jsonl -> output/scores.jsonl, a line a line
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from lm.devices import choose_device
from rewardmodel.bradley_terry.artifact import load_reward_model
from rewardmodel.bradley_terry.config import EvaluateConfig, FitConfig, ScoreConfig
from rewardmodel.bradley_terry.evaluate import report_on
from rewardmodel.bradley_terry.fit import fit_reward_model
from rewardmodel.bradley_terry.records import parse_messages, read_snapshot
from rewardmodel.bradley_terry.scoring import Messages, RewardModel
from runs.folder.config import parse_config
from runs.folder.errors import BadInput
from runs.folder.files import write_atomically, write_json
from runs.folder.folder import RunFolder
from runs.folder.progress import Progress
from runs.folder.stopping import StopSignal


def fit(folder: RunFolder, stop: StopSignal) -> None:
    """Fit a reward model; see FitConfig."""
    config = parse_config(FitConfig, folder.read_config())
    torch.set_num_threads(config.threads)
    incumbent = None if config.incumbent is None else folder.located(config.incumbent)
    config = replace(config, base=folder.located(config.base), incumbent=incumbent)
    fit_reward_model(config, folder, stop)


def evaluate(folder: RunFolder, stop: StopSignal) -> None:
    """Report on a reward model; see EvaluateConfig."""
    config = parse_config(EvaluateConfig, folder.read_config())
    progress = Progress(folder.progress_file)
    progress.report(0, 1, "scoring held-out completions")
    model = _load(folder, config)
    records = read_snapshot(folder.inputs / "snapshot.jsonl")
    report = report_on(model, records, resamples=config.resamples, between=stop.check)
    write_json(folder.output / "report.json", report)
    progress.report(1, 1, "done")


def score(folder: RunFolder, stop: StopSignal) -> None:
    """Score prompts with completions; see ScoreConfig."""
    config = parse_config(ScoreConfig, folder.read_config())
    progress = Progress(folder.progress_file)
    progress.report(0, 1, "scoring")
    items = _read_scored(folder.inputs / "scored.jsonl")
    scores, truncated = _load(folder, config).score_flagged(items, between=stop.check)
    lines = "".join(
        json.dumps({"score": score, "truncated": cut}, allow_nan=False) + "\n"
        for score, cut in zip(scores.tolist(), truncated, strict=True)
    )
    write_atomically(folder.output / "scores.jsonl", lines.encode())
    progress.report(1, 1, "done")


def _load(folder: RunFolder, config: EvaluateConfig | ScoreConfig) -> RewardModel:
    torch.set_num_threads(config.threads)
    model = load_reward_model(folder.located(config.reward_model), choose_device(config.device))
    model.micro_batch_tokens = config.micro_batch_tokens
    return model


def _read_scored(path: Path) -> Sequence[tuple[str, Messages, str]]:
    """(form, messages, completion) a line. Raises BadInput naming a line that is not one."""
    if not path.is_file():
        raise BadInput(f"{path} is missing: prompts with completions must be there")
    items = []
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                items.append(_scored(json.loads(line.decode())))
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                raise BadInput(f"{path.name}, line {number}: {error}") from error
    return items


def _scored(line: Any) -> tuple[str, Messages, str]:
    if line["form"] not in ("text", "chat") or not isinstance(line["completion"], str):
        raise ValueError("form must be text or chat, and completion a text")
    return line["form"], parse_messages(line["prompt"]), line["completion"]
