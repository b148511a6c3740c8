"""One rollout: completions of a batch of prompts, scored, with the log-probabilities and values of their tokens."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lm.devices import CPU, autocast, precise
from lm.ranks import ALONE, Ranks
from rltrainer.policy.generation import Generated, generate
from rltrainer.policy.loading import Policy
from rltrainer.policy.log_probabilities import completion_figures, completion_log_probabilities
from rltrainer.policy.prompts import Prompt, encode_with_room
from rltrainer.ppo.config import ResolvedPpo
from rltrainer.ppo.value import ValueNetwork


class Earned(NamedTuple):
    """``scores`` (B,) of texts after prompts, and of which either was ``cut`` (B,): too long to be read whole."""

    scores: Tensor
    cut: Tensor


# (prompts, texts) of equal length, and what is called before each forward pass -> what they earn, on the CPU.
RewardFunction = Callable[[Sequence[Prompt], Sequence[str], Callable[[], None]], Earned]


class Rollout(NamedTuple):
    """B completions, T columns of which the last R are completions; a prompt's samples lie side by side.

    ``sequences`` (B, T), ``attention_mask`` (B, T), ``mask`` (B, R) True up to and including EOS, ``finished`` (B,),
    ``scores`` (B,) and ``cut`` (B,) as Earned, ``log_probs``, ``reference``, ``entropy`` and ``values`` (B, R), 0 on
    pads.
    """

    sequences: Tensor
    attention_mask: Tensor
    mask: Tensor
    finished: Tensor
    scores: Tensor
    cut: Tensor
    log_probs: Tensor
    reference: Tensor
    entropy: Tensor
    values: Tensor
    texts: list[str]

    @property
    def completion_start(self) -> int:
        """The first column of the completions."""
        return self.sequences.shape[1] - self.mask.shape[1]

    def widened(self, start: int, width: int, pad_id: int) -> "Rollout":
        """With prompts of ``start`` columns and completions of ``width``, padded like the others."""
        left, right = start - self.completion_start, width - self.mask.shape[1]

        def pad(values: Tensor, left: int, right: int, filler: float) -> Tensor:
            return torch.nn.functional.pad(values, (left, right), value=filler)

        return self._replace(
            sequences=pad(self.sequences, left, right, pad_id),
            attention_mask=pad(self.attention_mask, left, right, 0),
            mask=pad(self.mask, 0, right, 0),
            log_probs=pad(self.log_probs, 0, right, 0),
            reference=pad(self.reference, 0, right, 0),
            entropy=pad(self.entropy, 0, right, 0),
            values=pad(self.values, 0, right, 0),
        )

    def tensors(self) -> dict[str, Tensor]:
        """All columns but ``texts``."""
        return {name: value for name, value in self._asdict().items() if isinstance(value, Tensor)}

    def to(self, device: torch.device) -> "Rollout":
        """The same on ``device``."""
        moved: dict[str, Any] = {name: value.to(device) for name, value in self.tensors().items()}
        return self._replace(**moved)


@dataclass
class Seconds:
    """How long each part of a rollout took."""

    generation: float = 0.0
    scoring: float = 0.0
    forward: float = 0.0


def collect(
    policy: Policy,
    value: ValueNetwork | None,
    reward_of: RewardFunction,
    prompts: Sequence[Prompt],
    config: ResolvedPpo,
    generator: torch.Generator,
    seconds: Seconds,
    clock: Callable[[], float] = time.monotonic,
    *,
    between: Callable[[], None] = lambda: None,
    ranks: Ranks = ALONE,
) -> Rollout:
    """Sample ``config.samples`` completions of each prompt and measure them. The text up to EOS is what is scored.

    Of several processes each works on its share of the prompts, and all have the whole rollout in the end. ``between``
    is called before each forward pass.
    """
    begun = clock()
    ids = encode_with_room(policy, prompts, **config.limits).ids
    generated = generate(
        policy.model, policy.tokenizer, ids, config.sampling, generator, between=between, ranks=ranks
    )
    generated_at = clock()
    prompt_of_each = [prompt for prompt in ranks.share(prompts) for _ in range(config.samples)]
    earned = reward_of(prompt_of_each, generated.texts, between)
    scored_at = clock()
    rollout = rollout_of(policy, value, generated, earned, config, between)
    if ranks.count > 1:
        rollout = join(ranks.gather(rollout.to(CPU)), config.samples, policy.tokenizer.pad_token_id).to(
            generated.sequences.device
        )
    seconds.generation += generated_at - begun
    seconds.scoring += scored_at - generated_at
    seconds.forward += clock() - scored_at
    return rollout


@torch.no_grad()
def rollout_of(
    policy: Policy,
    value: ValueNetwork | None,
    generated: Generated,
    earned: Earned,
    config: ResolvedPpo,
    between: Callable[[], None] = lambda: None,
) -> Rollout:
    """Log-probabilities of policy and reference, entropy and values, by the forward that training uses too (P10)."""
    start = generated.sequences.shape[1] - generated.completion_mask.shape[1]
    blank = torch.zeros_like(generated.completion_mask, dtype=precise(policy.model.dtype))
    log_probs, entropy, reference, values = (blank.clone() for _ in range(4))
    rows, device = generated.attention_mask, generated.sequences.device
    for part in micro_batches(rows, start, range(len(generated.texts)), config.micro_batch_tokens):
        ids, mask, first = part.cut(generated.sequences), part.cut(generated.attention_mask), part.start
        between()
        with autocast(policy.model.device):
            figures = completion_figures(policy.model, ids, mask, first, config.temperature)
            part.put(log_probs, figures.log_probabilities)
            part.put(entropy, figures.entropy)
            between()
            with policy.reference() as model:
                part.put(reference, completion_log_probabilities(model, ids, mask, first, config.temperature))
            if value is not None:
                between()
                part.put(values, value(ids, mask, first))
    # A part is as wide as its longest row: what was written behind the end of the others is of pads.
    real = generated.completion_mask
    return Rollout(
        generated.sequences, rows, real, generated.finished, earned.scores.to(device), earned.cut.to(device),
        log_probs * real, reference * real, entropy * real, values * real, generated.texts,
    )  # fmt: skip


def join(shares: Sequence[Rollout], samples: int, pad_id: int) -> Rollout:
    """One rollout of what several processes collected: prompt p of the whole is in share p modulo their number."""
    start = max(share.completion_start for share in shares)
    width = max(share.mask.shape[1] for share in shares)
    wide = [share.widened(start, width, pad_id) for share in shares]
    # Where each row of the shares, laid end to end, stands in the whole
    places = [
        (prompt * len(shares) + number) * samples + sample
        for number, share in enumerate(wide)
        for prompt in range(len(share.texts) // samples)
        for sample in range(samples)
    ]
    order = torch.tensor(places).argsort()
    texts = [text for share in wide for text in share.texts]
    columns = {
        name: torch.cat([share.tensors()[name] for share in wide])[order] for name in wide[0].tensors()
    }
    return wide[0]._replace(texts=[texts[row] for row in order.tolist()], **columns)


@dataclass(frozen=True)
class MicroBatch:
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
) -> Iterator[MicroBatch]:
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
            yield MicroBatch(part, left, right, completion_start)
            part, wider = [], (lefts[row], rights[row])
        part.append(row)
        left, right = wider
    if part:
        yield MicroBatch(part, left, right, completion_start)
