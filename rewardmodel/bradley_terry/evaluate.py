"""The held-out report (R10): how often the scores agree with people, next to what people and baselines reach."""

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

import torch

from lm.bootstrap import Mean, mean_by_prompt
from rewardmodel.bradley_terry.calibration import calibration
from rewardmodel.bradley_terry.judged import (
    Judged,
    Scores,
    held_out,
    judge,
    outcome,
    said_by_others,
    score_records,
)
from rewardmodel.bradley_terry.records import Record
from rewardmodel.bradley_terry.scoring import RewardModel

Report = dict[str, Any]

# Characters: upper ends of the slices by difference in length
LENGTHS = (0, 10, 25, 50, 100)
NOTHING_HELD_OUT = "no held-out prompts: no ranking of the validation or test split orders anything"


def report_on(
    model: RewardModel, records: Sequence[Record], *, resamples: int, between: Callable[[], None]
) -> Report:
    """The report on the test split of ``records``, else on validation. All figures are of strict pairs.

    ``prompts_cut`` and ``completions_cut`` are how many of the different ones the model could not read whole.
    ``held_out`` is None and ``note`` says why where there is nothing to evaluate on. Shares and means are
    ``{"value", "interval", "count", "prompts"}`` of so many pairs (lm.bootstrap).
    """
    split, held_records = held_out(records)
    if split is None:
        return {"held_out": None, "human_agreement": None, "note": NOTHING_HELD_OUT}
    scores = score_records(model, held_records, between=between)
    judged = judge(model, held_records, scores)
    seen = {record.annotator for record in records if record.split == "train" and record.pairs}
    shared = said_by_others(judged, [record for record in records if record.split == split])
    return {
        "held_out": {
            "split": split,
            "prompts": len({record.prompt_key for record in held_records}),
            "rankings": len(held_records),
            "pairs": len(judged),
            **scores.cut,
            **overall(judged, resamples),
            **slices(judged, seen, resamples),
            "accuracy_where_two_judged": _mean(
                [one for one, _ in shared], lambda pair: pair.right, resamples
            ),
            "score_length_correlation": _length_correlation(scores),
        },
        "human_agreement": human_agreement(shared, resamples),
    }


def compare(
    model: RewardModel,
    incumbent: RewardModel,
    records: Sequence[Record],
    *,
    resamples: int,
    between: Callable[[], None],
) -> Report | None:
    """How much more often ``model`` is right than ``incumbent`` on the same pairs; None without held-out prompts.

    The bootstrap is paired: both are looked at on the same drawn prompts.
    """
    _, held_records = held_out(records)
    ours = judge(model, held_records, score_records(model, held_records, between=between))
    scores = score_records(incumbent, held_records, between=between)
    theirs = judge(incumbent, held_records, scores)
    prompts = [one.prompt for one in ours]
    gains = [one.right - other.right for one, other in zip(ours, theirs, strict=True)]
    difference = mean_by_prompt(prompts, gains, resamples=resamples)
    if difference is None:
        return None
    return {
        "accuracy": mean_by_prompt(prompts, [pair.right for pair in theirs], resamples=resamples),
        "difference": difference,
        **scores.cut,
    }


def human_agreement(shared: Sequence[tuple[Judged, float]], resamples: int) -> Mean | None:
    """How often other people order the same pairs in the same way (judged.said_by_others)."""
    return mean_by_prompt(
        [one.prompt for one, _ in shared], [same for _, same in shared], resamples=resamples
    )


def overall(judged: Sequence[Judged], resamples: int) -> Report:
    """Accuracy, what it must beat on the same pairs, and how far its probabilities can be trusted."""
    shown = [pair for pair in judged if pair.first_shown is not None]
    return {
        "accuracy": _mean(judged, lambda pair: pair.right, resamples),
        "longer_wins": _mean(judged, lambda pair: outcome(pair.longer), resamples),
        "first_shown_wins": _mean(shown, lambda pair: pair.first_shown or 0.0, resamples),
        "above_longer_wins": _mean(judged, lambda pair: pair.right - outcome(pair.longer), resamples),
        "log_loss": _mean(judged, lambda pair: -math.log(max(pair.probability, 1e-300)), resamples),
        **calibration([pair.probability for pair in judged]),
    }


def slices(judged: Sequence[Judged], seen: set[str | None], resamples: int) -> Report:
    """Accuracy by what a pair is, a list of ``{"slice", ...}`` each; sources are named in alphabetical order."""

    def by(key: Callable[[Judged], Hashable]) -> list[Report]:
        return _sliced(judged, key, resamples)

    return {
        "by_tier_distance": by(_tier_distance),
        "by_source_pair": sorted(by(_source_pair), key=lambda group: -group["count"]),
        "by_annotator": by(lambda pair: _familiarity(pair.record.annotator, seen)),
        "by_length_difference": by(lambda pair: _length_slice(abs(pair.longer))),
        "by_longer": by(lambda pair: ("rejected", "same length", "preferred")[int(2 * outcome(pair.longer))]),
    }


def _sliced(judged: Sequence[Judged], key: Callable[[Judged], Hashable], resamples: int) -> list[Report]:
    groups: dict[Any, list[Judged]] = {}
    for pair in judged:
        groups.setdefault(key(pair), []).append(pair)
    return [
        {"slice": name, **(_mean(groups[name], lambda pair: pair.right, resamples) or {})}
        for name in sorted(groups)
    ]


def _mean(judged: Iterable[Judged], value: Callable[[Judged], float], resamples: int) -> Mean | None:
    pairs = list(judged)
    return mean_by_prompt(
        [pair.prompt for pair in pairs], [value(pair) for pair in pairs], resamples=resamples
    )


def _tier_distance(judged: Judged) -> int:
    tiers = judged.record.tiers
    return tiers[judged.rejected] - tiers[judged.preferred]


def _source_pair(judged: Judged) -> str:
    completions = judged.record.completions
    names = (completions[place].source or "unknown" for place in (judged.preferred, judged.rejected))
    return " | ".join(sorted(names))


def _familiarity(annotator: str | None, seen: set[str | None]) -> str:
    if annotator is None:
        return "unknown"
    return "seen in training" if annotator in seen else "unseen"


def _length_slice(difference: int) -> int:
    """The largest bound that ``difference`` characters reach: 12 is in the slice that begins at 10."""
    return max(bound for bound in LENGTHS if difference >= bound)


def _length_correlation(scores: Scores) -> float | None:
    """Pearson's correlation of a completion's score with its characters; None where either is constant."""
    pairs = torch.tensor(
        [[score, len(text)] for (_, text), score in scores.of.items()], dtype=torch.float64
    ).T
    deviations = pairs - pairs.mean(dim=1, keepdim=True)
    norms = deviations.norm(dim=1)
    if float(norms.prod()) == 0:
        return None
    return float((deviations[0] * deviations[1]).sum() / norms.prod())
