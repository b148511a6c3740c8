"""Rows of token ids to one batch, padded on the left so that all prompts end in the same column."""

from collections.abc import Sequence

import torch
from torch import Tensor


def left_pad(
    rows: Sequence[Sequence[int]], pad_id: int, device: torch.device | None = None
) -> tuple[Tensor, Tensor]:
    """``input_ids`` and ``attention_mask`` (B, longest), int64, the rows' ends flush right."""
    width = max(map(len, rows))
    ids = [[pad_id] * (width - len(row)) + list(row) for row in rows]
    mask = [[0] * (width - len(row)) + [1] * len(row) for row in rows]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)
