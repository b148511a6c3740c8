"""Answers of policies, as the resident scorer gives them (runs.resident): sampled, and scored where that is asked."""

from collections.abc import Sequence
from typing import Any

import torch
from django.utils import timezone

from rewardmodel.scorer import reward_model
from rltrainer import policies
from rltrainer.models import PolicyVersion
from rltrainer.policy.bases import load_for_inference
from rltrainer.policy.config import SamplingSettings
from rltrainer.policy.generation import generate
from rltrainer.policy.loading import Policy
from rltrainer.policy.prompts import Prompt, encode_with_room
from runs.folder.errors import BadInput
from runs.resident.serving import Loaded

AT_ONCE = 16  # prompts sampled together
MOST_PROMPT_TOKENS = 4096  # longer prompts lose their beginning, as do those that the policy's context cuts

Answers = list[tuple[str, bool, float | None]]


def answer(requests: Sequence[dict[str, Any]], loaded: Loaded) -> list[list[list[Answers]]]:
    """Each question of rltrainer.answering -> ``[policy][prompt]`` lists of text, finished and score.

    One after the other: what is sampled follows the seed of its question, whoever else asks.
    """
    return [_answer(request, loaded) for request in requests]


def _answer(request: dict[str, Any], loaded: Loaded) -> list[list[Answers]]:
    prompts = [
        Prompt(str(number), one["form"], one["messages"])
        for number, one in enumerate(request["prompts"], start=1)
    ]
    settings = SamplingSettings(**request["sampling"])
    versions = PolicyVersion.objects.in_bulk(request["policies"])
    if len(versions) < len(set(request["policies"])):
        raise BadInput("a policy that was asked for is there no more")
    return [
        _of_policy(_policy(versions[pk], loaded), prompts, settings, request, loaded)
        for pk in request["policies"]
    ]


def _policy(version: PolicyVersion, loaded: Loaded) -> Policy:
    """As a run that is asked for today would load it: a template may say the date. Raises RunError where it cannot be
    loaded."""
    place, today = policies.location(version), timezone.now().date().isoformat()
    name = f"policy {place} {today}"
    policy: Policy = loaded.get(name, lambda: load_for_inference(place, "auto", date=today))
    return policy


def _of_policy(
    policy: Policy,
    prompts: Sequence[Prompt],
    settings: SamplingSettings,
    request: dict[str, Any],
    loaded: Loaded,
) -> list[Answers]:
    encoded = encode_with_room(
        policy, prompts, max_prompt_tokens=MOST_PROMPT_TOKENS, max_new_tokens=settings.max_new_tokens
    )
    texts, finished = list[str](), list[bool]()
    for first in range(0, len(prompts), AT_ONCE):
        generator = torch.Generator().manual_seed(request["seed"] * 1_000_003 + first)
        ids = encoded.ids[first : first + AT_ONCE]
        generated = generate(policy.model, policy.tokenizer, ids, settings, generator)
        texts += generated.texts
        finished += generated.finished.tolist()
    repeated = [prompt for prompt in prompts for _ in range(settings.samples)]
    scores = _scores(request["reward_model"], repeated, texts, loaded)
    rows = list(zip(texts, finished, scores, strict=True))
    return [rows[first : first + settings.samples] for first in range(0, len(rows), settings.samples)]


def _scores(
    pk: int | None, prompts: Sequence[Prompt], texts: Sequence[str], loaded: Loaded
) -> list[float] | list[None]:
    if pk is None:
        return [None] * len(texts)
    items = [(prompt.form, prompt.messages, text) for prompt, text in zip(prompts, texts, strict=True)]
    scores: list[float] = reward_model(pk, loaded).score_many(items).tolist()
    return scores
