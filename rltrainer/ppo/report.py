"""Mean reward and KL on held-out prompts, of the policy before and after, from the same random numbers."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

from lm.bootstrap import Mean, mean_by_prompt
from rltrainer.policy.evaluate import distinct
from rltrainer.policy.generation import storable
from rltrainer.policy.loading import Policy, as_saved
from rltrainer.policy.prompts import Prompt
from rltrainer.ppo.config import ResolvedPpo
from rltrainer.ppo.divergence import clamped_log_ratio
from rltrainer.ppo.order import generator_of
from rltrainer.ppo.rollout import RewardFunction, Rollout, Seconds, collect

EXAMPLES = 3
RESAMPLES = 1000  # of prompts, for the interval of the gain


class HeldOut(NamedTuple):
    """The prompts of the report; ``unseen`` where no step asks them."""

    prompts: list[Prompt]
    unseen: bool


def held_out_of(prompts: Sequence[Prompt], count: int) -> HeldOut:
    """``count`` prompts of the validation and test splits, the same for every seed; else of the train split."""
    unseen = [prompt for prompt in prompts if prompt.split != "train"]
    among = unseen or list(prompts)
    order = torch.randperm(len(among), generator=generator_of("held out", 0, 0)).tolist()
    return HeldOut([among[number] for number in order[:count]], bool(unseen))


def make_report(
    policy: Policy,
    reward_of: RewardFunction,
    held_out: HeldOut,
    config: ResolvedPpo,
    between: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """``before`` (the reference) and ``after``: reward, kl, reward_std, length, ended, entropy, distinct_2.

    ``gain``: the rise of the mean reward with its interval, by prompt (lm.bootstrap); ``gain_in_deviations``: in
    deviations of the rewards before, 0 where those are all equal. ``examples``: a completion before and after with
    their rewards. ``cut``: of all these texts, before and after, how many the reward model could not read whole.
    ``after`` is the policy as it is saved, which with LoRA is another network (``as_saved``). ``between`` is called
    before each forward pass.
    """
    saved = as_saved(policy)
    with policy.reference() as reference:
        before, after = (
            _Answers.of(
                Policy(model, policy.tokenizer, policy.meta, frozen=reference),
                reward_of,
                held_out.prompts,
                config,
                between,
            )
            for model in (reference, saved)
        )
    first, last = before.figures(), after.figures()
    gain = gain_of(before.rewards, after.rewards, config.samples)
    return {
        "prompts": len(held_out.prompts),
        "held_out": held_out.unseen,
        "samples": config.samples,
        "before": first,
        "after": last,
        "gain": gain,
        "gain_in_deviations": gain["value"] / first["reward_std"] if first["reward_std"] > 0 else 0.0,
        "cut": {
            "held_out_texts": len(before.texts) + len(after.texts),
            "held_out_texts_cut": sum(before.cut) + sum(after.cut),
        },
        "examples": [
            _example(held_out.prompts[number], before, after, number * config.samples)
            for number in range(min(EXAMPLES, len(held_out.prompts)))
        ],
    }


class _Answers(NamedTuple):
    """One entry a completion; a prompt's samples lie side by side."""

    texts: list[str]
    rewards: list[float]
    kl: list[float]
    lengths: list[int]
    ended: list[bool]
    entropy: list[float]
    cut: list[bool]

    @classmethod
    def of(
        cls,
        policy: Policy,
        reward_of: RewardFunction,
        prompts: Sequence[Prompt],
        config: ResolvedPpo,
        between: Callable[[], None],
    ) -> "_Answers":
        """Completions of ``prompts``; the numbers drawn are the same for every policy."""
        answers = cls([], [], [], [], [], [], [])
        for first in range(0, len(prompts), config.batch_prompts):
            batch = prompts[first : first + config.batch_prompts]
            generator = generator_of("report", config.seed, first)
            answers.take(
                collect(policy, None, reward_of, batch, config, generator, Seconds(), between=between), config
            )
        return answers

    def take(self, rollout: Rollout, config: ResolvedPpo) -> None:
        """Append the completions of ``rollout``."""
        log_ratio = clamped_log_ratio(rollout.log_probs, rollout.reference, config.kl_clamp) * rollout.mask
        self.texts.extend(rollout.texts)
        self.rewards.extend(rollout.scores.tolist())
        self.kl.extend(log_ratio.double().sum(dim=1).tolist())
        self.lengths.extend(rollout.mask.sum(dim=1).tolist())
        self.ended.extend(rollout.finished.tolist())
        self.entropy.extend(rollout.entropy.double().sum(dim=1).tolist())
        self.cut.extend(rollout.cut.tolist())

    def figures(self) -> dict[str, float]:
        """Their means, as figures.py defines them."""
        count, tokens = len(self.texts), sum(self.lengths)
        reward = math.fsum(self.rewards) / count
        return {
            "reward": reward,
            "reward_std": math.sqrt(math.fsum((value - reward) ** 2 for value in self.rewards) / count),
            "kl": math.fsum(self.kl) / count,
            "entropy": math.fsum(self.entropy) / tokens,
            "length": tokens / count,
            "ended": sum(self.ended) / count,
            "distinct_2": distinct(self.texts, 2) or 0.0,
        }


def gain_of(before: Sequence[float], after: Sequence[float], samples: int) -> Mean:
    """The mean difference of two policies' rewards, completion by completion: both were sampled from the same random
    numbers. A prompt's ``samples`` lie side by side."""
    gains = [last - first for first, last in zip(before, after, strict=True)]
    prompts = [str(place // samples) for place in range(len(gains))]
    gain = mean_by_prompt(prompts, gains, resamples=RESAMPLES)
    assert gain is not None  # a run without prompts does not begin
    return gain


def _example(prompt: Prompt, before: _Answers, after: _Answers, place: int) -> dict[str, Any]:
    return {
        "prompt_id": prompt.id,
        "prompt": prompt.messages,
        "before": {"completion": storable(before.texts[place]), "reward": before.rewards[place]},
        "after": {"completion": storable(after.texts[place]), "reward": after.rewards[place]},
    }
