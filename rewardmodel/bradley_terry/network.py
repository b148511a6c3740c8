"""The reward network: a trunk and a scalar head.

The head of a causal trunk reads its state at the end of a completion. An encoder is read as transformers' own
classifier of its architecture reads it, at the first token through layers of its own: so it was made to be read, and so
it can go out. That classifier is whole within the network then, and trunk and head are its first and its last part.
"""

from typing import Any

import torch
from torch import Tensor, nn

from lm.loading import width
from rewardmodel.bradley_terry.encoding import Limits
from rewardmodel.bradley_terry.packing import Batch, last_states, packing_is_exact
from runs.folder.errors import BadInput


class RewardNetwork(nn.Module):
    """Scores in the network's own units: only their differences mean something until they are normalised."""

    def __init__(self, trunk: Any, head: nn.Linear, classifier: Any = None) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = head
        self.classifier = classifier

    @classmethod
    def around(cls, classifier: Any) -> "RewardNetwork":
        """The network that is transformers' ``classifier`` of one label. Raises BadInput where it has no last layer."""
        trunk = classifier.base_model
        within = set(trunk.modules())
        heads = [
            layer
            for layer in classifier.modules()
            if isinstance(layer, nn.Linear) and layer.out_features == 1 and layer not in within
        ]
        if len(heads) != 1 or heads[0].bias is None:
            raise BadInput(
                f"the head of {type(classifier).__name__} is not one layer of one label with a bias"
            )
        return cls(trunk, heads[0], classifier)

    def shares(self, limits: Limits, *, pad_id: int) -> bool:
        """Whether completions of a prompt may share its encoding: never where a token sees those after it."""
        return self.classifier is None and packing_is_exact(self.trunk, limits, pad_id=pad_id)

    def forward(self, batch: Batch) -> Tensor:
        """The score of each completion, (N,) in the head's precision, float32 or more, under autocast too (R7)."""
        if self.classifier is not None:
            # In float32 throughout: an encoder is small, and its head is not to be had apart from it.
            with torch.autocast(batch.ids.device.type, enabled=False):
                logits: Tensor = self.classifier(input_ids=batch.ids, attention_mask=batch.mask).logits
            return logits[:, 0]
        states = last_states(self.trunk, batch)
        with torch.autocast(states.device.type, enabled=False):
            scores: Tensor = self.head(states.to(self.head.weight.dtype)).squeeze(-1)
        return scores


def make_head(trunk: Any, *, seed: int) -> nn.Linear:
    """A head with weights from N(0, 1/(d+1)) and bias 0, in float32.

    Stiennon et al. (2009.01325) as found in their code by Huang et al. (summarize_from_feedback_details).
    """
    # From the meta device, so that the layer's own first weights draw nothing from the global generator
    head = nn.Linear(width(trunk), 1, device="meta", dtype=torch.float32).to_empty(device="cpu")
    begin(head, seed=seed)
    return head


@torch.no_grad()
def begin(head: nn.Linear, *, seed: int) -> None:
    """Give ``head`` the first weights of ``make_head``."""
    generator = torch.Generator().manual_seed(seed)
    head.weight.copy_(torch.randn(head.weight.shape, generator=generator) / (head.in_features + 1) ** 0.5)
    head.bias.zero_()
