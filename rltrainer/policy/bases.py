"""Bases as policies, and whether they can do what a policy must: tried on a few made-up tokens as they are loaded.

What would come out after hours of training, or never, comes out here, in words: a network that its own cache or the
rows beside it lead astray, one that sees the tokens after a token, weights that nothing reaches, an adapter that cannot
be put into the weights, settings that cannot be saved.
"""

import torch
from torch import Tensor

from lm.devices import autocast, choose_device
from lm.loading import is_causal
from lm.lora import LoraSettings
from lm.padding import left_pad
from lm.trial import check_reached, in_words, try_saving
from rltrainer.policy.forward import check_head
from rltrainer.policy.generation import evaluating, first_logits, next_logits
from rltrainer.policy.loading import Policy, load_policy
from rltrainer.policy.log_probabilities import completion_log_probabilities
from runs.folder.errors import BadInput

# Of the largest logit: rounding in float32 on the CPU, and in narrower numbers.
SAME, SAME_NARROW = 1e-3, 5e-2


def load_for_training(
    base: str,
    *,
    lora: LoraSettings | None,
    device: torch.device,
    seed: int,
    date: str,
    reference: bool = True,
    gradient_checkpointing: bool = False,
) -> Policy:
    """A policy that learns; with LoRA on CUDA its frozen weights are bfloat16. Raises BadInput as ``load_policy``."""
    policy = load_policy(
        base,
        lora=lora,
        device=device,
        dtype=torch.bfloat16 if lora is not None and device.type == "cuda" else torch.float32,
        seed=seed,
        reference=reference,
        gradient_checkpointing=gradient_checkpointing,
        date=date,
    )
    try_policy(policy, trained=True)
    return policy


def load_for_inference(base: str, device_name: str, *, date: str) -> Policy:
    """A policy that is only sampled and scored: no reference, and bfloat16 on CUDA. Raises BadInput."""
    device = choose_device(device_name)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    policy = load_policy(base, lora=None, device=device, dtype=dtype, reference=False, date=date)
    try_policy(policy, trained=False)
    return policy


def try_policy(policy: Policy, *, trained: bool) -> None:
    """Raises BadInput where the policy cannot be sampled and measured, or ``trained`` and saved."""
    name = type(policy.model).__name__
    with in_words(f"{name} cannot be a policy"):
        if not is_causal(policy.model.base_model):
            raise BadInput("it reads the words after a word too. It can be the base of a reward model")
        check_head(policy.model)
    with in_words(f"{name} cannot be sampled"):
        _try_sampling(policy)
    if trained:
        with in_words(f"{name} cannot be trained"):
            _try_learning(policy)
        with in_words(f"{name} cannot be saved"):
            try_saving(policy.model, policy.tokenizer, lora=policy.lora is not None)


@torch.no_grad()
def _try_sampling(policy: Policy) -> None:
    """Two prompts of different lengths, two samples of each; after their first tokens one of each leaves."""
    model, (short, long) = policy.model, _prompts(policy)
    prompts, mask = left_pad([long, short], policy.tokenizer.pad_token_id, model.device)
    mask = torch.cat([mask, mask.new_ones(2, 2)], dim=1)[[0, 0, 1, 1]]
    width = prompts.shape[1]
    with evaluating(model), autocast(model.device):
        logits, cache = first_logits(model, prompts, mask[::2, :width], 2)
        chosen = torch.tensor([long[1], short[0], long[2], long[0]], device=model.device)
        next_logits(model, chosen, mask[:, : width + 1], cache)
        stay = torch.tensor([1, 3], device=model.device)
        cache.reorder_cache(stay)
        last = next_logits(model, chosen[stay], mask[stay], cache)
    texts = [prompt + [int(token)] * 2 for prompt, token in zip((long, short), chosen[stay], strict=True)]
    _same(policy, torch.cat([logits[[0, 2]], last]), [long, short, *texts])


def _same(policy: Policy, logits: Tensor, texts: list[list[int]]) -> None:
    """``logits`` (N, V) are those after each of ``texts`` read alone, and from its beginning."""
    model = policy.model
    with autocast(model.device):
        alone = [model(input_ids=torch.tensor([text], device=model.device)).logits[0, -1] for text in texts]
    expected = torch.stack(alone).float()
    narrow = model.dtype not in (torch.float32, torch.float64) or model.device.type != "cpu"
    limit = (SAME_NARROW if narrow else SAME) * float(expected.abs().max())
    if not float((logits.float() - expected).abs().max()) <= limit:  # a NaN is no smaller
        raise BadInput(
            "what it says after a text depends on the texts beside it, or on whether it read the text at once. "
            "Use another base"
        )


def _try_learning(policy: Policy) -> None:
    """One backward pass."""
    model, (short, long) = policy.model, _prompts(policy)
    ids, mask = left_pad([long, short], policy.tokenizer.pad_token_id, model.device)
    with autocast(model.device):
        logs = completion_log_probabilities(model, ids, mask, ids.shape[1] - 2, 1.0)
    torch.autograd.backward(logs.sum())
    check_reached(policy.trainable().values())


def _prompts(policy: Policy) -> tuple[list[int], list[int]]:
    """A short one and a long one, of ordinary tokens."""
    special = set(policy.tokenizer.all_special_ids)
    ordinary = [token for token in range(min(64, len(policy.tokenizer))) if token not in special]
    return ordinary[3:6], (ordinary * 3)[:7]
