"""Whether a reward model that says 80% is right in 80% of such pairs."""

from collections.abc import Sequence
from typing import Any

BINS = 10


def calibration(probabilities: Sequence[float]) -> dict[str, Any]:
    """Expected calibration error and the bins of the reliability diagram (Guo et al. 1706.04599).

    ``probabilities`` are of the order that people gave. The surer of the two orders is what the model says, so
    confidence lies in [1/2, 1], in ten bins of equal width; an empty bin is left out.
    ``{"ece": float | None, "reliability": [{"low", "high", "confidence", "accuracy", "pairs"}]}``
    """
    bins: list[list[float]] = [[] for _ in range(BINS)]
    for probability in probabilities:
        confidence = max(probability, 1 - probability)
        bins[min(BINS - 1, int((confidence - 0.5) * 2 * BINS))].append(probability)
    reliability = [_bin(number, inside) for number, inside in enumerate(bins) if inside]
    gaps = [entry["pairs"] * abs(entry["confidence"] - entry["accuracy"]) for entry in reliability]
    return {"ece": sum(gaps) / len(probabilities) if probabilities else None, "reliability": reliability}


def _bin(number: int, probabilities: Sequence[float]) -> dict[str, float]:
    sure = [max(probability, 1 - probability) for probability in probabilities]
    right = [0.5 if probability == 0.5 else float(probability > 0.5) for probability in probabilities]
    return {
        "low": 0.5 + number / (2 * BINS),
        "high": 0.5 + (number + 1) / (2 * BINS),
        "confidence": sum(sure) / len(sure),
        "accuracy": sum(right) / len(right),
        "pairs": len(probabilities),
    }
