"""One forward pass of a causal policy, cut in two: the trunk, then the head where it is wanted.

Logits of a whole batch, (B, T, V), are the largest tensor of RL training and are hardly ever
needed. So the trunk gives hidden states, and the head is applied to the few that are looked at.
"""

import inspect
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lm.devices import precise
from runs.folder.errors import BadInput


class TrunkOutput(NamedTuple):
    """``states`` (B, T, d) before the head, and ``cache``, keys and values, or None."""

    states: Tensor
    cache: Any


def positions_from_mask(attention_mask: Tensor) -> Tensor:
    """Position of each token counted from its row's first real one, (B, T); 0 on left padding."""
    return (attention_mask.long().cumsum(dim=-1) - 1).clamp(min=0)


def run_trunk(
    model: Any,
    input_ids: Tensor,
    attention_mask: Tensor,
    positions: Tensor,
    *,
    cache: Any = None,
    keep: bool = False,
) -> TrunkOutput:
    """Hidden states of ``input_ids`` (B, T) after ``cache``; ``keep`` asks for a cache to go on from.

    ``attention_mask`` (B, cached + T) is 1 on real tokens, ``positions`` (B, T) as ``positions_from_mask``.
    """
    trunk = model.base_model
    arguments = {"input_ids": input_ids, "attention_mask": attention_mask, "use_cache": keep}
    if _takes_positions(type(trunk)):  # BLOOM and MPT place tokens by the mask alone
        arguments["position_ids"] = positions
    if cache is not None:
        arguments["past_key_values"] = cache
    output = trunk(**arguments)
    kept = getattr(output, "past_key_values", None) if keep else None
    if keep and kept is None:
        raise BadInput("it keeps no cache of the kind that is gone on from here. Use another base")
    return TrunkOutput(output.last_hidden_state, kept)


def head_logits(model: Any, states: Tensor) -> Tensor:
    """Logits (..., V), in float32 at least, of hidden states (..., d), scaled and capped as the architecture does.

    Cohere multiplies by ``logit_scale``, Granite divides by ``logits_scaling``, Gemma caps softly.
    """
    logits: Tensor = model.get_output_embeddings()(states)
    logits = logits.to(precise(logits.dtype))
    config = model.config.get_text_config()
    logits = logits * float(getattr(config, "logit_scale", None) or 1.0)
    logits = logits / float(getattr(config, "logits_scaling", None) or 1.0)
    cap = getattr(config, "final_logit_softcapping", None)
    return torch.tanh(logits / cap) * cap if cap else logits


@torch.no_grad()
def check_head(model: Any) -> None:
    """Compare the two halves with the architecture's own forward on a few tokens.

    Raises BadInput where they differ: its head does something that ``head_logits`` does not know.
    """
    count = min(8, model.config.get_text_config().vocab_size)
    ids = torch.arange(count, device=model.device)[None]
    mask = torch.ones_like(ids)
    expected = model(input_ids=ids, attention_mask=mask).logits.float()
    ours = head_logits(model, run_trunk(model, ids, mask, positions_from_mask(mask)).states)
    if expected.shape != ours.shape or not torch.allclose(
        expected, ours, rtol=1e-3, atol=1e-3 * float(expected.abs().max())
    ):
        raise BadInput(
            f"{type(model).__name__} computes its logits in a way Concord does not know: use another base"
        )


def _takes_positions(trunk: type) -> bool:
    return "position_ids" in inspect.signature(trunk.forward).parameters  # type: ignore[attr-defined]
