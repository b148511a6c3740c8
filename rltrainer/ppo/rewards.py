"""R_hat token by token: the KL's penalty on every token, the reward model's score on the last one."""

import torch
from torch import Tensor


def episode_scores(scores: Tensor, finished: Tensor, missing_eos_penalty: float | None) -> Tensor:
    """What each completion earns, (B,): its score, and no more than the penalty where it did not end (P6).

    A completion that was cut off is not an answer, whatever the reward model makes of the text. One whose score is
    below the penalty keeps its score: not to end must never pay.
    """
    if missing_eos_penalty is None:
        return scores
    return torch.where(finished, scores, scores.clamp(max=missing_eos_penalty))


def token_rewards(scores: Tensor, log_ratio: Tensor, mask: Tensor, beta: float) -> Tensor:
    """Rewards (B, R): -beta (log pi - log pi_ref) on every token, plus the score (B,) on the last real one (P1).

    ``log_ratio`` and ``mask`` are (B, R), ``mask`` True up to and including EOS. Summed over a row it is R_hat.
    The last real token is EOS itself where the completion ended: the choice to end is what the score is for.
    """
    if scores.shape != mask.shape[:1] or log_ratio.shape != mask.shape:
        raise ValueError(
            f"scores {tuple(scores.shape)}, log_ratio {tuple(log_ratio.shape)}, mask {tuple(mask.shape)}"
        )
    rewards = -beta * log_ratio * mask
    last = mask.long().sum(dim=1) - 1
    rewards[torch.arange(len(scores), device=scores.device), last] += scores
    return rewards
