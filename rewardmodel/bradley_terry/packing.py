"""Rows as tensors, with the block mask under which the completions of a row cannot see each other.

A trunk may misread such a mask without saying so (ALiBi, hard-wired masks), so ``packing_is_exact`` compares
a packed row with one encoding a completion before anything is trained.
"""

import inspect
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lm.devices import autocast
from lm.loading import is_causal
from rewardmodel.bradley_terry.encoding import Limits, Row


class Batch(NamedTuple):
    """N completions in B rows of at most T tokens.

    ids        (B, T) int64, padded on the right
    mask       (B, 1, T, T) float, added to attention scores: 0 where the query (dim 2) sees the key (dim 3);
               or (B, T) int64 where each row holds one completion: 1 on real tokens
    positions  (B, T) int64, restarted after the prompt for each completion
    rows       (N,) int64, the row of each completion's last token
    columns    (N,) int64, its column
    """

    ids: Tensor
    mask: Tensor
    positions: Tensor
    rows: Tensor
    columns: Tensor


def collate(rows: Sequence[Row], *, share: bool, pad_id: int, device: torch.device) -> Batch:
    """``rows`` as one batch; their completions are numbered row by row."""
    length = max(row.length for row in rows)
    ids = torch.full((len(rows), length), pad_id)
    # Which completion a token belongs to: 0 the prompt, 1, 2, ... the completions, -1 padding
    blocks = torch.full((len(rows), length), -1)
    positions = torch.zeros((len(rows), length), dtype=torch.long)
    ends: list[tuple[int, int]] = []
    for index, row in enumerate(rows):
        at = 0
        for block, tokens in enumerate([row.prompt, *row.completions]):
            span = slice(at, at + len(tokens))
            first = 0 if block == 0 else len(row.prompt)
            ids[index, span] = torch.tensor(tokens)
            blocks[index, span] = block
            positions[index, span] = torch.arange(first, first + len(tokens))
            at += len(tokens)
            if block:
                ends.append((index, at - 1))
    mask = block_mask(blocks) if share else (blocks >= 0).long()
    where = torch.tensor(ends) if share else last_real(mask)
    return Batch(*(tensor.to(device) for tensor in (ids, mask, positions, where[:, 0], where[:, 1])))


def block_mask(blocks: Tensor) -> Tensor:
    """The additive mask (B, 1, T, T) in float32 of ``blocks`` (B, T): 0 seen, the least float unseen.

    A token sees the prompt (block 0) and its own block, both up to itself. Padding (-1) sees itself, so that
    no row of the softmax is empty. Not boolean: under eager attention a boolean mask is added as 0 and 1.
    """
    length = blocks.shape[1]
    same_block = blocks[:, :, None] == blocks[:, None, :]
    prompt = (blocks == 0)[:, None, :]
    before = torch.ones(length, length, dtype=torch.bool).tril()
    seen = (same_block | prompt) & before
    unseen = torch.finfo(torch.float32).min
    return torch.zeros(seen.shape).masked_fill_(~seen, unseen)[:, None]


def last_real(attention_mask: Tensor) -> Tensor:
    """(row, column) of the last real token of each row, (B, 2), from ``attention_mask`` (B, T), 1 on real tokens.

    From the mask and not from the pad token's id: where pad is EOS, looking for ids cannot see whether an
    answer ended (R1). Padding may be on either side.
    """
    columns = torch.arange(attention_mask.shape[1], device=attention_mask.device)
    last = (attention_mask.bool() * columns).amax(dim=1)
    return torch.stack([torch.arange(len(last), device=last.device), last], dim=1)


def last_states(trunk: Any, batch: Batch) -> Tensor:
    """The trunk's hidden state at the end of each completion, (N, d)."""
    mask = batch.mask.to(trunk.dtype) if batch.mask.dim() == 4 else batch.mask
    arguments = {"input_ids": batch.ids, "attention_mask": mask, "use_cache": False}
    # A row of one completion is placed as the trunk itself would: RoBERTa counts from 2, BLOOM and MPT by the mask.
    if batch.mask.dim() == 4:
        arguments["position_ids"] = batch.positions
    states: Tensor = trunk(**arguments).last_hidden_state
    return states[batch.rows, batch.columns]


def takes_positions(trunk: Any) -> bool:
    return "position_ids" in inspect.signature(type(trunk).forward).parameters


@torch.no_grad()
def packing_is_exact(trunk: Any, limits: Limits, *, pad_id: int) -> bool:
    """Whether a packed row gives the same states as one encoding a completion, on made-up tokens."""
    if not takes_positions(trunk) or _window(trunk) < limits.prompt + limits.completion:
        return False
    rows = _probe(int(trunk.get_input_embeddings().weight.shape[0]))
    alone = [Row(row.prompt, [ids]) for row in rows for ids in row.completions]
    try:
        if not is_causal(trunk):  # a block mask shows an encoder too little
            return False
        packed, expected = (
            _probe_states(trunk, layout, share=share, pad_id=pad_id)
            for layout, share in ((rows, True), (alone, False))
        )
    except (RuntimeError, ValueError, TypeError, IndexError):  # the trunk does not take such a mask
        return False
    # float32 differs by rounding alone; in bfloat16 (8 bits) rounding is about 1/256 a layer
    tolerance = 1e-4 if expected.dtype == torch.float32 and trunk.device.type == "cpu" else 5e-2
    return bool((packed - expected).abs().max() <= tolerance * expected.abs().max())


def _probe_states(trunk: Any, rows: Sequence[Row], *, share: bool, pad_id: int) -> Tensor:
    with autocast(trunk.device):
        return last_states(trunk, collate(rows, share=share, pad_id=pad_id, device=trunk.device))


def _probe(vocabulary: int) -> list[Row]:
    """Two rows of different lengths, so that padding, neighbours and restarted positions all matter."""

    def ids(start: int, count: int) -> list[int]:
        return [(start + 7 * place) % vocabulary for place in range(count)]

    return [Row(ids(5, 9), [ids(11, 4), ids(3, 1), ids(23, 6)]), Row(ids(17, 4), [ids(2, 5), ids(13, 3)])]


def _window(trunk: Any) -> float:
    """The sliding window of a trunk that has one: a shared row would be looked at through no window."""
    window = getattr(trunk.config.get_text_config(), "sliding_window", None)
    in_use = getattr(trunk.config.get_text_config(), "use_sliding_window", True)
    return float(window) if window and in_use else float("inf")
