"""The value network: what a completion is expected to earn, seen before each of its tokens."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from lm.adapter import without_adapter
from lm.devices import precise
from lm.loading import context_length, width
from rewardmodel.bradley_terry.scoring import RewardModel
from rltrainer.policy.forward import positions_from_mask, run_trunk
from rltrainer.policy.loading import Policy


class _Trunk(nn.Module):
    """Lets ``run_trunk`` take a bare trunk as it takes a causal model."""

    def __init__(self, trunk: Any) -> None:
        super().__init__()
        self.base_model = trunk


class ValueNetwork(nn.Module):
    """A trunk with a scalar head, in units of the normalised reward.

    The head computes ((h w + b) - mean) / std: from a reward model, its first values are that model's scores of
    the text so far.
    """

    def __init__(self, trunk: Any, head: nn.Linear, mean: float = 0.0, std: float = 1.0) -> None:
        super().__init__()
        self.holder = _Trunk(trunk)
        self.head = head
        self.mean, self.std = mean, std

    def forward(self, input_ids: Tensor, attention_mask: Tensor, completion_start: int) -> Tensor:
        """Values (B, R) of the states before the tokens from column ``completion_start`` on.

        ``input_ids`` and ``attention_mask`` (B, T), prompts padded on the left; R = T - completion_start.
        """
        positions = positions_from_mask(attention_mask)
        # What is known before a token stands at the token before it, so all is one column to the left.
        states = run_trunk(self.holder, input_ids, attention_mask, positions).states[
            :, completion_start - 1 : -1
        ]
        # bfloat16 has 8 bits: between 1 and 2 it tells values apart by 1/128, and advantages are differences of them.
        with torch.autocast(states.device.type, enabled=False):
            values: Tensor = self.head(states.to(self.head.weight.dtype)).squeeze(-1)
        return (values - self.mean) / self.std


def make_value_network(policy: Policy, reward_model: RewardModel | None, tokens: int) -> ValueNetwork:
    """From the reward model (Stiennon; InstructGPT) where it can read the policy's own tokens, else from the policy.

    ``tokens`` is the most that a prompt and its completion have. A head on the policy's trunk starts at 0: it
    expects nothing until it has seen something.
    """
    if reward_model is not None and reads_rollouts(policy, reward_model, tokens):
        network = copy.deepcopy(reward_model.network)
        scale = reward_model.normalisation
        value = ValueNetwork(network.trunk, network.head, scale.mean, scale.std)
    else:
        trunk = without_adapter(copy.deepcopy(policy.model.base_model))
        head = nn.Linear(width(trunk), 1, device="meta").to_empty(device="cpu")  # draws nothing at random
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
        value = ValueNetwork(trunk, head)
    return value.to(precise(policy.model.dtype)).requires_grad_(True).to(policy.model.device)


def reads_rollouts(policy: Policy, reward_model: RewardModel, tokens: int) -> bool:
    """Whether the reward model's trunk reads the policy's ids as the same text, and as many as ``tokens`` of them.

    An encoder never does: what it says before a token would know the tokens after it.
    """
    if reward_model.network.classifier is not None:
        return False
    same = policy.tokenizer.get_vocab() == reward_model.tokenizer.get_vocab()
    return bool(same) and context_length(reward_model.network.trunk) >= tokens
