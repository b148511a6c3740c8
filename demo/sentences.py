"""Facts -> a notice: a headline that names the walk, then the facts that it left out.

Every function that writes returns the labels it has stated, so that no fact is said twice.
"""

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from demo.facts import LENGTHS, Facts
from demo.wording import ADJECTIVES, CLAUSES, NOTES, REQUESTS, VERBS, WAYS, Phrases, state, with_article

TONES = ("plain", "warm", "terse")
WARM_ADJECTIVES = ("lovely", "pleasant", "peaceful", "charming", "favourite")
WARM_CLOSINGS = ("Enjoy!", "Have a good day out!", "You will want to come back.", "It is worth every step.")


class Written(NamedTuple):
    """Words, and the labels of the facts that they state."""

    text: str
    stated: frozenset[str]


def describe(facts: Facts, rng: random.Random, tone: str) -> str:
    """A notice that states every one of ``facts`` once."""
    if tone == "terse":
        return _terse(facts, rng)
    opening = _headline(facts, rng, warm=tone == "warm")
    rest = [label for label in facts if label not in opening.stated]
    rng.shuffle(rest)
    sentences = [opening.text, *(_follow_up(facts, group, rng) for group in _groups(rest, rng))]
    if tone == "warm" and rng.random() < 0.3:
        sentences.append(rng.choice(WARM_CLOSINGS))
    return " ".join(_capital(sentence) for sentence in sentences)


def _terse(facts: Facts, rng: random.Random) -> str:
    """A name and a list: "The Fox Hill Loop: easy, 5 km, sandy paths. Best in autumn; no dogs." """
    labels = [label for label in facts if label != "name"]
    if rng.random() < 0.5:
        rng.shuffle(labels)
    notes = [state(NOTES, label, facts[label], rng) for label in labels]
    cut = rng.randint(1, len(notes))
    first, second = ", ".join(notes[:cut]), rng.choice(["; ", ", "]).join(notes[cut:])
    text = f"{_capital(_named(facts))}: {first}."
    return f"{text} {_capital(second)}." if second else text


def _headline(facts: Facts, rng: random.Random, *, warm: bool) -> Written:
    able = [frame for frame, needs in _FRAMES if not needs or not needs.isdisjoint(facts)]
    words, stated = rng.choice(able)(facts, rng, warm)
    return Written(words, stated | {"name"})


def _is_a_walk(facts: Facts, rng: random.Random, warm: bool) -> Written:
    walk = _walk_and_way(facts, rng, warm)
    return Written(f"{_named(facts)} is {walk.text}.", walk.stated)


def _try_it(facts: Facts, rng: random.Random, warm: bool) -> Written:
    walk = _walk_and_way(facts, rng, warm)
    return Written(f"for {walk.text}, {rng.choice(['try', 'take', 'choose'])} {_named(facts)}.", walk.stated)


def _take_it(facts: Facts, rng: random.Random, warm: bool) -> Written:
    walk = _walk_and_way(facts, rng, warm)
    return Written(
        f"{rng.choice(['take', 'follow', 'choose'])} {_named(facts)} for {walk.text}.", walk.stated
    )


def _leads(facts: Facts, rng: random.Random, warm: bool) -> Written:
    """ "The Fox Hill Loop winds for 5 km along sandy paths." """
    way = _way(facts, rng, least=1)
    verb = rng.choice(
        ["leads you", "winds its way", "takes you", "wanders"] if warm else ["leads", "runs", "winds"]
    )
    length = _length(facts, rng)
    return Written(f"{_named(facts)} {verb}{length.text}{way.text}.", length.stated | way.stated)


def _does(facts: Facts, rng: random.Random, warm: bool) -> Written:
    """ "The Fox Hill Loop passes a waterfall and suits pushchairs." """
    labels = _some(facts, frozenset({"name"}), rng)
    verbs = _listed(_stated(VERBS, facts, labels, rng))
    return Written(f"{_named(facts)} {verbs}.", frozenset(labels))


def _starting(facts: Facts, rng: random.Random, warm: bool) -> Written:
    """ "Starting at the old quay, the Fox Hill Loop is an easy walk." """
    others = {label: value for label, value in facts.items() if label != "start"}
    if set(others) == {"name"}:
        return _does(facts, rng, warm)
    able = [frame for frame, needs in _FRAMES[:3] if not needs.isdisjoint(others)] or [_does]
    words, stated = rng.choice(able)(others, rng, warm)
    opening = rng.choice(["starting at", "setting out from"])
    return Written(f"{opening} the {facts['start']}, {words}", stated | {"start"})


def _in_season(facts: Facts, rng: random.Random, warm: bool) -> Written:
    """ "In autumn, take the Fox Hill Loop for an easy walk." """
    words, stated = _take_it(facts, rng, warm)
    return Written(f"in {facts['best in']}, {words}", stated | {"best in"})


def _apposition(facts: Facts, rng: random.Random, warm: bool) -> Written:
    """ "An easy 5 km walk, the Fox Hill Loop passes a waterfall and suits pushchairs." """
    walk = _walk(facts, rng, warm)
    labels = _some(facts, walk.stated | {"name"}, rng)
    if not labels:
        return _is_a_walk(facts, rng, warm)
    verbs = _listed(_stated(VERBS, facts, labels, rng))
    return Written(f"{with_article(walk.text)}, {_named(facts)} {verbs}.", walk.stated | frozenset(labels))


_Frame = Callable[[Facts, random.Random, bool], Written]
_NOUN = frozenset({"effort", "length"})  # what the noun can carry
_LEADS = frozenset({"ground", "sight"})
# Each way to open, with the facts of which it needs one. The first three go on after "Starting at ...,".
_FRAMES: tuple[tuple[_Frame, frozenset[str]], ...] = (
    (_is_a_walk, _NOUN | _LEADS),
    (_is_a_walk, _NOUN | _LEADS),
    (_leads, _LEADS),
    (_try_it, _NOUN),
    (_take_it, _NOUN | _LEADS),
    (_apposition, _NOUN),
    (_does, frozenset()),
    (_starting, frozenset({"start"})),
    (_in_season, frozenset({"best in"})),
)


def _named(facts: Facts) -> str:
    return f"the {facts['name']}"


def _some(facts: Facts, but: frozenset[str], rng: random.Random) -> list[str]:
    """One or two labels, in any order, that are not in ``but``; none where none is left."""
    rest = [label for label in facts if label not in but]
    return rng.sample(rest, min(rng.randint(1, 2), len(rest)))


def _walk_and_way(facts: Facts, rng: random.Random, warm: bool) -> Written:
    """ "an easy 5 km walk along sandy paths": never a bare "a walk" where the facts allow more."""
    walk = _walk(facts, rng, warm)
    way = _way(facts, rng, least=0 if walk.stated else 1)
    return Written(with_article(walk.text) + way.text, walk.stated | way.stated)


def _walk(facts: Facts, rng: random.Random, warm: bool) -> Written:
    """The noun and what stands before or after it: "lovely easy walk of 5 km"."""
    able = [label for label in ("effort", "length") if label in facts]
    stated = able if rng.random() < 0.7 else able[:1]
    words, after = [rng.choice(WARM_ADJECTIVES)] if warm else [], ""
    if "effort" in stated:
        words.append(rng.choice(ADJECTIVES[facts["effort"]]))
    if "length" in stated:
        before, after = _length_around_the_noun(facts["length"], rng)
        words.extend(before)
    words.append(rng.choice(["walk", "walk", "ramble", "outing"]))
    return Written(" ".join(words) + after, frozenset(stated))


def _length_around_the_noun(length: str, rng: random.Random) -> tuple[list[str], str]:
    number = LENGTHS[length]
    return rng.choice([([length], ""), ([f"{number}-kilometre"], ""), ([], f" of {length}")])


def _length(facts: Facts, rng: random.Random) -> Written:
    if "length" not in facts or rng.random() < 0.2:
        return Written("", frozenset())
    length = rng.choice([facts["length"], f"{LENGTHS[facts['length']]} kilometres"])
    return Written(f" for {length}", frozenset({"length"}))


def _way(facts: Facts, rng: random.Random, least: int = 0) -> Written:
    """From where, along what, past what, with what to rest at; "least" phrases or more."""
    able = [label for label in WAYS if label in facts]
    count = rng.randint(min(least, len(able)), min(3, len(able)))
    chosen = [label for label in able if label in set(rng.sample(able, count))]
    if {"ground", "sight"} <= set(chosen) and rng.random() < 0.3:
        first, second = chosen.index("ground"), chosen.index("sight")
        chosen[first], chosen[second] = "sight", "ground"
    text = "".join(" " + state(WAYS, label, facts[label], rng) for label in chosen)
    return Written(text, frozenset(chosen))


def _groups(labels: Sequence[str], rng: random.Random) -> list[list[str]]:
    """Cut what is left into sentences of one to three facts."""
    groups, rest = [], list(labels)
    while rest:
        size = rng.choice([1, 2, 2, 3]) if len(rest) > 3 else rng.choice([min(2, len(rest)), len(rest)])
        groups.append(rest[:size])
        rest = rest[size:]
    return groups


def _follow_up(facts: Facts, labels: Sequence[str], rng: random.Random) -> str:
    """One sentence: what the walk does, what is so, or what the reader is asked to do."""
    kind = rng.choice(["verbs", "clauses", "requests"])
    if kind == "verbs":
        subject = rng.choice(["it", "it", "it", "the walk", "the route"])
        return f"{subject} {_listed(_stated(VERBS, facts, labels, rng))}."
    if kind == "requests":
        return f"{_listed(_stated(REQUESTS, facts, labels, rng))}."
    return f"{_joined(_stated(CLAUSES, facts, labels, rng), rng)}."


def _stated(phrases: Phrases, facts: Facts, labels: Sequence[str], rng: random.Random) -> list[str]:
    return [state(phrases, label, facts[label], rng) for label in labels]


def _listed(phrases: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    *front, last = phrases
    return f"{', '.join(front)} and {last}" if front else last


def _joined(clauses: Sequence[str], rng: random.Random) -> str:
    """Whole clauses: "a, and b", "a; b; c"."""
    *front, last = clauses
    if not front:
        return last
    if rng.random() < 0.3:
        return "; ".join(clauses)
    return f"{', '.join(front)}, and {last}"


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
