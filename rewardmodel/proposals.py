"""Whether a new version takes the place of the one in use: only where a comparison on the same prompts shows it better.

A comparison is the mean of paired differences by prompt with its 95% interval (lm.bootstrap). Of 100 versions that are
no better, two or three are called better by chance; of few prompts the interval is too narrow, so nothing is said.
"""

from collections.abc import Mapping
from typing import Any

from django.db.models import TextChoices

# Of a project that says nothing else. With fewer, the percentile interval of the bootstrap misses too often
# (tests/rewardmodel/test_proposals.py measures how often).
LEAST_PROMPTS = 30


class Proposal(TextChoices):
    """What a comparison with the version in use says of a new one."""

    FIRST = "first", "the first"
    BETTER = "better", "better"
    WORSE = "worse", "worse"
    OPEN = "open", "neither better nor worse"
    TOO_FEW = "too_few", "too few prompts to tell"
    NOT_COMPARED = "not_compared", "not compared"


def proposal_of(difference: Mapping[str, Any] | None, *, least_prompts: int) -> Proposal:
    """Of a difference as lm.bootstrap.mean_by_prompt gives it; above zero is in favour of the new version."""
    if difference is None:
        return Proposal.NOT_COMPARED
    if difference["prompts"] < least_prompts:
        return Proposal.TOO_FEW
    low, high = difference["interval"]
    if low > 0:
        return Proposal.BETTER
    return Proposal.WORSE if high < 0 else Proposal.OPEN


def in_words(difference: Mapping[str, Any], *, unit: str = "") -> str:
    """``+0.021 (+0.004 to +0.038)``, with the unit behind the value."""
    low, high = difference["interval"]
    return f"{difference['value']:+.3f}{unit} ({low:+.3f} to {high:+.3f})"


def in_points(difference: Mapping[str, Any]) -> str:
    """A difference of two shares, in points of percent as the shares are told: ``+2.1 points (+0.4 to +3.8)``."""
    value, low, high = (100 * one for one in (difference["value"], *difference["interval"]))
    return f"{value:+.1f} points ({low:+.1f} to {high:+.1f})"


def said_of(proposal: Proposal, *, least_prompts: int) -> str:
    """The end of a sentence that begins with the difference."""
    if proposal == Proposal.TOO_FEW:
        return f"too few to tell ({least_prompts} are asked for)"
    return {Proposal.BETTER: "better", Proposal.WORSE: "worse"}.get(proposal, "no difference is shown")
