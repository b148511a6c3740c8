"""What a fit makes small: the loss of each ranking, from the scores of its completions."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from rewardmodel.bradley_terry import losses
from rewardmodel.bradley_terry.config import Ties
from rewardmodel.bradley_terry.encoding import Encoded
from rewardmodel.bradley_terry.records import Pair

# The name of the tie parameter among those that learn: one number with a rate of its own, which never decays.
TIE = "tie"


class Example(NamedTuple):
    """A ranking to learn from. ``pairs`` and ``ties`` are indices into ``encoded.completions``.

    ``weight`` is its share of a step's loss beside the others', and ``ranking`` its id.
    """

    encoded: Encoded
    pairs: tuple[Pair, ...]
    ties: tuple[Pair, ...]
    strength: float
    weight: float = 1.0
    ranking: str = ""


class Objective(NamedTuple):
    """How pairs become a loss; see FitConfig for the fields."""

    ties: Ties
    margin: float = 0.0
    label_smoothing: float = 0.0
    centering: float = 0.0


class PairIndex(NamedTuple):
    """The P pairs of several rankings, as indices into the scores of all their completions.

    first, second  (P,) int64: the preferred and the rejected one, or the two of a tie
    tied           (P,) bool
    strength       (P,) float32, how strongly it was preferred; 0 where that is not known
    ranking        (P,) int64, whose pair it is
    """

    first: Tensor
    second: Tensor
    tied: Tensor
    strength: Tensor
    ranking: Tensor


def usable(pairs: Sequence[Pair], ties: Sequence[Pair], mode: Ties) -> bool:
    """Whether a ranking says anything under this treatment of ties."""
    return bool(pairs) or (bool(ties) and mode != "drop")


def different(examples: Sequence[Example]) -> list[Encoded]:
    """What ``examples`` judge, each once: the rankings of a task share their ``Encoded``."""
    return list({id(example.encoded): example.encoded for example in examples}.values())


def index_pairs(examples: Sequence[Example], mode: Ties, device: torch.device) -> PairIndex:
    """The pairs of ``examples``, whose completions are numbered in the order of ``different``."""
    indexed: list[tuple[int, int, bool, float, int]] = []
    starts: dict[int, int] = {}
    total = 0
    for encoded in different(examples):
        starts[id(encoded)] = total
        total += len(encoded.completions)
    for number, example in enumerate(examples):
        at = starts[id(example.encoded)]
        indexed += [(at + i, at + j, False, example.strength, number) for i, j in example.pairs]
        if mode != "drop":
            indexed += [(at + i, at + j, True, 0.0, number) for i, j in example.ties]
    first, second, tied, strength, ranking = (
        torch.tensor(column, device=device) for column in zip(*indexed, strict=True)
    )
    return PairIndex(first, second, tied, strength, ranking)


def first_tie_parameter(mode: Ties, *, strict: int, ties: int) -> float:
    """Where the tie parameter starts: where equals tie as often as all pairs did, counted with one more of each.

    0 where the mode has no parameter.
    """
    share = (ties + 1) / (strict + ties + 2)
    if mode == "davidson":
        return losses.tie_share_to_log_nu(share)
    return losses.tie_share_to_parameter(share) if mode == "rao_kupper" else 0.0


def ranking_losses(
    scores: Tensor, pairs: PairIndex, rankings: int, objective: Objective, tie_parameter: Tensor
) -> Tensor:
    """The loss of each ranking in nats a pair, (rankings,), from ``scores`` (N,) of all their completions."""
    first, second = scores[pairs.first], scores[pairs.second]
    difference = losses.with_margin(first - second, pairs.strength, objective.margin)
    strict = _strict(difference, objective.ties, tie_parameter)
    if objective.label_smoothing:
        wrong = _strict(-difference, objective.ties, tie_parameter)
        strict = losses.smoothed(strict, wrong, objective.label_smoothing)
    tied = _tied(difference, objective.ties, tie_parameter)
    of_pairs = torch.where(pairs.tied, tied, strict)
    if objective.centering:
        of_pairs = of_pairs + objective.centering * losses.centering(first, second)
    return losses.mean_over_pairs(of_pairs, pairs.ranking, rankings)


def win_probability(difference: Tensor, mode: Ties, tie_parameter: Tensor) -> Tensor:
    """P(i beats j | no tie) of differences in the network's own units; for Davidson it is Bradley and Terry's."""
    strict = torch.stack([_strict(sign * difference, mode, tie_parameter) for sign in (1, -1)])
    return torch.softmax(-strict, dim=0)[0]


def _strict(difference: Tensor, mode: Ties, tie_parameter: Tensor) -> Tensor:
    if mode == "davidson":
        return losses.davidson_strict(difference, tie_parameter)
    if mode == "rao_kupper":
        return losses.rao_kupper_strict(difference, losses.rao_kupper_threshold(tie_parameter))
    return losses.bradley_terry(difference)


def _tied(difference: Tensor, mode: Ties, tie_parameter: Tensor) -> Tensor:
    if mode == "davidson":
        return losses.davidson_tie(difference, tie_parameter)
    if mode == "rao_kupper":
        return losses.rao_kupper_tie(difference, losses.rao_kupper_threshold(tie_parameter))
    return losses.half_tie(difference)
