"""Versions whose difference is planted: what the rule says of them, drawn anew many times."""

import pytest
import torch

from lm.bootstrap import mean_by_prompt
from rewardmodel.proposals import LEAST_PROMPTS, Proposal, proposal_of

TIMES = 400
PAIRS = 6  # of one prompt: four completions in order


def proposals(prompts: int, *, old: float, new: float, seed: int) -> list[Proposal]:
    """What is said, each time, of a version that orders a share ``new`` of pairs rightly; the one in use, ``old``.

    Prompts differ in how hard they are, for both alike (a spread of 0.15), and pairs of a prompt are right by chance.
    """
    generator = torch.Generator().manual_seed(seed)
    proposals = []
    for _ in range(TIMES):
        hard = 0.15 * torch.randn(prompts, 1, generator=generator)
        draws = torch.rand(2, prompts, PAIRS, generator=generator)
        right = [(draws[i] < (share + hard)).double() for i, share in enumerate((old, new))]
        gains = (right[1] - right[0]).flatten().tolist()
        names = [str(prompt) for prompt in range(prompts) for _ in range(PAIRS)]
        difference = mean_by_prompt(names, gains, resamples=400)
        proposals.append(proposal_of(difference, least_prompts=LEAST_PROMPTS))
    return proposals


@pytest.mark.long
@pytest.mark.parametrize(
    ("prompts", "old", "new", "right"),
    [
        (200, 0.65, 0.75, Proposal.BETTER),
        (200, 0.75, 0.65, Proposal.WORSE),
        (200, 0.7, 0.7, Proposal.OPEN),
        (LEAST_PROMPTS - 1, 0.5, 0.9, Proposal.TOO_FEW),
    ],
)
def test_planted_differences_are_told_rightly_95_times_in_100(
    prompts: int, old: float, new: float, right: Proposal
) -> None:
    # 95 of 100 less three standard errors of the share that is counted here.
    least = 0.95 - 3 * (0.95 * 0.05 / TIMES) ** 0.5
    assert proposals(prompts, old=old, new=new, seed=1).count(right) / TIMES >= least


def test_on_the_fewest_prompts_an_equal_version_is_seldom_called_better() -> None:
    better = proposals(LEAST_PROMPTS, old=0.7, new=0.7, seed=2).count(Proposal.BETTER) / TIMES
    # 1 in 40 is meant; the bootstrap's intervals are a little narrow on few prompts.
    assert better <= 0.05 + 3 * (0.05 * 0.95 / TIMES) ** 0.5
