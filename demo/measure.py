"""Which facts a notice states, misses, gets wrong, invents or says twice.

Each value has cues: words that state it and nothing else. They cover the grammar's wording and what a policy
makes of it, not all of English: the measure serves simulated annotators and tests, people read.
"""

import re
from typing import NamedTuple

from demo.facts import FIRST_WORDS, KINDS, LABELS, LENGTHS, SECOND_WORDS, VALUES, facts_of

_NAME = re.compile(rf"\b(?:{'|'.join(FIRST_WORDS)}) (?:{'|'.join(SECOND_WORDS)}) (?:{'|'.join(KINDS)})\b")
_LENGTH = re.compile(rf"\b(\d+|{'|'.join(LENGTHS.values())})[ -](?:km|kilometres?)\b")
_KM_OF_WORD = {word: length for length, word in LENGTHS.items()}

# Where the cue is not the value itself.
_CUES = {
    ("effort", "easy"): r"easy|gentle",
    ("effort", "hard"): r"hard|strenuous|demanding",
    (
        "dogs",
        "welcome",
    ): r"dogs (?:are )?welcome|welcomes dogs|open to dogs|dogs may come|bring (?:the|your) dog",
    ("dogs", "on a lead"): r"on a lead",
    ("dogs", "not allowed"): r"dogs are not allowed|no dogs|closed to dogs|dogs? (?:must stay )?at home",
    ("pushchairs", "yes"): (
        r"(?<!not )(?:suits|for) pushchairs|pushchairs can manage|pushchairs are no trouble|bring the pushchair"
    ),
    ("pushchairs", "no"): (
        r"not (?:suit|for) pushchairs|no place for pushchairs|pushchairs cannot manage|pushchair at home"
    ),
}
# A cue that holds another value's words: "no place for pushchairs" must not count as "for pushchairs".
_FIRST = (("pushchairs", "no"),)


class Reading(NamedTuple):
    """The labels of a prompt's facts, sorted into those stated rightly, not at all and wrongly; and what came
    on top: labels that the prompt does not list, and those that are stated twice."""

    right: list[str]
    missing: list[str]
    wrong: list[str]
    invented: list[str]
    repeated: list[str]


def facts_stated(prompt: str, completion: str) -> float:
    """The share of the prompt's facts, its name included, that the notice states rightly, in [0, 1].

    A fact that is stated both rightly and wrongly is wrong. Raises ValueError for a prompt of another project.
    """
    facts = facts_of(prompt)
    return len(read(prompt, completion).right) / len(facts)


def merit(prompt: str, completion: str) -> float:
    """What the guidelines ask for, as one number: 1 for every fact right and nothing else.

    Over the number of facts: +1 for one right, -1 for one wrong or invented, -1/2 for one said twice.
    """
    reading = read(prompt, completion)
    points = len(reading.right) - len(reading.wrong) - len(reading.invented) - len(reading.repeated) / 2
    return points / len(facts_of(prompt))


def read(prompt: str, completion: str) -> Reading:
    """Sort the prompt's facts by what the notice says of each."""
    facts, statements_read = facts_of(prompt), statements(completion)
    reading = Reading([], [], [], [], [])
    for label in LABELS:
        values = statements_read.get(label, [])
        if label in facts:
            _judge(reading, label, facts[label], values)
        elif values:
            reading.invented.append(label)
        if len(values) > len(set(values)):
            reading.repeated.append(label)
    return reading


def statements(completion: str) -> dict[str, list[str]]:
    """The values that a notice states, by label; a value stands as often as it is said."""
    rest = _NAME.sub(" ", completion)  # the words of a name state nothing else
    statements_read = {"name": _NAME.findall(completion), "length": _lengths(rest)}
    for label, value in _order():
        count, rest = _take(rest, _CUES.get((label, value), re.escape(value)))
        statements_read.setdefault(label, []).extend([value] * count)
    return statements_read


def _judge(reading: Reading, label: str, value: str, statements_read: list[str]) -> None:
    if not statements_read:
        reading.missing.append(label)
    elif set(statements_read) == {value}:
        reading.right.append(label)
    else:
        reading.wrong.append(label)


def _lengths(text: str) -> list[str]:
    """ "5 km", "five kilometres" and "five-kilometre" as "5 km"."""
    numbers = _LENGTH.findall(text.lower())
    return [_KM_OF_WORD.get(number, f"{number} km") for number in numbers]


def _order() -> list[tuple[str, str]]:
    every = [(label, value) for label in VALUES if label != "length" for value in VALUES[label]]
    return [*_FIRST, *(pair for pair in every if pair not in _FIRST)]


def _take(text: str, cue: str) -> tuple[int, str]:
    """How often the cue stands in ``text``, and the text without it."""
    rest, count = re.subn(rf"\b(?:{cue})\b", " ", text, flags=re.IGNORECASE)
    return count, rest
