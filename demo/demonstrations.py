"""Notices as a crowd writes them: half say every fact, the others slip, so that there is something to rank."""

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from demo.facts import VALUES, prompt_text
from demo.sentences import describe
from demo.walks import draw_walk

TONES = {"plain": 55, "warm": 28, "terse": 17}  # of a hundred notices


class Demonstration(NamedTuple):
    """A prompt, the notice written for it, and the slip in it ("none" where all is right)."""

    prompt: str
    completion: str
    slip: str


def demonstrations(seed: int, count: int) -> Iterator[Demonstration]:
    """``count`` demonstrations; the same seed gives the same ones, and a smaller count their beginning."""
    rng = random.Random(seed)  # noqa: S311 (repeatable on purpose)
    for _ in range(count):
        facts = draw_walk(rng)
        slip = _draw(rng, {name: kind.weight for name, kind in SLIPS.items()})
        stated = SLIPS[slip].change(dict(facts), rng)
        notice = describe(stated, rng, _draw(rng, TONES))
        yield Demonstration(prompt_text(facts), notice, slip)


def _all(facts: dict[str, str], rng: random.Random) -> dict[str, str]:
    return facts


def _leave_out_one(facts: dict[str, str], rng: random.Random) -> dict[str, str]:
    del facts[_any(facts, rng)]
    return facts


def _leave_out_two(facts: dict[str, str], rng: random.Random) -> dict[str, str]:
    return _leave_out_one(_leave_out_one(facts, rng), rng)


def _mistake(facts: dict[str, str], rng: random.Random) -> dict[str, str]:
    label = _any(facts, rng)
    facts[label] = rng.choice([value for value in VALUES[label] if value != facts[label]])
    return facts


def _invent(facts: dict[str, str], rng: random.Random) -> dict[str, str]:
    label = rng.choice([label for label in VALUES if label not in facts])
    facts[label] = rng.choice(VALUES[label])
    return facts


class Slip(NamedTuple):
    """In how many notices of a hundred it happens, and what it does to the facts before they are told."""

    weight: int
    change: Callable[[dict[str, str], random.Random], dict[str, str]]


SLIPS = {
    "none": Slip(50, _all),
    "one left out": Slip(20, _leave_out_one),
    "two left out": Slip(10, _leave_out_two),
    "one wrong": Slip(12, _mistake),
    "one invented": Slip(8, _invent),
}


def _any(facts: dict[str, str], rng: random.Random) -> str:
    return rng.choice([label for label in facts if label != "name"])


def _draw(rng: random.Random, weights: dict[str, int]) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]
