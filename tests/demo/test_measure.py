"""The measure against notices that were read by hand."""

import random

import pytest

from demo.facts import VALUES, prompt_text
from demo.measure import facts_stated, merit, read, statements
from demo.sentences import TONES, describe
from demo.walks import draw_walk

PROMPT = prompt_text(
    {
        "name": "Heron Marsh Loop",
        "length": "5 km",
        "sight": "ruined abbey",
        "dogs": "on a lead",
        "pushchairs": "no",
    }
)


@pytest.mark.parametrize(
    ("notice", "right", "points"),
    [
        # all five
        (
            "The Heron Marsh Loop is a 5 km walk past a ruined abbey. It is not for pushchairs; keep dogs on a lead.",
            5,
            5,
        ),
        # the length in words; dogs and pushchairs are missing
        ("Heron Marsh Loop: Five kilometres, ruined abbey.", 3, 3),
        # wrong length and wrong dogs: name, sight and pushchairs are right, 3 - 2
        (
            "Take the Heron Marsh Loop for a seven-kilometre walk past a ruined abbey. "
            "Bring the dog and leave the pushchair at home.",
            3,
            1,
        ),
        # another walk's name, one invented fact, the sight: 1 right - 1 wrong - 1 invented
        ("The Heron Marsh Trail is easy and passes a ruined abbey.", 1, -1),
        # right and wrong at once is wrong: name and sight right, length wrong
        ("The Heron Marsh Loop is a 5 km walk past a ruined abbey. It is 6 km long.", 2, 1),
        # said twice: name and length right, half a point off
        ("The Heron Marsh Loop is a 5 km walk. It is 5 km long.", 2, 1.5),
        ("", 0, 0),
    ],
)
def test_notice_scores_as_read_by_hand(notice: str, right: int, points: float) -> None:
    assert facts_stated(PROMPT, notice) == pytest.approx(right / 5, abs=1e-12)
    assert merit(PROMPT, notice) == pytest.approx(points / 5, abs=1e-12)


def test_the_words_of_a_name_state_nothing_else() -> None:
    assert statements("The Heron Field Path.") == statements("The Fox Hill Way.") | {
        "name": ["Heron Field Path"]
    }


@pytest.mark.parametrize(
    ("notice", "label", "value"),
    [
        ("It is no place for pushchairs.", "pushchairs", "no"),
        ("It does not suit pushchairs.", "pushchairs", "no"),
        ("It is fine for pushchairs.", "pushchairs", "yes"),
        ("It asks for dogs to be on a lead.", "dogs", "on a lead"),
        ("Leave the dog at home.", "dogs", "not allowed"),
        ("Dogs welcome.", "dogs", "welcome"),
        ("Be ready for a demanding climb.", "effort", "hard"),
    ],
)
def test_a_phrase_states_one_thing(notice: str, label: str, value: str) -> None:
    assert {name: values for name, values in statements(notice).items() if values} == {label: [value]}


@pytest.mark.parametrize("tone", TONES)
def test_a_changed_fact_is_found_wherever_it_stands(tone: str) -> None:
    rng = random.Random(11)
    for _ in range(200):
        facts = draw_walk(rng)
        notice = describe(facts, rng, tone)
        assert facts_stated(prompt_text(facts), notice) == 1.0
        label = rng.choice([label for label in facts if label != "name"])
        other = rng.choice([value for value in VALUES[label] if value != facts[label]])
        changed = prompt_text(facts | {label: other})
        assert read(changed, notice).wrong == [label], (changed, notice)
