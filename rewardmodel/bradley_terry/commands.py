"""What each command of the child does with a run's folder.

fit        inputs/snapshot.jsonl -> output/ (a reward model folder)
evaluate   a reward model folder, inputs/snapshot.jsonl -> output/report.json
contest    several of them, inputs/snapshot.jsonl -> output/report.json
score      a reward model folder, inputs/scored.jsonl -> output/scores.jsonl, a line a line
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import torch

from lm.devices import device_of_run
from lm.manifest import NAME as META
from lm.origin import claim_checkpoint
from lm.rendering import Messages
from rewardmodel.bradley_terry.artifact import load_reward_model
from rewardmodel.bradley_terry.config import ContestConfig, EvaluateConfig, FitConfig, ScoreConfig
from rewardmodel.bradley_terry.contest import side_by_side
from rewardmodel.bradley_terry.evaluate import report_on
from rewardmodel.bradley_terry.fit import fit_reward_model
from rewardmodel.bradley_terry.records import read_snapshot
from rewardmodel.bradley_terry.scoring import RewardModel, Scored
from runs.folder.config import parse_config
from runs.folder.files import file_digest, write_json
from runs.folder.folder import RunFolder
from runs.folder.lines import FORMS, Fields, read_lines
from runs.folder.progress import Progress
from runs.folder.stopping import StopSignal

# Lines of scored.jsonl that are scored at a time: what a stop loses at most.
BLOCK = 500


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
    with stop.at_once():
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

    with stop.at_once():
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
    """Score prompts with completions; see ScoreConfig. What is scored is written a block at a time, and stays.

    What another reward model scored is not gone on behind: BadInput.
    """
    config = parse_config(ScoreConfig, folder.read_config())
    progress = Progress(folder.progress_file)
    source, target = folder.inputs / "scored.jsonl", folder.output / "scores.jsonl"
    done = _whole_lines(target)
    total = sum(1 for _ in _read_scored(source, stop))  # a wrong line is found before anything is scored
    progress.report(done, total, "scoring")
    with stop.at_once():
        model = _load(folder, config)
    claim_checkpoint(
        folder,
        config,
        inputs={source.name: file_digest(source)},
        parents={"model": file_digest(Path(folder.located(config.reward_model)) / META)},
        free=("reward_model", "micro_batch_tokens"),
    )
    lines = islice(_read_scored(source, stop), done, None)
    with target.open("ab") as file:
        while block := list(islice(lines, BLOCK)):
            with stop.at_once():
                scored = model.score_flagged([line.item for line in block], between=stop.check)
            file.write(_in_lines(block, scored))
            file.flush()
            os.fsync(file.fileno())
            done += len(block)
            progress.report(done, total, "scoring")
    progress.report(total, total, "done")


def _load(folder: RunFolder, config: EvaluateConfig | ScoreConfig) -> RewardModel:
    torch.set_num_threads(config.threads)
    model = load_reward_model(folder.located(config.reward_model), device_of_run(folder, config.device))
    model.micro_batch_tokens = config.micro_batch_tokens
    return model


class _ToScore(NamedTuple):
    """One line of scored.jsonl; ``completion_id`` is repeated beside its score, where there is one."""

    item: tuple[str, Messages, str]
    completion_id: str | None


def _read_scored(path: Path, stop: StopSignal) -> Iterator[_ToScore]:
    """There may be a million of them."""
    for line in read_lines(path, _scored, holds="prompts with completions"):
        stop.check()
        yield line


def _scored(line: Fields) -> _ToScore:
    item = line.choice("form", FORMS), line.messages("prompt"), line.text("completion")
    return _ToScore(item, line.text_or_none("completion_id"))


def _whole_lines(path: Path) -> int:
    """How many lines an earlier attempt has written whole; what it left of another is cut off."""
    if not path.exists():
        return 0
    with path.open("rb+") as file:
        number = size = 0
        for line in file:
            if line.endswith(b"\n"):
                number, size = number + 1, size + len(line)
        file.truncate(size)
    return number


def _in_lines(block: Sequence[_ToScore], scored: Scored) -> bytes:
    lines = (
        {"score": score, "prompt_cut": prompt_cut, "completion_cut": completion_cut}
        | ({} if line.completion_id is None else {"completion_id": line.completion_id})
        for line, score, prompt_cut, completion_cut in zip(
            block, scored.scores.tolist(), scored.prompts_cut, scored.completions_cut, strict=True
        )
    )
    return "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines).encode()
