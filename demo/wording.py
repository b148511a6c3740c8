"""The phrases that state one fact, by the kind of sentence they fit into.

A key is a label, or "label: value" where the words depend on the value. ``{x}`` stands for the value as it
is spoken (with its article, where it takes one) and ``{bare}`` for the value as it stands in the prompt.
"""

import random
from collections.abc import Mapping

from demo.facts import LENGTHS

Phrases = Mapping[str, tuple[str, ...]]

# After "it", "the walk", "the route" or the name.
VERBS: Phrases = {
    "length": ("is {x} long", "covers {x}", "runs for {x}"),
    "effort: easy": ("is easy going", "is easy from end to end", "is gentle all the way"),
    "effort: moderate": ("is moderate going", "asks for a moderate effort"),
    "effort: hard": ("is hard going", "is strenuous", "is a demanding one"),
    "ground": ("follows {x}", "keeps to {x}", "runs along {x}"),
    "sight": ("passes {x}", "takes in {x}", "leads you past {x}"),
    "stop": ("has {x} on the way", "calls at {x}"),
    "start": ("starts at the {x}", "begins at the {x}", "sets out from the {x}"),
    "best in": ("is at its best in {x}", "is loveliest in {x}"),
    "dogs: welcome": ("welcomes dogs", "is open to dogs"),
    "dogs: on a lead": ("asks for dogs to be on a lead",),
    "dogs: not allowed": ("is closed to dogs",),
    "pushchairs: yes": ("suits pushchairs", "is fine for pushchairs"),
    "pushchairs: no": ("does not suit pushchairs", "is not for pushchairs"),
}

# Whole clauses.
CLAUSES: Phrases = {
    "length": ("the whole way is {x}", "the distance is {x}"),
    "effort: easy": ("the going is easy", "the climbs are gentle"),
    "effort: moderate": ("the effort is moderate", "the climbs are moderate"),
    "effort: hard": ("the going is hard", "the climbs are demanding"),
    "ground": ("you walk on {x}", "there are {x} underfoot"),
    "sight": ("you pass {x}", "{x} is the highlight", "on the way you see {x}"),
    "stop": ("there is {x} on the way", "{x} waits along the way"),
    "start": ("you set out from the {x}", "the start is at the {x}"),
    "best in": ("{x} is the time to go", "it is prettiest in {x}"),
    "dogs: welcome": ("dogs are welcome", "dogs may come along"),
    "dogs: on a lead": ("dogs must be on a lead", "dogs are fine on a lead"),
    "dogs: not allowed": ("dogs are not allowed", "dogs must stay at home"),
    "pushchairs: yes": ("pushchairs can manage it", "pushchairs are no trouble"),
    "pushchairs: no": ("pushchairs cannot manage it", "it is no place for pushchairs"),
}

# What the reader is asked to do.
REQUESTS: Phrases = {
    "length": ("allow for {x}",),
    "effort: easy": ("enjoy the easy going",),
    "effort: moderate": ("be ready for a moderate climb",),
    "effort: hard": ("be ready for a hard climb",),
    "ground": ("expect {x} underfoot",),
    "sight": ("look out for {x}", "see the {bare}"),
    "stop": ("stop at the {bare}", "take a break at the {bare}", "treat yourself at the {bare}"),
    "start": ("set out from the {x}", "start at the {x}"),
    "best in": ("come in {x}", "go in {x}"),
    "dogs: welcome": ("bring the dog", "bring your dog along"),
    "dogs: on a lead": ("keep dogs on a lead", "keep your dog on a lead"),
    "dogs: not allowed": ("leave the dog at home", "please bring no dogs"),
    "pushchairs: yes": ("bring the pushchair",),
    "pushchairs: no": ("leave the pushchair at home",),
}

# Items of a list, without a verb.
NOTES: Phrases = {
    "length": ("{x}",),
    "effort: easy": ("easy", "easy going"),
    "effort: moderate": ("moderate", "moderate effort"),
    "effort: hard": ("hard", "hard going"),
    "ground": ("{x}",),
    "sight": ("{bare}", "past {x}"),
    "stop": ("{bare} on the way", "a rest at the {bare}"),
    "start": ("from the {x}", "starts at the {x}"),
    "best in": ("best in {x}", "loveliest in {x}"),
    "dogs: welcome": ("dogs welcome",),
    "dogs: on a lead": ("dogs on a lead",),
    "dogs: not allowed": ("no dogs",),
    "pushchairs: yes": ("fine for pushchairs",),
    "pushchairs: no": ("not for pushchairs",),
}

# Where a walk leads, after its noun or its verb.
WAYS: Phrases = {
    "start": ("from the {x}",),
    "ground": ("along {x}", "on {x}"),
    "sight": ("past {x}", "by way of {x}"),
    "stop": ("with {x} on the way", "with a stop at the {bare}"),
}

ADJECTIVES: Mapping[str, tuple[str, ...]] = {
    "easy": ("easy", "gentle"),
    "moderate": ("moderate",),
    "hard": ("hard", "demanding", "strenuous"),
}


def state(phrases: Phrases, label: str, value: str, rng: random.Random) -> str:
    """One of the ``phrases`` for this fact."""
    templates = phrases.get(f"{label}: {value}") or phrases[label]
    return rng.choice(templates).format(x=spoken(label, value, rng), bare=value)


def spoken(label: str, value: str, rng: random.Random) -> str:
    """The value as one says it: "5 km" or "five kilometres", "a ruined abbey"."""
    if label == "length":
        return rng.choice([value, f"{LENGTHS[value]} kilometres"])
    return with_article(value) if label in ("sight", "stop") else value


def with_article(words: str) -> str:
    """ "a" or "an" before ``words``, by their sound: an oak avenue, an 8 km walk, an 11 km walk."""
    vowel = words[0].lower() in "aeiou" or words.startswith(("8 ", "8-", "11 ", "11-"))
    return f"an {words}" if vowel else f"a {words}"
