"""The reward network: a trunk and a scalar head that reads its state at the end of a completion."""

from typing import Any

import torch
from torch import Tensor, nn

from lm.loading import width
from rewardmodel.bradley_terry.packing import Batch, last_states


class RewardNetwork(nn.Module):
    """Scores in the network's own units: only their differences mean something until they are normalised."""

    def __init__(self, trunk: Any, head: nn.Linear) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = head

    def forward(self, batch: Batch) -> Tensor:
        """The score of each completion, (N,) in the head's precision, float32 or more, under autocast too (R7)."""
        states = last_states(self.trunk, batch)
        with torch.autocast(states.device.type, enabled=False):
            scores: Tensor = self.head(states.to(self.head.weight.dtype)).squeeze(-1)
        return scores


def make_head(trunk: Any, *, seed: int) -> nn.Linear:
    """A head with weights from N(0, 1/(d+1)) and bias 0, in float32.

    Stiennon et al. (2009.01325) as found in their code by Huang et al. (summarize_from_feedback_details).
    """
    size = width(trunk)
    # From the meta device, so that the layer's own first weights draw nothing from the global generator
    head = nn.Linear(size, 1, device="meta", dtype=torch.float32).to_empty(device="cpu")
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        head.weight.copy_(torch.randn((1, size), generator=generator) / (size + 1) ** 0.5)
        head.bias.zero_()
    return head
