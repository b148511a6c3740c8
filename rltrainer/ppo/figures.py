"""What a step is shown by: every figure is defined here once, and pads never count."""

from rltrainer.policy.evaluate import distinct
from rltrainer.ppo.divergence import clamped_log_ratio, divergence
from rltrainer.ppo.losses import explained_variance
from rltrainer.ppo.rollout import Rollout, Seconds
from rltrainer.ppo.targets import Targets


def rollout_figures(rollout: Rollout, kl_clamp: float) -> dict[str, float]:
    """Of completions as they were sampled.

    ``reward`` and ``reward_std``: the reward model's scores, mean and deviation over completions. ``kl``, ``kl_k2``,
    ``kl_k3``: to the reference, nats a completion. ``entropy``: nats a token. ``length``: tokens with EOS. ``ended``:
    the share with EOS. ``distinct_2``: distinct pairs of words as a share of all. ``texts_cut``: how many the reward
    model could not read whole.
    """
    log_ratio = clamped_log_ratio(rollout.log_probs, rollout.reference, kl_clamp)
    kl = divergence(log_ratio, rollout.mask)
    tokens = int(rollout.mask.sum())
    return {
        "reward": float(rollout.scores.double().mean()),
        "reward_std": float(rollout.scores.double().std(correction=0)),
        "kl": kl.k1,
        "kl_k2": kl.k2,
        "kl_k3": kl.k3,
        "entropy": float(rollout.entropy.double().sum()) / tokens,
        "length": tokens / len(rollout.texts),
        "ended": float(rollout.finished.double().mean()),
        "distinct_2": distinct(rollout.texts, 2) or 0.0,
        "texts_cut": int(rollout.cut.sum()),
    }


def target_figures(rollout: Rollout, targets: Targets) -> dict[str, float]:
    """The ``objective`` (mean R_hat) and the value network's ``explained_variance``."""
    return {
        "objective": float(targets.rewards.double().sum(dim=1).mean()),
        "explained_variance": explained_variance(rollout.values, targets.returns, rollout.mask),
    }


def speed_figures(rollout: Rollout, seconds: Seconds, update: float) -> dict[str, float]:
    """Seconds of each part of a step, and the completions' tokens a second of the whole."""
    parts = (seconds.generation, seconds.scoring, seconds.forward, update)
    names = ("seconds_generation", "seconds_scoring", "seconds_forward", "seconds_update")
    speed = int(rollout.mask.sum()) / max(sum(parts), 1e-9)
    return {"tokens_per_second": speed, **dict(zip(names, parts, strict=True))}
