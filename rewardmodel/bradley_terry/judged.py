"""Held-out judgements as strict pairs: what people said of two completions, and what the scores say."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import torch

from rewardmodel.bradley_terry.records import Record
from rewardmodel.bradley_terry.scoring import RewardModel


class Judged(NamedTuple):
    """One strict pair of one annotator. ``difference`` is score(preferred) - score(rejected), normalised."""

    record: Record
    preferred: int
    rejected: int
    difference: float
    probability: float

    @property
    def prompt(self) -> str:
        return self.record.prompt_key

    @property
    def right(self) -> float:
        """1 where the scores agree with the annotator, 1/2 where they are equal."""
        return outcome(self.difference)

    @property
    def longer(self) -> int:
        """By how many characters the preferred one is longer."""
        texts = self.record.texts
        return len(texts[self.preferred]) - len(texts[self.rejected])

    @property
    def first_shown(self) -> float | None:
        """1 where the preferred one was shown before the rejected one; None where the order is not known."""
        order = self.record.order_shown
        return None if order is None else outcome(order.index(self.rejected) - order.index(self.preferred))


def outcome(difference: float) -> float:
    """1, 1/2 or 0 for a positive, no, or negative difference: what guessing in a tie is worth."""
    return 0.5 if difference == 0 else float(difference > 0)


def held_out(records: Iterable[Record]) -> tuple[str | None, list[Record]]:
    """The ordered rankings of the test split, else of validation, else none; and the split's name.

    Without those that were asked because a reward model was unsure of them.
    """
    ordered = [record for record in records if record.pairs and not record.by_doubt]
    for split in ("test", "validation"):
        matching = [record for record in ordered if record.split == split]
        if matching:
            return split, matching
    return None, []


class Scores(NamedTuple):
    """The normalised score of each different (prompt, text) that was scored.

    ``cut`` counts the prompts (``prompts_cut``) and texts (``completions_cut``) among them that were not read whole.
    """

    of: dict[tuple[str, str], float]
    cut: dict[str, int]

    def difference(self, record: Record, preferred: int, rejected: int) -> float:
        prompt, texts = record.prompt_key, record.texts
        return self.of[prompt, texts[preferred]] - self.of[prompt, texts[rejected]]


def score_records(model: RewardModel, records: Sequence[Record], *, between: Callable[[], None]) -> Scores:
    """Scores of all completions of ``records``, each different text of a prompt once."""
    different = {
        (record.prompt_key, text): (record.form, record.messages, text)
        for record in records
        for text in record.texts
    }
    scored = model.score_flagged(list(different.values()), between=between)
    prompts = {prompt for (prompt, _), cut in zip(different, scored.prompts_cut, strict=True) if cut}
    cut = {"prompts_cut": len(prompts), "completions_cut": sum(scored.completions_cut)}
    return Scores(dict(zip(different, scored.scores.tolist(), strict=True)), cut)


def judge(model: RewardModel, records: Sequence[Record], scores: Scores) -> list[Judged]:
    """Every strict pair of ``records``, each annotator's own."""
    places = [(record, i, j) for record in records for i, j in record.pairs]
    differences = [scores.difference(*place) for place in places]
    chances = model.probability(torch.tensor(differences, dtype=torch.float64)).tolist()
    return [
        Judged(*place, difference, chance)
        for place, difference, chance in zip(places, differences, chances, strict=True)
    ]


def said_by_others(judged: Sequence[Judged], records: Iterable[Record]) -> list[tuple[Judged, float]]:
    """The pairs of tasks that somebody else ranked too, each with how far the others order it in the same way.

    ``records`` are all rankings of the tasks, those that tie everything included. 1 where the others all do, 0 where
    they all say the opposite, and 1/2 for one who tied the two, as ``right`` counts a reward model's scores: people and
    model are measured on the same pairs, by the same rule.
    """
    by_task: dict[str, list[Record]] = {}
    for record in records:
        if record.annotator is not None and record.verdict == "ranked":
            by_task.setdefault(record.task, []).append(record)
    matching = []
    for one in judged:
        others = [
            _says(other, one)
            for other in by_task.get(one.record.task, ())
            if one.record.annotator not in (None, other.annotator)
        ]
        if others:
            matching.append((one, sum(others) / len(others)))
    return matching


def _says(other: Record, pair: Judged) -> float:
    """1, 1/2 or 0: whether another person orders the pair so. Ids mean the same in every ranking of a task."""
    tier_of = {completion.id: tier for completion, tier in zip(other.completions, other.tiers, strict=True)}
    completions = pair.record.completions
    return outcome(tier_of[completions[pair.rejected].id] - tier_of[completions[pair.preferred].id])
