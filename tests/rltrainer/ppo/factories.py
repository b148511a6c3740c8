"""Small policies, reward models and runs for the tests of rltrainer.ppo."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import GPT2Config

from lm.loading import make_trunk
from lm.lora import LoraSettings
from lm.scratch import make_config, make_tokenizer
from rewardmodel.bradley_terry.artifact import save_reward_model
from rewardmodel.bradley_terry.encoding import Limits
from rewardmodel.bradley_terry.network import RewardNetwork, make_head
from rewardmodel.bradley_terry.scoring import Normalisation, RewardModel
from rltrainer.policy.loading import Policy, prepare_policy
from rltrainer.policy.prompts import Prompt
from rltrainer.ppo.config import PpoConfig
from rltrainer.ppo.learner import Learner
from rltrainer.ppo.order import generator_of
from rltrainer.ppo.rollout import Earned, RewardFunction, Rollout, Seconds, collect
from rltrainer.ppo.targets import Targets, targets_of
from rltrainer.ppo.value import make_value_network
from runs.folder.folder import RunFolder
from tests.rltrainer.policy.factories import WORDS, make_folder, make_from_config, make_model
from tests.rltrainer.policy.factories import make_tokenizer as make_word_tokenizer

SMALL: dict[str, Any] = {
    "steps": 4,
    "batch_prompts": 4,
    "samples": 2,
    "max_new_tokens": 6,
    "minibatches": 2,
    "update_kl_limit": None,  # large steps on small networks
    "learning_rate": 0.003,
    "held_out_prompts": 4,
    "threads": 1,
    "device": "cpu",
}


def make_prompts(count: int = 6) -> list[Prompt]:
    """Prompts of one word, two words, ... of different lengths."""
    texts = [" ".join(WORDS[number : number + 1 + number % 4]) for number in range(count)]
    return [
        Prompt(f"p{number}", "text", [{"role": "user", "content": text}]) for number, text in enumerate(texts)
    ]


def make_policy(seed: int = 0, *, lora: LoraSettings | None = None, **settings: Any) -> Policy:
    """A small Llama with its reference."""
    return prepare_policy(
        make_model(seed, **settings),
        make_word_tokenizer(),
        {},
        lora=lora,
        seed=0,
        reference=True,
        gradient_checkpointing=False,
    )


def make_policy_of_places(seed: int = 0) -> Policy:
    """A GPT-2, which learns a vector for each place: unlike a Llama's, its logits change when all places shift."""
    config = GPT2Config(
        vocab_size=16, n_embd=32, n_layer=2, n_head=4, n_positions=64, initializer_range=0.3,
        bos_token_id=None, eos_token_id=1, pad_token_id=0,
    )  # fmt: skip
    model, tokenizer = make_from_config(config, seed), make_word_tokenizer()
    return prepare_policy(
        model, tokenizer, {}, lora=None, seed=0, reference=True, gradient_checkpointing=False
    )


def make_learner(policy: Policy | None = None, **fields: Any) -> Learner:
    """A learner of a small policy; the value network is the policy's trunk."""
    policy = policy or make_policy()
    passes = _passes(fields.get("algorithm"))
    config = PpoConfig(**{"policy": "p", "reward_model": "r", **SMALL, **passes, **fields}).resolved(1000)
    value = None if config.algorithm == "reinforce" else make_value_network(policy, None, 64)
    return Learner(policy, value, config)


def _passes(algorithm: str | None) -> dict[str, int]:
    """REINFORCE learns from a rollout in one step."""
    return {"epochs": 1, "minibatches": 1} if algorithm == "reinforce" else {"epochs": 2}


def whole(scores: Tensor) -> Earned:
    """Scores of texts that were all read whole."""
    return Earned(scores, torch.zeros(len(scores), dtype=torch.bool))


def score_by(worth: Callable[[str], float]) -> RewardFunction:
    """A made-up reward: a function of the text."""

    def reward_of(prompts: Sequence[Prompt], texts: Sequence[str], between: Callable[[], None]) -> Earned:
        between()
        return whole(torch.tensor([worth(text) for text in texts]))

    return reward_of


def count_cats(text: str) -> float:
    """Something that differs between completions."""
    return text.split().count("cat") - 0.25 * len(text.split())


def make_rollout(
    learner: Learner, prompts: Sequence[Prompt] | None = None, seed: int = 0
) -> tuple[Rollout, Targets]:
    """A rollout of ``learner`` and what it teaches."""
    rollout = collect(
        learner.policy,
        learner.value,
        score_by(count_cats),
        prompts or make_prompts(learner.config.batch_prompts),
        learner.config,
        generator_of("test", seed, 0),
        Seconds(),
    )
    return rollout, targets_of(rollout, learner.config, learner.config.beta)


def gradients(learner: Learner) -> Tensor:
    """All gradients of policy and value network, end to end."""
    both = {**learner.policy_parameters, **learner.value_parameters}
    return torch.cat([parameter.grad.flatten() for parameter in both.values() if parameter.grad is not None])


def weights(learner: Learner) -> dict[str, Tensor]:
    """Copies of all weights that learn."""
    both = {**learner.policy_parameters, **learner.value_parameters}
    return {name: parameter.detach().clone() for name, parameter in both.items()}


def make_reward_model(tokenizer: Any = None, *, seed: int = 1) -> RewardModel:
    """A reward model of random weights; its tokenizer is its own, bytes, unless one is given."""
    tokenizer = tokenizer or make_tokenizer([" ".join(WORDS)] * 2, vocab_size=300)
    config = make_config(tokenizer, hidden=16, layers=1, heads=2, context=128)
    config.initializer_range = 0.3
    trunk = make_trunk(config, tokenizer=tokenizer, seed=seed)
    return RewardModel(
        network=RewardNetwork(trunk, make_head(trunk, seed=seed)).requires_grad_(False),
        tokenizer=tokenizer,
        limits=Limits.within(128, max_prompt=128, max_completion=128, row=128),
        share=True,
        ties="davidson",
        tie_parameter=0.1,
        normalisation=Normalisation(0.2, 0.5),
        meta={},
    )


def make_run(path: Path, **config: Any) -> RunFolder:
    """A prepared run that takes about a second: a policy of random weights and a reward model of its own tokens."""
    folder = RunFolder(path)
    folder.make()
    make_folder(path / "policy")
    save_reward_model(make_reward_model(), path / "reward_model", {})
    splits = ("train", "train", "train", "validation", "train", "test")
    with (folder.inputs / "prompts.jsonl").open("w", encoding="utf-8") as file:
        for number, prompt in enumerate(make_prompts(18)):
            line = {"id": prompt.id, "form": "text", "prompt": prompt.messages, "split": splits[number % 6]}
            file.write(json.dumps(line) + "\n")
    passes = _passes(config.get("algorithm"))
    folder.write_config({"policy": "policy", "reward_model": "reward_model", **SMALL, **passes, **config})
    return folder
