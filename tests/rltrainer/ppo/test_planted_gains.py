"""Policies whose rise of the reward is planted: what is proposed of them, drawn anew many times."""

import pytest
import torch

from rewardmodel.proposals import LEAST_PROMPTS, Proposal, proposal_of
from rltrainer.ppo import report

TIMES, SAMPLES = 400, 4


@pytest.mark.parametrize(
    ("prompts", "rise", "right"),
    [
        (120, 0.4, Proposal.BETTER),
        (120, -0.4, Proposal.WORSE),
        (120, 0.0, Proposal.OPEN),
        (LEAST_PROMPTS - 1, 2.0, Proposal.TOO_FEW),
    ],
)
def test_planted_rises_are_told_rightly_95_times_in_100(
    monkeypatch: pytest.MonkeyPatch, prompts: int, rise: float, right: Proposal
) -> None:
    """Half of the answers stay as they were, as in a short training; what became of the others has one tail longer than
    the other, and differs from prompt to prompt."""
    monkeypatch.setattr(report, "RESAMPLES", 400)
    generator = torch.Generator().manual_seed(3)
    proposals = []
    for _ in range(TIMES):
        shape = (prompts, SAMPLES)
        before = torch.randn(shape, generator=generator)
        of_prompt = torch.randn((prompts, 1), generator=generator)
        tail = torch.empty(shape).exponential_(generator=generator) - 1.0
        changed = (torch.rand(shape, generator=generator) < 0.5).float()
        after = before + changed * (of_prompt + tail + 2 * rise)
        gain = report.gain_of(before.flatten().tolist(), after.flatten().tolist(), SAMPLES)
        proposals.append(proposal_of(gain, least_prompts=LEAST_PROMPTS))
    # 95 of 100 less three standard errors of the share that is counted here.
    assert proposals.count(right) / TIMES >= 0.95 - 3 * (0.95 * 0.05 / TIMES) ** 0.5
