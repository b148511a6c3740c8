"""Scores in units that mean the same for every version: mean 0 and deviation 1 on train completions (R9).

A Bradley-Terry score has no zero of its own, and Stiennon et al. (2009.01325) shift theirs so that reference
texts score 0; the deviation makes the KL coefficient of PPO comparable between versions.
"""

from collections.abc import Callable, Sequence

import torch

from rewardmodel.bradley_terry.encoding import Encoded
from rewardmodel.bradley_terry.scoring import Normalisation, RewardModel, score_encoded

# Below it all scores are one: a fit to ties alone. Dividing by it would blow rounding up.
LEAST_DEVIATION = 1e-4


def normalisation_on(
    model: RewardModel, encoded: Sequence[Encoded], *, between: Callable[[], None]
) -> Normalisation:
    """The mean and deviation of the network's scores of ``encoded``; deviation 1 where all scores are equal."""
    scores = torch.cat(score_encoded(model, encoded, between=between)).double()
    std = float(scores.std(correction=0))
    return Normalisation(float(scores.mean()), std if std >= LEAST_DEVIATION else 1.0)
