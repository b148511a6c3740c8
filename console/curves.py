"""What the figures of a run's steps are called, in which unit, and beside which others they are drawn."""

from typing import NamedTuple

DECIDES, LOSSES, TEXTS, UPDATES, SPEED = (
    "What decides",
    "Losses",
    "What is written",
    "How it learns",
    "How fast it is",
)
# In their order on the page; the last is folded.
GROUPS = (DECIDES, LOSSES, TEXTS, UPDATES, SPEED)


class Curve(NamedTuple):
    """One figure; ``unit`` is empty for a pure number, and begins with % where a share is drawn in percent."""

    label: str
    unit: str
    group: str

    @property
    def factor(self) -> float:
        """By what a measured value is multiplied to be in ``unit``: shares are measured from 0 to 1."""
        return 100.0 if self.unit.startswith("%") else 1.0


CURVES = {
    "reward": Curve("Reward", "standard deviations", DECIDES),
    "kl": Curve("KL from the reference", "nats a completion", DECIDES),
    "objective": Curve("Objective: reward less beta KL", "", DECIDES),
    "length": Curve("Length", "tokens", DECIDES),
    "held_out_loss": Curve("Held-out loss", "nats a token", DECIDES),
    "perplexity": Curve("Held-out perplexity", "", DECIDES),
    "validation_accuracy": Curve("Validation accuracy", "% of pairs", DECIDES),
    "validation_loss": Curve("Validation loss", "nats a pair", DECIDES),
    "loss": Curve("Loss of the batch", "nats", LOSSES),
    "accuracy": Curve("Accuracy on the batch", "% of pairs", LOSSES),
    "policy_loss": Curve("Policy loss", "", LOSSES),
    "value_loss": Curve("Value loss", "", LOSSES),
    "explained_variance": Curve("Explained variance of the value network", "%", LOSSES),
    "reward_std": Curve("Spread of the rewards", "standard deviations", TEXTS),
    "entropy": Curve("Entropy", "nats a token", TEXTS),
    "ended": Curve("Completions that end", "%", TEXTS),
    "texts_cut": Curve("Texts too long for the reward model", "a step", TEXTS),
    "distinct_2": Curve("Different pairs of words", "% of all", TEXTS),
    "kl_k2": Curve("KL, estimator k2", "nats a completion", TEXTS),
    "kl_k3": Curve("KL, estimator k3", "nats a completion", TEXTS),
    "learning_rate": Curve("Learning rate", "", UPDATES),
    "beta": Curve("Beta, the price of KL", "", UPDATES),
    "gradient_norm": Curve("Norm of the gradient", "", UPDATES),
    "value_gradient_norm": Curve("Norm of the value network's gradient", "", UPDATES),
    "clip_fraction": Curve("Clipped ratios", "% of tokens", UPDATES),
    "ratio": Curve("Mean ratio of new to old", "", UPDATES),
    "update_kl": Curve("KL of an update", "nats a token", UPDATES),
    "optimizer_steps": Curve("Optimizer steps", "a step", UPDATES),
    "tie_parameter": Curve("Tie parameter", "", UPDATES),
    "tokens_per_second": Curve("Tokens", "a second", SPEED),
    "rankings_per_second": Curve("Rankings", "a second", SPEED),
    "seconds_generation": Curve("Sampling", "seconds", SPEED),
    "seconds_scoring": Curve("Scoring", "seconds", SPEED),
    "seconds_forward": Curve("Log-probabilities and values", "seconds", SPEED),
    "seconds_update": Curve("Updating", "seconds", SPEED),
}
# Of a line of metrics, what says where it stands instead of what was measured.
COUNTERS = frozenset({"step", "attempt", "epoch"})


def curve(name: str) -> Curve:
    """Of a figure; one that is not known yet goes by its own name."""
    return CURVES.get(name, Curve(name.replace("_", " ").capitalize(), "", UPDATES))


def place(name: str) -> tuple[int, int, str]:
    """Where it stands on the page."""
    order = list(CURVES)
    return GROUPS.index(curve(name).group), order.index(name) if name in order else len(order), name
