"""The grammar: English that states what it was given."""

import random
import re

import pytest

from demo.facts import VALUES, facts_of, prompt_text
from demo.sentences import TONES, describe
from demo.walks import draw_walk
from demo.wording import CLAUSES, NOTES, REQUESTS, VERBS, spoken, with_article


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("oak avenue", "an oak avenue"),
        ("ice-cream kiosk", "an ice-cream kiosk"),
        ("waterfall", "a waterfall"),
        ("8 km walk", "an 8 km walk"),  # eight
        ("11 km walk", "an 11 km walk"),  # eleven
        ("12 km walk", "a 12 km walk"),
    ],
)
def test_article_follows_the_sound_of_the_next_word(words: str, expected: str) -> None:
    assert with_article(words) == expected


def test_every_value_has_words_in_every_kind_of_sentence() -> None:
    for phrases in (VERBS, CLAUSES, REQUESTS, NOTES):
        for label, values in VALUES.items():
            assert all(f"{label}: {value}" in phrases or label in phrases for value in values), label


@pytest.mark.parametrize("tone", TONES)
def test_one_fact_besides_the_name_still_makes_a_sentence(tone: str) -> None:
    for label, values in VALUES.items():
        for seed in range(20):
            notice = describe({"name": "Fox Hill Way", label: values[0]}, random.Random(seed), tone)
            assert "Fox Hill Way" in notice
            assert notice.endswith((".", "!"))


@pytest.mark.parametrize("tone", TONES)
def test_notices_are_clean_sentences(tone: str) -> None:
    rng = random.Random(5)
    for _ in range(500):
        notice = describe(draw_walk(rng), rng, tone)
        assert not re.search(r"  | [.,;:]|[.,;:]{2}|\{|\}|\ba [aeiou]|\ban [^aeiou81]", notice), notice
        assert all(part[0].isupper() or part[0].isdigit() for part in re.split(r"(?<=[.!]) ", notice)), notice
        assert notice[-1] in ".!"


def test_a_length_is_spoken_in_figures_or_words() -> None:
    heard = {spoken("length", "9 km", random.Random(seed)) for seed in range(30)}
    assert heard == {"9 km", "nine kilometres"}


def test_a_prompt_gives_its_facts_back() -> None:
    rng = random.Random(3)
    for _ in range(200):
        facts = draw_walk(rng)
        assert facts_of(prompt_text(facts)) == facts
        assert 4 <= len(facts) <= 6  # the name and three to five others


@pytest.mark.parametrize("text", ["What is the capital of Peru?", "- name: Fox Hill Way", ""])
def test_another_projects_prompt_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a prompt of the demo"):
        facts_of(text)
