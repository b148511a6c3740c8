"""The run "train": a policy, a reward model and inputs/prompts.jsonl in, a policy folder out.

1 read the prompts, load the reward model, the policy and its reference     3 the report on held-out prompts
2 train (trainer.py)                                                       4 policy and meta.json into output/
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lm.devices import choose_device
from lm.loading import context_length
from rewardmodel.bradley_terry.artifact import load_reward_model
from rewardmodel.bradley_terry.scoring import RewardModel
from rltrainer.policy.artifact import parent_of
from rltrainer.policy.loading import load_policy, save_policy
from rltrainer.policy.prompts import Prompt, read_prompts
from rltrainer.ppo.config import PpoConfig
from rltrainer.ppo.learner import Learner
from rltrainer.ppo.report import Held, held_out_of, make_report
from rltrainer.ppo.rollout import Score
from rltrainer.ppo.trainer import Training
from rltrainer.ppo.value import make_value_network
from runs.folder.config import parse_config
from runs.folder.errors import BadInput
from runs.folder.files import file_digest, folder_digest, write_json
from runs.folder.folder import RunFolder
from runs.folder.progress import Progress
from runs.folder.stopping import StopSignal

PROMPTS = "prompts.jsonl"


class Asked(NamedTuple):
    """The prompts of the run: those that the steps ask, and those of the report."""

    train: list[Prompt]
    held: Held


def main(folder: RunFolder, stop: StopSignal) -> None:
    """Run ``train`` on a prepared folder."""
    config = _read_config(folder)
    torch.set_num_threads(config.threads)
    progress = Progress(folder.progress_file)
    progress.report(0, 1, "loading the policy and the reward model")
    asked = split_prompts(read_prompts(folder.inputs / PROMPTS), config.held_out_prompts)
    reward_model = load_reward_model(config.reward_model, choose_device(config.device))
    learner, score = make_learner(config, reward_model), score_with(reward_model)
    digest = file_digest(folder.inputs / PROMPTS)
    training = Training(folder, stop, learner, score, asked.train, digest)
    training.run()
    progress.report(training.steps, training.steps, "sampling held-out prompts")
    report = report_within_limit(training, asked.held, stop)
    write_json(folder.output / "report.json", report)
    save_policy(learner.policy, folder.output, _meta(learner, digest, report))


def split_prompts(prompts: Sequence[Prompt], held_out: int) -> Asked:
    """Raises BadInput where no prompt is in the train split."""
    train = [prompt for prompt in prompts if prompt.split == "train"]
    if not train:
        raise BadInput('no prompt is in the train split: import more, or give some "split": "train"')
    return Asked(train, held_out_of(prompts, held_out))


def make_learner(config: PpoConfig, reward_model: RewardModel) -> Learner:
    """The policy that the config names, its reference, and for PPO a value network.

    With LoRA on CUDA the policy's frozen weights are bfloat16.
    """
    device = choose_device(config.device)
    narrow = config.lora is not None and device.type == "cuda"
    policy = load_policy(
        config.policy,
        lora=config.lora,
        device=device,
        dtype=torch.bfloat16 if narrow else torch.float32,
        seed=config.seed,
    )
    resolved = config.resolved(sum(value.numel() for value in policy.model.parameters()))
    if resolved.algorithm == "reinforce":
        return Learner(policy, None, resolved)
    start = reward_model if resolved.value_init == "reward_model" else None
    longest = min(context_length(policy.model), resolved.max_prompt_tokens + resolved.max_new_tokens)
    return Learner(policy, make_value_network(policy, start, longest), resolved)


def score_with(reward_model: RewardModel) -> Score:
    """The reward model as a function of prompts and texts: it reads text, with its own tokenizer (P15)."""

    def score(prompts: Sequence[Prompt], texts: Sequence[str]) -> Tensor:
        items = [(each.form, each.messages, text) for each, text in zip(prompts, texts, strict=True)]
        return reward_model.score_many(items)

    return score


def report_within_limit(training: Training, held: Held, stop: StopSignal) -> dict[str, Any]:
    """The report. The weights after the last step were never sampled: where the held-out prompts show them past the
    KL's limit, the run goes back to those that were kept, too."""
    config, policy = training.config, training.learner.policy

    def report() -> dict[str, Any]:
        return make_report(policy, training.score, held, config, stop.check)

    found = report()
    past = config.kl_limit is not None and found["after"]["kl"] > config.kl_limit
    if past and training.place.kept is None:
        training.go_back()
        found = report()
    return {**found, "steps": training.place.step, "kept": training.place.kept}


def _read_config(folder: RunFolder) -> PpoConfig:
    """Paths are absolute, or relative to the run's folder; what is no folder stays a name."""
    config = parse_config(PpoConfig, folder.read_config())

    def located(name: str) -> str:
        inside = folder.path / name
        return str(inside) if inside.is_dir() else name

    return replace(config, policy=located(config.policy), reward_model=located(config.reward_model))


def _meta(learner: Learner, prompts: str, report: dict[str, Any]) -> dict[str, Any]:
    config = learner.config
    return {
        "made_by": config.algorithm,
        "config": asdict(config),
        "inputs": {PROMPTS: prompts},
        "parents": {
            "base": parent_of(config.policy, learner.policy.model),
            "reward_model": folder_digest(Path(config.reward_model)),
        },
        "metrics": report,
    }
