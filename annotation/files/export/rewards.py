"""What later stages gave the completions that are exported: scores, each by the version that gave them.

annotation knows no reward models: it asks whoever offers rewards when its app is ready.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from django.db.models import QuerySet

from annotation.models import Completion


class StoredReward(NamedTuple):
    """Version ``number`` gave the completion with this public id the reward ``value``."""

    number: int
    completion: str
    value: float


# Of these completions; each once.
Provider = Callable[[QuerySet[Completion]], Iterable[StoredReward]]
_providers: list[Provider] = []


def offer(provider: Provider) -> None:
    """Register who knows rewards of completions. Called from an app's ``ready``."""
    if provider not in _providers:
        _providers.append(provider)


class Rewards:
    """Those of some completions, read at once."""

    def __init__(self, completions: "QuerySet[Completion]") -> None:
        self._by_completion: dict[str, dict[int, float]] = defaultdict(dict)
        for provider in _providers:
            for number, completion, value in provider(completions):
                self._by_completion[completion][number] = value

    def of(self, completions: Iterable[str]) -> list[dict[str, Any]]:
        """One ``{"reward_model", "values"}`` a version that gave any of them one, by number: a value a completion, in
        their order, None of one that it gave none."""
        by_completion = [self._by_completion.get(one, {}) for one in completions]
        return [
            {"reward_model": number, "values": [one.get(number) for one in by_completion]}
            for number in sorted({number for one in by_completion for number in one})
        ]
