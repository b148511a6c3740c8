"""inputs/prompts.jsonl, and its prompts as token ids that leave room for an answer."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from lm.loading import context_length
from rltrainer.policy.encoding import EncodedPrompts, encode_prompts
from rltrainer.policy.loading import Policy
from runs.folder.errors import BadInput
from runs.folder.lines import FORMS, SPLITS, Fields, read_lines


class Prompt(NamedTuple):
    """A line of inputs/prompts.jsonl."""

    id: str
    form: str
    messages: list[dict[str, str]]
    split: str = "train"


def read_prompts(path: Path) -> list[Prompt]:
    """The lines of inputs/prompts.jsonl. Raises BadInput where there is none, naming a line that is not one."""
    prompts = list(read_lines(path, _prompt, holds="the prompts that the policy is asked"))
    if not prompts:
        raise BadInput(f"{path} holds no prompts: there is nothing to ask the policy")
    return prompts


def _prompt(line: Fields) -> Prompt:
    split = line.choice("split", SPLITS, default="train")
    return Prompt(line.id("id"), line.choice("form", FORMS), line.messages("prompt"), split)


def encode_with_room(
    policy: Policy, prompts: Sequence[Prompt], *, max_prompt_tokens: int, max_new_tokens: int
) -> EncodedPrompts:
    """Prompts cut to ``max_prompt_tokens`` and to what the policy's context leaves beside the answer."""
    room = context_length(policy.model) - max_new_tokens
    if room < 1:
        raise BadInput(f"max_new_tokens {max_new_tokens} fills the policy's context: lower it")
    return encode_prompts(policy.tokenizer, prompts, min(max_prompt_tokens, room))
