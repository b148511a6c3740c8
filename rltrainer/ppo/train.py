"""The run "train": a policy, a reward model and inputs/prompts.jsonl in, a policy folder out.

1 read the prompts, load the reward model, the policy and its reference     3 the report on held-out prompts
2 train (trainer.py)                                                       4 policy and meta.json into output/
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from lm.devices import choose_device, device_of_run
from lm.loading import context_length
from lm.origin import parent_of
from lm.ranks import join_ranks
from lm.training import Frame
from lm.trial import in_words
from rewardmodel.bradley_terry.artifact import load_reward_model
from rewardmodel.bradley_terry.scoring import RewardModel
from rltrainer.policy.bases import load_for_training
from rltrainer.policy.encoding import encode_prompts
from rltrainer.policy.loading import save_policy
from rltrainer.policy.prompts import Prompt, encode_with_room, read_prompts
from rltrainer.ppo.config import PpoConfig, ResolvedPpo
from rltrainer.ppo.learner import Learner
from rltrainer.ppo.report import HeldOut, held_out_of, make_report
from rltrainer.ppo.rollout import Earned, RewardFunction
from rltrainer.ppo.trainer import PolicyGradient
from rltrainer.ppo.value import make_value_network
from runs.folder.config import parse_config
from runs.folder.errors import BadInput
from runs.folder.files import file_digest, folder_digest, write_json
from runs.folder.folder import RunFolder
from runs.folder.metrics import read_metrics
from runs.folder.progress import Progress
from runs.folder.stopping import StopSignal

PROMPTS = "prompts.jsonl"
# Paths, which another machine may have others of; and what is looked at, which changes no result
FREE = ("policy", "reward_model", "watched_prompts", "watch_every")


class PromptsOfRun(NamedTuple):
    """The prompts of the run: those that the steps ask, and those of the report."""

    train: list[Prompt]
    held_out: HeldOut


def main(folder: RunFolder, stop: StopSignal) -> None:
    """Run ``train`` on a prepared folder."""
    config = _read_config(folder)
    torch.set_num_threads(config.threads)
    ranks = join_ranks()
    if ranks.main:
        Progress(folder.progress_file).report(0, 1, "loading the policy and the reward model")
    prompts_of_run = split_prompts(read_prompts(folder.inputs / PROMPTS), config.held_out_prompts)
    reward_model = load_reward_model(config.reward_model, device_of_run(folder, config.device))
    learner, reward_of = make_learner(config, reward_model), reward_by(reward_model)
    cut = count_cut(learner, reward_model, prompts_of_run)
    inputs = {PROMPTS: file_digest(folder.inputs / PROMPTS)}
    parents = {
        "base": parent_of(config.policy, learner.policy.model),
        "reward_model": folder_digest(Path(config.reward_model)),
    }
    watched = prompts_of_run.held_out.prompts[: config.watched_prompts]
    training = PolicyGradient(learner, reward_of, prompts_of_run.train, ranks, watched=watched)
    frame = Frame.of_run(
        folder, stop, training, learner.config, inputs=inputs, parents=parents, free=FREE, ranks=ranks
    )
    frame.run()
    if not ranks.main:
        return
    frame.leave_others()
    frame.report(training.steps, training.steps, "sampling held-out prompts")
    report = report_within_limit(training, frame, prompts_of_run.held_out)
    report["cut"] = {**cut, **_texts_cut(frame, learner.config), **report["cut"]}
    write_json(folder.output / "report.json", report)
    made_from = {"config": asdict(learner.config), "inputs": inputs, "parents": parents, "metrics": report}
    save_policy(learner.policy, folder.output, {"made_by": learner.config.algorithm, **made_from})


def split_prompts(prompts: Sequence[Prompt], held_out: int) -> PromptsOfRun:
    """Raises BadInput where no prompt is in the train split."""
    train = [prompt for prompt in prompts if prompt.split == "train"]
    if not train:
        raise BadInput('no prompt is in the train split: import more, or give some "split": "train"')
    return PromptsOfRun(train, held_out_of(prompts, held_out))


def make_learner(config: PpoConfig, reward_model: RewardModel) -> Learner:
    """The policy that the config names, its reference, and for PPO a value network."""
    policy = load_for_training(
        config.policy,
        lora=config.lora,
        device=choose_device(config.device),
        seed=config.seed,
        date=config.date,
    )
    resolved = config.resolved(sum(value.numel() for value in policy.model.parameters()))
    if resolved.algorithm == "reinforce":
        return Learner(policy, None, resolved)
    start = reward_model if resolved.value_init == "reward_model" else None
    longest = min(context_length(policy.model), resolved.max_prompt_tokens + resolved.max_new_tokens)
    return Learner(policy, make_value_network(policy, start, longest), resolved)


def count_cut(learner: Learner, reward_model: RewardModel, prompts: PromptsOfRun) -> dict[str, int]:
    """How many prompts lose their oldest words, so that an answer has room, and for how many the reward model has none.

    Read before the first step, and as the reward model will read them: one that a template refuses would else end the
    run at the step that draws it. Raises BadInput naming the prompt.
    """
    cut: dict[str, int] = {"train_prompts": len(prompts.train)}
    for name, some in (("train_prompts", prompts.train), ("held_out_prompts", prompts.held_out.prompts)):
        with in_words("the reward model cannot score every prompt"):
            scored = encode_prompts(reward_model.tokenizer, some, reward_model.limits.prompt)
        cut[f"{name}_cut"] = encode_with_room(learner.policy, some, **learner.config.limits).truncated
        cut[f"{name}_cut_for_reward"] = scored.truncated
    return cut


def _texts_cut(frame: Frame, config: ResolvedPpo) -> dict[str, int]:
    """Of the texts that all steps sampled, by their figures: a run that was stopped counts those before it too."""
    steps, _ = read_metrics(frame.folder.metrics_file)
    return {
        "train_texts": len(steps) * config.episodes,
        "train_texts_cut": sum(step.get("texts_cut", 0) for step in steps),
    }


def reward_by(reward_model: RewardModel) -> RewardFunction:
    """The reward model as a function of prompts and texts: it reads text, with its own tokenizer (P15)."""

    def reward_of(prompts: Sequence[Prompt], texts: Sequence[str], between: Callable[[], None]) -> Earned:
        items = [(prompt.form, prompt.messages, text) for prompt, text in zip(prompts, texts, strict=True)]
        scored = reward_model.score_flagged(items, between=between)
        return Earned(scored.scores, torch.tensor(scored.truncated))

    return reward_of


def report_within_limit(training: PolicyGradient, frame: Frame, held_out: HeldOut) -> dict[str, Any]:
    """The report. The weights after the last step were never sampled: where the held-out prompts show them past the
    KL's limit, the run goes back to those that were kept, too."""
    config, policy = training.config, training.learner.policy

    def report() -> dict[str, Any]:
        with frame.stop.at_once():
            return make_report(policy, training.reward_of, held_out, config, frame.stop.check)

    figures = report()
    past = config.kl_limit is not None and figures["after"]["kl"] > config.kl_limit
    if past and training.kept is None:
        training.go_back(frame)
        figures = report()
    return {**figures, "steps": frame.step, "kept": training.kept}


def _read_config(folder: RunFolder) -> PpoConfig:
    config = parse_config(PpoConfig, folder.read_config())
    policy, reward_model = folder.located(config.policy), folder.located(config.reward_model)
    return replace(config, policy=policy, reward_model=reward_model)
