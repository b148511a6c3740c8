"""Demonstrations to token ids, and their order in batches of about equal length."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lm.encoding import encode_completion
from rltrainer.policy.encoding import encode_prompts
from runs.folder.lines import FORMS, SPLITS, Fields, read_lines

# Rows sorted by length together. Large enough that a batch's rows are of one length, small enough that
# which rows meet in a batch changes from epoch to epoch.
ROWS_SORTED_TOGETHER = 1024


class Demonstration(NamedTuple):
    """A line of inputs/demonstrations.jsonl."""

    id: str
    form: str
    messages: list[dict[str, str]]
    completion: str
    split: str


class Example(NamedTuple):
    """``ids`` of prompt, completion and EOS; the completion begins at ``start``."""

    id: str
    ids: list[int]
    start: int


class Examples(NamedTuple):
    """What was encoded, and how many prompts (their oldest words) and completions (their end) were cut."""

    rows: list[Example]
    prompts_cut: int
    completions_cut: int

    @property
    def cut(self) -> dict[str, int]:
        """Both counts by their names, as reports have them."""
        return {"prompts_cut": self.prompts_cut, "completions_cut": self.completions_cut}


class Batch(NamedTuple):
    """``ids`` and ``mask`` (B, T), padded on the right; ``targets`` (B, T-1), True where ids[:, 1:] is learnt."""

    ids: Tensor
    mask: Tensor
    targets: Tensor


def read_demonstrations(path: Path) -> list[Demonstration]:
    """The lines of inputs/demonstrations.jsonl. Raises BadInput naming the first line that is not one."""
    holds = "demonstrations, prompts each with an answer that a person wrote,"
    return list(read_lines(path, _demonstration, holds=holds))


def _demonstration(line: Fields) -> Demonstration:
    return Demonstration(
        line.id("id"),
        line.choice("form", FORMS),
        line.messages("prompt"),
        line.text("completion"),
        line.choice("split", SPLITS),
    )


def encode_demonstrations(
    tokenizer: Any,
    demonstrations: Sequence[Demonstration],
    *,
    max_prompt_tokens: int,
    max_completion_tokens: int,
) -> Examples:
    """EOS follows each completion, but not one that was cut: it would teach to end in mid-sentence."""
    prompts = encode_prompts(tokenizer, demonstrations, max_prompt_tokens)
    rows, cut = [], 0
    for demonstration, prompt in zip(demonstrations, prompts.ids, strict=True):
        completion = encode_completion(tokenizer, demonstration.completion)
        cut += len(completion) > max_completion_tokens
        rows.append(Example(demonstration.id, prompt + completion[:max_completion_tokens], len(prompt)))
    return Examples(rows, prompts.truncated, cut)


def plan_epoch(lengths: Sequence[int], batch_tokens: int, *, seed: int, epoch: int) -> list[list[int]]:
    """Batches of row numbers, each row once, a function of ``seed`` and ``epoch``.

    A batch holds rows of about one length, at most ``batch_tokens`` with padding (a longer row stands alone).
    """
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    order = torch.randperm(len(lengths), generator=generator).tolist()
    batches = []
    for first in range(0, len(order), ROWS_SORTED_TOGETHER):
        rows = sorted(order[first : first + ROWS_SORTED_TOGETHER], key=lambda row: lengths[row])
        batches += fill(rows, lambda row: lengths[row], batch_tokens)
    return [batches[index] for index in torch.randperm(len(batches), generator=generator).tolist()]


def fill(rows: Sequence[int], length: Callable[[int], int], budget: int) -> list[list[int]]:
    """Cut ``rows`` in their order into groups with (rows x longest) at most ``budget`` tokens."""
    groups: list[list[int]] = []
    longest = 0
    for row in rows:
        longest = max(longest, length(row))
        if groups and (len(groups[-1]) + 1) * longest <= budget:
            groups[-1].append(row)
        else:
            groups.append([row])
            longest = length(row)
    return groups


def collate(examples: Sequence[Example], pad_id: int, device: torch.device) -> Batch:
    """One batch of ``examples``; completions and their EOS are the only targets."""
    width = max(len(example.ids) for example in examples)
    ids = torch.tensor([example.ids + [pad_id] * (width - len(example.ids)) for example in examples])
    ends = torch.tensor([len(example.ids) for example in examples])[:, None]
    starts = torch.tensor([example.start for example in examples])[:, None]
    places = torch.arange(width)[None]
    targets = (places >= starts) & (places < ends)
    return Batch(ids.to(device), (places < ends).long().to(device), targets[:, 1:].to(device))
