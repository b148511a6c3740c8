"""A fitted reward model: text in, normalised scores out, read with its own tokenizer and template."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lm.devices import autocast
from lm.rendering import Messages
from rewardmodel.bradley_terry.batches import by_length
from rewardmodel.bradley_terry.config import Ties
from rewardmodel.bradley_terry.encoding import Encoded, Limits, Row, encode, rows_of
from rewardmodel.bradley_terry.network import RewardNetwork
from rewardmodel.bradley_terry.objective import win_probability
from rewardmodel.bradley_terry.packing import collate
from rewardmodel.bradley_terry.records import prompt_key


def _go_on() -> None:
    """Nothing to do between forward passes."""


@dataclass(frozen=True)
class Normalisation:
    """A score is (the network's output - ``mean``) / ``std``: 0 and 1 on reference completions (R9)."""

    mean: float = 0.0
    std: float = 1.0


class Scored(NamedTuple):
    """``scores`` (n,) in float32 on the CPU; of which the prompt or the completion was too long to be read whole."""

    scores: Tensor
    prompts_cut: list[bool]
    completions_cut: list[bool]

    @property
    def truncated(self) -> list[bool]:
        """Of which either was."""
        return [any(cut) for cut in zip(self.prompts_cut, self.completions_cut, strict=True)]


@dataclass
class RewardModel:
    """``share``: completions of a prompt may share its encoding. ``meta`` is its meta.json, or {} while fitting."""

    network: RewardNetwork
    tokenizer: Any
    limits: Limits
    share: bool
    ties: Ties
    tie_parameter: float
    normalisation: Normalisation
    meta: dict[str, Any]
    micro_batch_tokens: int = 4096

    @property
    def device(self) -> torch.device:
        return self.network.head.weight.device

    def score_completions(self, form: str, messages: Messages, completions: Sequence[str]) -> Tensor:
        """The normalised scores of ``completions`` of one prompt, (n,) in float32 on the CPU."""
        return self.score_many([(form, messages, text) for text in completions])

    def score_many(
        self, items: Sequence[tuple[str, Messages, str]], *, between: Callable[[], None] = _go_on
    ) -> Tensor:
        """The scores of ``score_flagged``, (n,) in float32 on the CPU."""
        return self.score_flagged(items, between=between).scores

    def score_flagged(
        self, items: Sequence[tuple[str, Messages, str]], *, between: Callable[[], None] = _go_on
    ) -> Scored:
        """The normalised score of each (form, messages, completion), and which of the two were truncated for it.

        Completions of the same prompt are encoded together wherever they stand, and equal ones once, so that they
        have one score; what that is does not depend on its neighbours beyond rounding. ``between`` is called before
        each forward pass.
        """
        by_prompt: dict[str, dict[str, list[int]]] = {}
        for place, (form, messages, text) in enumerate(items):
            by_prompt.setdefault(prompt_key(form, messages), {}).setdefault(text, []).append(place)
        encoded = [
            encode(self.tokenizer, self.limits, *items[next(iter(by_text.values()))[0]][:2], list(by_text))
            for by_text in by_prompt.values()
        ]
        raw = score_encoded(self, encoded, between=between)
        scores = torch.empty(len(items))
        prompts_cut, completions_cut = [False] * len(items), [False] * len(items)
        for by_text, texts, values in zip(by_prompt.values(), encoded, raw, strict=True):
            normalised = (values - self.normalisation.mean) / self.normalisation.std
            for places, score, cut in zip(by_text.values(), normalised, texts.completions_cut, strict=True):
                for place in places:
                    scores[place] = score
                    prompts_cut[place], completions_cut[place] = texts.prompt_cut, cut
        return Scored(scores, prompts_cut, completions_cut)

    def probability(self, difference: Tensor) -> Tensor:
        """P(the first is preferred | no tie) of differences of normalised scores, (P,) to (P,)."""
        raw = difference * self.normalisation.std
        return win_probability(raw, self.ties, torch.tensor(self.tie_parameter, dtype=raw.dtype))


@torch.no_grad()
def score_encoded(
    model: RewardModel, encoded: Sequence[Encoded], *, between: Callable[[], None] = _go_on
) -> list[Tensor]:
    """The network's own scores of the completions of each prompt, (K,) each in float32 on the CPU."""
    numbers = count()
    limit = model.limits.row
    rows = [
        (next(numbers), row) for texts in encoded for row in rows_of(texts, share=model.share, limit=limit)
    ]
    scores: dict[int, Tensor] = {}
    for part in by_length(rows, _only_row, model.micro_batch_tokens):
        between()
        batch = collate(
            [row for _, row in part],
            share=model.share,
            pad_id=model.tokenizer.pad_token_id,
            device=model.device,
        )
        with autocast(model.device):
            values = model.network(batch).cpu()
        for (number, _), scores_of_row in zip(
            part, torch.split(values, [len(row.completions) for _, row in part]), strict=True
        ):
            scores[number] = scores_of_row
    flat = torch.cat([scores[number] for number in range(len(rows))]) if rows else torch.empty(0)
    return list(torch.split(flat, [len(texts.completions) for texts in encoded]))


def _only_row(numbered: tuple[int, Row]) -> list[Row]:
    return [numbered[1]]
