"""Draw a walk: a name that is nobody's, and three to five facts."""

import random

from demo.facts import FIRST_WORDS, KINDS, LABELS, SECOND_WORDS, VALUES

LEAST_FACTS, MOST_FACTS = 3, 5


def draw_walk(rng: random.Random) -> dict[str, str]:
    """A walk's facts in the order of the prompt: the name and three to five others."""
    count = rng.randint(LEAST_FACTS, MOST_FACTS)
    chosen = set(rng.sample(list(VALUES), count))
    facts = {"name": draw_name(rng)}
    for label in LABELS:
        if label in chosen:
            facts[label] = rng.choice(VALUES[label])
    return facts


def draw_name(rng: random.Random) -> str:
    """A name such as "Heron Marsh Loop"."""
    return " ".join(rng.choice(words) for words in (FIRST_WORDS, SECOND_WORDS, KINDS))
