"""What learns: the policy, the value network, and an optimizer each."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn import Parameter

from lm.optimizer import make_adamw, set_rates
from rltrainer.policy.loading import Policy
from rltrainer.ppo.config import ResolvedPpo
from rltrainer.ppo.value import ValueNetwork

BETAS = (0.9, 0.999)  # Adam's own (Kingma and Ba 1412.6980)


@dataclass
class Learner:
    """REINFORCE has no ``value``."""

    policy: Policy
    value: ValueNetwork | None
    config: ResolvedPpo
    policy_parameters: dict[str, Parameter] = field(init=False)
    value_parameters: dict[str, Parameter] = field(init=False)
    policy_optimizer: torch.optim.AdamW = field(init=False)
    value_optimizer: torch.optim.AdamW | None = field(init=False)

    def __post_init__(self) -> None:
        named = self.value.named_parameters() if self.value is not None else ()
        self.policy_parameters = {f"policy.{name}": value for name, value in self.policy.trainable().items()}
        self.value_parameters = {f"value.{name}": value for name, value in named if value.requires_grad}
        settings: dict[str, Any] = {"weight_decay": 0.0, "betas": BETAS, "eps": self.config.adam_eps}
        self.policy_optimizer = make_adamw(self.policy_parameters, **settings)
        self.value_optimizer = make_adamw(self.value_parameters, **settings) if self.value else None

    @property
    def steps(self) -> int:
        """Rollouts of the whole run."""
        return self.config.steps

    def set_rates(self, step: int) -> float:
        """Learning rates of ``step``, from 0, linear to 0 at the last; the policy's is returned."""
        left = 1 - step / self.steps
        rate = self.config.learning_rate * left
        set_rates(self.policy_optimizer, rate)
        if self.value_optimizer is not None:
            set_rates(self.value_optimizer, self.config.value_learning_rate * left)
        return rate
