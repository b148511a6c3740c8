"""Answers of policies to prompts, tried out and not stored: asked of the resident scorer (runs.resident).

torch stays out of this process.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rewardmodel.models import RewardModelVersion
from rltrainer.errors import BadConfig
from rltrainer.models import PolicyVersion
from rltrainer.policy.config import SamplingSettings
from runs.folder.errors import BadInput
from runs.resident import asking

# Of question to the resident scorer (rltrainer.answerer answers it).
KIND = "answers"
# Answers that one question may ask for, of all policies together.
MOST_ANSWERS = 10_000


class Answer(NamedTuple):
    """``finished`` where it ended by itself; ``score`` by the reward model, None where none was named."""

    text: str
    finished: bool
    score: float | None


def answers(
    *,
    policies: Sequence[PolicyVersion],
    prompts: Sequence[Mapping[str, Any]],
    sampling: Mapping[str, Any],
    seed: int = 0,
    reward_model: RewardModelVersion | None = None,
    wait: float = asking.WAIT_SECONDS,
) -> list[list[list[Answer]]]:
    """``[policy][prompt]`` lists of ``sampling["samples"]`` answers, from the same random numbers for each policy.

    A prompt is ``{"form", "messages"}``, ``sampling`` fields of SamplingSettings. Not inside a transaction. Raises
    BadConfig, NoScorer, NotAnswered.
    """
    try:
        samples = SamplingSettings(**sampling).samples
    except (BadInput, TypeError) as error:
        raise BadConfig(str(error)) from error
    count = len(policies) * len(prompts) * samples
    if not 0 < count <= MOST_ANSWERS:
        raise BadConfig(f"Ask for 1 to {MOST_ANSWERS:,} answers at once, not {count:,}.")
    request = {
        "policies": [policy.pk for policy in policies],
        "prompts": [dict(prompt) for prompt in prompts],
        "sampling": dict(sampling),
        "seed": seed,
        "reward_model": reward_model.pk if reward_model else None,
    }
    answered = asking.ask(kind=KIND, request=request, wait=wait)
    return [[[Answer(*one) for one in of_prompt] for of_prompt in of_policy] for of_policy in answered]
