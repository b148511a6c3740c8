"""Several reward models on one held-out set: the same pairs, the same draws of prompts, one model in memory at a time.

The first is the reference: the others' accuracy is compared with its own, pair by pair.
"""

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from lm.bootstrap import Mean, mean_by_prompt
from rewardmodel.bradley_terry.evaluate import NOTHING_HELD_OUT, human_agreement, overall, slices
from rewardmodel.bradley_terry.judged import Judged, held_out, judge, said_by_others, score_records
from rewardmodel.bradley_terry.records import Record
from rewardmodel.bradley_terry.scoring import RewardModel

Report = dict[str, Any]


def side_by_side(
    models: Sequence[Callable[[], RewardModel]],
    records: Sequence[Record],
    *,
    resamples: int,
    worst: int,
    between: Callable[[int], None],
) -> Report:
    """What each of ``models`` (called to load it) makes of the held-out rankings of ``records``.

    ``versions`` has the figures of evaluate.report_on for each, and ``difference`` in accuracy from the first (None for
    itself). ``worst`` has the pairs, one a prompt, whose order they find least likely on average. ``between`` hears
    before each forward pass which model is at work. Without held-out rankings both are empty, and ``note`` says so.
    """
    split, held_records = held_out(records)
    if split is None:
        return {"versions": [], "worst": [], "human_agreement": None, "note": NOTHING_HELD_OUT}
    seen = {record.annotator for record in records if record.split == "train" and record.pairs}
    of_split = [record for record in records if record.split == split]
    versions, judgements = [], list[list[Judged]]()
    for number, load in enumerate(models):
        model = load()

        def at_work(place: int = number) -> None:
            between(place)

        scores = score_records(model, held_records, between=at_work)
        judged = judge(model, held_records, scores)
        judgements.append(judged)
        versions.append(
            {
                **scores.cut,
                **overall(judged, resamples),
                **slices(judged, seen, resamples),
                "difference": _difference(judged, judgements[0], resamples) if number else None,
            }
        )
    return {
        "split": split,
        "prompts": len({record.prompt_key for record in held_records}),
        "rankings": len(held_records),
        "pairs": len(judgements[0]),
        "human_agreement": human_agreement(said_by_others(judgements[0], of_split), resamples),
        "versions": versions,
        "worst": _worst(judgements, worst),
    }


def _difference(judged: Sequence[Judged], reference: Sequence[Judged], resamples: int) -> Mean | None:
    gains = [one.right - other.right for one, other in zip(judged, reference, strict=True)]
    return mean_by_prompt([one.prompt for one in judged], gains, resamples=resamples)


def _worst(judgements: Sequence[Sequence[Judged]], count: int) -> list[Report]:
    """Without texts, which may be withdrawn: a ranking and two of its completions by their ids."""
    chances = [statistics.fmean(one.probability for one in same) for same in zip(*judgements, strict=True)]
    chosen: dict[str, Report] = {}
    for place in sorted(range(len(chances)), key=chances.__getitem__):
        pair = judgements[0][place]
        if len(chosen) == count:
            break
        if pair.prompt not in chosen:
            chosen[pair.prompt] = {
                "ranking": pair.record.ranking,
                "preferred": pair.record.completions[pair.preferred].id,
                "rejected": pair.record.completions[pair.rejected].id,
                "probabilities": [judged[place].probability for judged in judgements],
            }
    return list(chosen.values())
