"""What each command of the child does with a run's folder.

fit        inputs/snapshot.jsonl -> output/ (a reward model folder)
evaluate   a reward model folder, inputs/snapshot.jsonl -> output/report.json
contest    several of them, inputs/snapshot.jsonl -> output/report.json
score      a reward model folder, inputs/scored.jsonl -> output/scores.jsonl, a line a line
"""

import json
from collections.abc import Callable
from dataclasses import replace

import torch

from lm.devices import device_of_run
from rewardmodel.bradley_terry.artifact import load_reward_model
from rewardmodel.bradley_terry.config import ContestConfig, EvaluateConfig, FitConfig, ScoreConfig
from rewardmodel.bradley_terry.contest import side_by_side
from rewardmodel.bradley_terry.evaluate import report_on
from rewardmodel.bradley_terry.fit import fit_reward_model
from rewardmodel.bradley_terry.records import read_snapshot
from rewardmodel.bradley_terry.scoring import Messages, RewardModel
from runs.folder.config import parse_config
from runs.folder.files import write_atomically, write_json
from runs.folder.folder import RunFolder
from runs.folder.lines import FORMS, Fields, read_lines
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


def contest(folder: RunFolder, stop: StopSignal) -> None:
    """Report on several reward models side by side; see ContestConfig."""
    config = parse_config(ContestConfig, folder.read_config())
    torch.set_num_threads(config.threads)
    progress, device = Progress(folder.progress_file), device_of_run(folder, config.device)
    count = len(config.reward_models)

    def loader(name: str) -> Callable[[], RewardModel]:
        def load() -> RewardModel:
            model = load_reward_model(folder.located(name), device)
            model.micro_batch_tokens = config.micro_batch_tokens
            return model

        return load

    def between(number: int) -> None:
        stop.check()
        progress.report(number, count, f"reward model {number + 1} of {count}")

    report = side_by_side(
        [loader(name) for name in config.reward_models],
        read_snapshot(folder.inputs / "snapshot.jsonl"),
        resamples=config.resamples,
        worst=config.worst,
        between=between,
    )
    write_json(folder.output / "report.json", report)
    progress.report(count, count, "done")


def score(folder: RunFolder, stop: StopSignal) -> None:
    """Score prompts with completions; see ScoreConfig."""
    config = parse_config(ScoreConfig, folder.read_config())
    progress = Progress(folder.progress_file)
    progress.report(0, 1, "scoring")
    path = folder.inputs / "scored.jsonl"
    items = list(read_lines(path, _scored, holds="prompts with completions"))
    scores, truncated = _load(folder, config).score_flagged(items, between=stop.check)
    lines = "".join(
        json.dumps({"score": score, "truncated": cut}, allow_nan=False) + "\n"
        for score, cut in zip(scores.tolist(), truncated, strict=True)
    )
    write_atomically(folder.output / "scores.jsonl", lines.encode())
    progress.report(1, 1, "done")


def _load(folder: RunFolder, config: EvaluateConfig | ScoreConfig) -> RewardModel:
    torch.set_num_threads(config.threads)
    model = load_reward_model(folder.located(config.reward_model), device_of_run(folder, config.device))
    model.micro_batch_tokens = config.micro_batch_tokens
    return model


def _scored(line: Fields) -> tuple[str, Messages, str]:
    """(form, messages, completion)."""
    return line.choice("form", FORMS), line.messages("prompt"), line.text("completion")
