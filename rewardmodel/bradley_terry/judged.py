"""Held-out judgements as strict pairs: what people said of two completions, and what the scores say."""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
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
    """The ordered rankings of the test split, else of validation, else none; and the split's name."""
    ordered = [record for record in records if record.pairs]
    for split in ("test", "validation"):
        found = [record for record in ordered if record.split == split]
        if found:
            return split, found
    return None, []


class Scores(NamedTuple):
    """The normalised score of each different (prompt, text) that was scored."""

    of: dict[tuple[str, str], float]

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
    scores = model.score_many(list(different.values()), between=between).tolist()
    return Scores(dict(zip(different, scores, strict=True)))


def judge(model: RewardModel, records: Sequence[Record], scores: Scores) -> list[Judged]:
    """Every strict pair of ``records``, each annotator's own."""
    places = [(record, i, j) for record in records for i, j in record.pairs]
    differences = [scores.difference(*place) for place in places]
    chances = model.probability(torch.tensor(differences, dtype=torch.float64)).tolist()
    return [
        Judged(*place, difference, chance)
        for place, difference, chance in zip(places, differences, chances, strict=True)
    ]


class Agreement(NamedTuple):
    """One pair that two annotators both put in an order: 1 where in the same."""

    prompt: str
    same: float


def agreements(records: Iterable[Record]) -> list[Agreement]:
    """Of every two annotators of one task, each pair that both ordered strictly.

    The human counterpart of accuracy: how well one person predicts another on the same kind of pair.
    """
    by_task: dict[str, list[Record]] = {}
    for record in records:
        if record.annotator is not None:
            by_task.setdefault(record.task, []).append(record)
    return [
        Agreement(one.prompt_key, float(pair in ordered))
        for task in by_task.values()
        for one, other in combinations(task, 2)
        if one.annotator != other.annotator
        for ordered in [_ordered(other)]
        for pair in _ordered(one)
        if pair in ordered or pair[::-1] in ordered
    ]


def _ordered(record: Record) -> set[tuple[str, str]]:
    """(preferred, rejected) as ids, which mean the same in every ranking of the task."""
    ids = [completion.id for completion in record.completions]
    return {(ids[i], ids[j]) for i, j in record.pairs}
