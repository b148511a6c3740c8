"""One rollout: completions of a batch of prompts, scored, with the log-probabilities and values of their tokens."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from lm.devices import autocast
from rltrainer.policy.generation import Generated, generate
from rltrainer.policy.loading import Policy
from rltrainer.policy.log_probabilities import completion_figures, completion_log_probabilities
from rltrainer.policy.prompts import Prompt, encode_with_room
from rltrainer.ppo.config import PpoConfig
from rltrainer.ppo.value import ValueNetwork

# (prompts, texts) of equal length -> their scores, (B,) in float32 on the CPU.
Score = Callable[[Sequence[Prompt], Sequence[str]], Tensor]


class Rollout(NamedTuple):
    """B completions, T columns of which the last R are completions; a prompt's samples lie side by side.

    ``sequences`` (B, T), ``attention_mask`` (B, T), ``mask`` (B, R) True up to and including EOS, ``finished`` (B,),
    ``scores`` (B,), ``log_probs``, ``reference``, ``entropy`` and ``values`` (B, R), 0 on pads.
    """

    sequences: Tensor
    attention_mask: Tensor
    mask: Tensor
    finished: Tensor
    scores: Tensor
    log_probs: Tensor
    reference: Tensor
    entropy: Tensor
    values: Tensor
    texts: list[str]

    @property
    def completion_start(self) -> int:
        """The first column of the completions."""
        return self.sequences.shape[1] - self.mask.shape[1]


@dataclass
class Seconds:
    """How long each part of a rollout took."""

    generation: float = 0.0
    scoring: float = 0.0
    forward: float = 0.0


def collect(
    policy: Policy,
    value: ValueNetwork | None,
    score: Score,
    prompts: Sequence[Prompt],
    config: PpoConfig,
    generator: torch.Generator,
    seconds: Seconds,
    clock: Callable[[], float] = time.monotonic,
) -> Rollout:
    """Sample ``config.samples`` completions of each prompt and measure them. The text up to EOS is what is scored."""
    begun = clock()
    ids = encode_with_room(policy, prompts, **config.limits).ids
    made = generate(policy.model, policy.tokenizer, ids, config.sampling, generator)
    generated = clock()
    asked = [prompt for prompt in prompts for _ in range(config.samples)]
    scores = score(asked, made.texts).float().to(made.sequences.device)
    scored = clock()
    rollout = measure(policy, value, made, scores, config)
    seconds.generation += generated - begun
    seconds.scoring += scored - generated
    seconds.forward += clock() - scored
    return rollout


@torch.no_grad()
def measure(
    policy: Policy, value: ValueNetwork | None, made: Generated, scores: Tensor, config: PpoConfig
) -> Rollout:
    """Log-probabilities of policy and reference, entropy and values, by the forward that training uses too (P10)."""
    start = made.sequences.shape[1] - made.completion_mask.shape[1]
    blank = torch.zeros(made.completion_mask.shape, device=made.sequences.device)
    log_probs, entropy, reference, values = (blank.clone() for _ in range(4))
    for part in micro_batches(made.attention_mask, start, range(len(scores)), config.micro_batch_tokens):
        ids, mask, first = part.cut(made.sequences), part.cut(made.attention_mask), part.start
        with autocast(policy.model.device):
            figures = completion_figures(policy.model, ids, mask, first, config.temperature)
            part.put(log_probs, figures.log_probabilities)
            part.put(entropy, figures.entropy)
            with policy.reference() as model:
                part.put(reference, completion_log_probabilities(model, ids, mask, first, config.temperature))
            if value is not None:
                part.put(values, value(ids, mask, first))
    real = made.completion_mask
    return Rollout(
        made.sequences, made.attention_mask, real, made.finished, scores,
        log_probs * real, reference * real, entropy * real, values * real, made.texts,
    )  # fmt: skip


@dataclass(frozen=True)
class Part:
    """Some rows of a rollout, without the columns that are padding in all of them.

    ``rows`` index the rollout, ``left`` and ``right`` its columns, ``offset`` is where its completions begin.
    """

    rows: list[int]
    left: int
    right: int
    offset: int

    @property
    def start(self) -> int:
        """The first column of the completions within the part."""
        return self.offset - self.left

    def cut(self, values: Tensor) -> Tensor:
        """The part of ``values`` (B, T)."""
        return values[self.rows, self.left : self.right]

    def cut_completions(self, values: Tensor) -> Tensor:
        """The part of ``values`` (B, R)."""
        return values[self.rows, : self.right - self.offset]

    def put(self, target: Tensor, values: Tensor) -> None:
        """Write ``values`` of the part into ``target`` (B, R)."""
        target[self.rows, : self.right - self.offset] = values.to(target.dtype)


def micro_batches(
    attention_mask: Tensor, completion_start: int, rows: Sequence[int], budget: int
) -> Iterator[Part]:
    """Cut ``rows`` into parts of at most ``budget`` tokens, padding counted, rows of like length together.

    A row that is longer than the budget is a part of its own.
    """
    real = attention_mask.bool()
    lefts = (completion_start - real[:, :completion_start].sum(dim=1)).tolist()
    rights = (completion_start + real[:, completion_start:].sum(dim=1)).tolist()
    part: list[int] = []
    left, right = completion_start, completion_start
    for row in sorted(rows, key=lambda row: (rights[row] - lefts[row], row)):
        wider = (min(left, lefts[row]), max(right, rights[row]))
        if part and (len(part) + 1) * (wider[1] - wider[0]) > budget:
            yield Part(part, left, right, completion_start)
            part, wider = [], (lefts[row], rights[row])
        part.append(row)
        left, right = wider
    if part:
        yield Part(part, left, right, completion_start)
