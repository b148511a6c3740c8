"""The value network: what a completion is expected to earn, seen before each of its tokens."""

import copy
from typing import Any

import torch
from rewardmodel.bradley_terry.scoring import RewardModel
from torch import Tensor, nn

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
        states = run_trunk(self.holder, input_ids, attention_mask, positions).states[:, completion_start - 1 : -1]
        values: Tensor = self.head(states.float()).squeeze(-1)
        return (values - self.mean) / self.std


def make_value_network(policy: Policy, reward_model: RewardModel | None) -> ValueNetwork:
    """From the reward model (Stiennon; InstructGPT) where it reads the policy's own tokens, else from the policy.

    A head on the policy's trunk starts at 0: it expects nothing until it has seen something.
    """
    device = policy.model.device
    if reward_model is not None and shares_tokens(policy, reward_model):
        network = copy.deepcopy(reward_model.network)
        scale = reward_model.normalisation
        value = ValueNetwork(network.trunk, network.head, scale.mean, scale.std)
    else:
        trunk = copy.deepcopy(policy.frozen if policy.frozen is not None else policy.model).base_model
        head = nn.Linear(trunk.config.hidden_size, 1)
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
        value = ValueNetwork(trunk, head)
    return value.float().requires_grad_(True).to(device)


def shares_tokens(policy: Policy, reward_model: RewardModel) -> bool:
    """Whether both read text as the same ids: only then can the reward model's trunk read a rollout."""
    return bool(policy.tokenizer.get_vocab() == reward_model.tokenizer.get_vocab())


def value_parameters(network: ValueNetwork) -> dict[str, torch.nn.Parameter]:
    """The network's parameters under names of their own in a checkpoint."""
    return {f"value.{name}": parameter for name, parameter in network.named_parameters()}
