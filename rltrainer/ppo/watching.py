"""What a policy answers to a few fixed prompts as it learns: a line a prompt at every look, in watched.jsonl.

A look draws no number of the training and changes no weight, so with it or without it a run ends in the same weights.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rltrainer.policy.config import SamplingSettings
from rltrainer.policy.generation import generate, storable
from rltrainer.policy.loading import Policy
from rltrainer.policy.prompts import Prompt, encode_with_room
from rltrainer.ppo.config import ResolvedPpo
from rltrainer.ppo.order import generator_of
from rltrainer.ppo.rollout import RewardFunction


class Answer(NamedTuple):
    """A line of watched.jsonl but for its step; ``reward`` is the reward model's score."""

    prompt_id: str
    answer: str
    reward: float


def is_looked_at(step: int, config: ResolvedPpo) -> bool:
    """Whether there is a look after ``step`` steps: before the first, every ``watch_every``, after the last."""
    return step % config.watch_every == 0 or step == config.steps


def watched_answers(
    policy: Policy,
    reward_of: RewardFunction,
    prompts: Sequence[Prompt],
    config: ResolvedPpo,
    between: Callable[[], None],
) -> list[Answer]:
    """The likeliest answer to each of ``prompts``, token by token; ``between`` is called before each forward pass."""
    if not prompts:
        return []
    ids = encode_with_room(policy, prompts, **config.limits).ids
    greedy = SamplingSettings(config.max_new_tokens, temperature=0.0, samples=1)
    # The likeliest token needs no number: this generator is there for the shape alone
    unused = generator_of("watched", config.seed, 0)
    texts = generate(policy.model, policy.tokenizer, ids, greedy, unused, between=between).texts
    scores = reward_of(prompts, texts, between).scores.tolist()
    return [
        Answer(prompt.id, storable(text), score)
        for prompt, text, score in zip(prompts, texts, scores, strict=True)
    ]
