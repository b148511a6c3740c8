"""The losses of pairs, each a function of differences of scores, in nats, elementwise.

``difference`` is always r(preferred) - r(rejected), or r(i) - r(j) of a tie, (P,) in float32.
"""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus


def bradley_terry(difference: Tensor) -> Tensor:
    """-log P(i beats j) = -log sigmoid(r_i - r_j) (Bradley and Terry 1952; InstructGPT eq. 1).

    logsigmoid and not log(1 + exp(-x)), which is inf at a difference of -100 in float32 (R7).
    """
    return -logsigmoid(difference)


def with_margin(difference: Tensor, strength: Tensor, scale: float) -> Tensor:
    """The difference less a margin that grows with how strongly it was preferred (Llama 2, 2307.09288 eq. 2)."""
    return difference - scale * strength


def smoothed(right: Tensor, wrong: Tensor, share: float) -> Tensor:
    """(1 - e) L(d) + e L(-d): a ``share`` e of the judgements is taken to be the wrong way round."""
    return (1 - share) * right + share * wrong


def centering(first: Tensor, second: Tensor) -> Tensor:
    """(r_i + r_j)^2, which keeps scores about zero (Eisenstein et al. 2312.09244)."""
    return (first + second) ** 2


def half_tie(difference: Tensor) -> Tensor:
    """A tie as half a win for either (WebGPT 2112.09332): cross-entropy against 1/2."""
    return 0.5 * (bradley_terry(difference) + bradley_terry(-difference))


def rao_kupper_strict(difference: Tensor, threshold: Tensor) -> Tensor:
    """-log P(i beats j), P = e^r_i / (e^r_i + theta e^r_j) (Rao and Kupper 1967); ``threshold`` = log theta >= 0."""
    return -logsigmoid(difference - threshold)


def rao_kupper_tie(difference: Tensor, threshold: Tensor) -> Tensor:
    """-log P(tie), P = (theta^2 - 1) P(i beats j) P(j beats i); ``threshold`` = log theta > 0."""
    factor = torch.log(torch.expm1(2 * threshold))
    return rao_kupper_strict(difference, threshold) + rao_kupper_strict(-difference, threshold) - factor


def davidson_strict(difference: Tensor, log_nu: Tensor) -> Tensor:
    """-log P(i beats j), P = e^r_i / (e^r_i + e^r_j + nu sqrt(e^r_i e^r_j)) (Davidson 1970)."""
    return _davidson_total(difference, log_nu) - difference / 2


def davidson_tie(difference: Tensor, log_nu: Tensor) -> Tensor:
    """-log P(tie), P = nu sqrt(e^r_i e^r_j) / (e^r_i + e^r_j + nu sqrt(e^r_i e^r_j))."""
    return _davidson_total(difference, log_nu) - log_nu


def rao_kupper_threshold(parameter: Tensor) -> Tensor:
    """log theta of the free parameter that is fitted: softplus keeps it above 0."""
    return softplus(parameter)


def tie_share_to_log_nu(share: float) -> float:
    """log nu at which equals tie with probability ``share``: nu / (2 + nu) = share."""
    return float(torch.log(torch.tensor(2 * share / (1 - share), dtype=torch.float64)))


def tie_share_to_parameter(share: float) -> float:
    """The Rao-Kupper parameter at which equals tie with ``share``: (theta - 1) / (theta + 1) = share."""
    threshold = torch.log(torch.tensor((1 + share) / (1 - share), dtype=torch.float64))
    return float(torch.log(torch.expm1(threshold)))


def mean_over_pairs(losses: Tensor, ranking_of: Tensor, rankings: int) -> Tensor:
    """The mean loss of each ranking's pairs, (rankings,); ``ranking_of`` (P,) says whose pair each is.

    A ranking counts once however many pairs it has: they are not independent (InstructGPT, section 3.5).
    """
    zeros = torch.zeros(rankings, dtype=losses.dtype, device=losses.device)
    totals = zeros.index_add(0, ranking_of, losses)
    counts = zeros.index_add(0, ranking_of, torch.ones_like(losses))
    return totals / counts.clamp(min=1)


def _davidson_total(difference: Tensor, log_nu: Tensor) -> Tensor:
    """log(e^(d/2) + e^(-d/2) + nu): the denominator divided by sqrt(e^r_i e^r_j), so that nothing overflows."""
    terms = torch.stack([difference / 2, -difference / 2, log_nu.expand_as(difference)])
    return torch.logsumexp(terms, dim=0)
