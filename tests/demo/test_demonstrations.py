"""The demonstrations: repeatable, varied, and slipping as often as they say."""

import hashlib
import re
from collections import Counter
from itertools import islice

from demo.build import Recipe
from demo.demonstrations import Demonstration, demonstrations
from demo.facts import VALUES
from demo.measure import Reading, read
from demo.project import guidelines, prompts

# How many facts are missing, wrong and invented by each slip.
SLIPS = {
    "none": (0, 0, 0),
    "one left out": (1, 0, 0),
    "two left out": (2, 0, 0),
    "one wrong": (0, 1, 0),
    "one invented": (0, 0, 1),
}


def test_the_data_is_the_one_the_policy_was_trained_on() -> None:
    # Of seed 1: the grammar, the words or Python's generator changed if this digest does; then train the
    # policy again (manage.py build_demo_policy) and write the new digest here.
    text = "".join(f"{d.prompt}\0{d.completion}\0{d.slip}\0" for d in demonstrations(1, 500))
    assert (
        hashlib.sha256(text.encode()).hexdigest()
        == "487ce0a369988d4a96c5f6e76e951ace297b29b35cd904cf997563b81040d145"
    )


def test_a_smaller_count_is_the_beginning_and_another_seed_is_other_data() -> None:
    assert list(islice(demonstrations(1, 50), 20)) == list(demonstrations(1, 20))
    assert set(demonstrations(1, 50)).isdisjoint(demonstrations(2, 50))


def test_notices_vary_in_their_words_and_not_only_in_their_facts() -> None:
    drawn = list(demonstrations(1, 2000))
    assert len({d.completion for d in drawn}) > 1990
    assert len({_skeleton(d.completion) for d in drawn}) > 1900


def test_every_slip_is_the_one_it_says() -> None:
    for demonstration in demonstrations(1, 2000):
        reading = read(demonstration.prompt, demonstration.completion)
        assert _counts(reading) == SLIPS[demonstration.slip], (demonstration, reading)
        assert not reading.repeated, demonstration


def test_half_of_the_notices_are_faultless() -> None:
    slips = Counter(d.slip for d in demonstrations(1, 2000))
    assert set(slips) == set(SLIPS)
    assert 0.46 < slips["none"] / 2000 < 0.54  # 0.5 +- 3.6 standard errors of 0.011


def test_the_projects_prompts_are_distinct_and_none_was_trained_on() -> None:
    ranked = [line["prompt"] for line in prompts()]
    assert len(set(ranked)) == len(ranked) == 200
    assert prompts(10) == prompts()[:10]
    trained = {demonstration.prompt for demonstration in demonstrations(Recipe.seed, Recipe.demonstrations)}
    assert trained.isdisjoint(ranked)


def test_the_guidelines_example_is_ranked_as_they_say() -> None:
    demonstration = Demonstration(
        "Describe this walk:\n- name: Fox Hollow Way\n- length: 5 km\n- sight: waterfall\n- dogs: on a lead",
        "",
        "none",
    )
    quoted = [
        line.split('"')[1] for line in guidelines().replace("\n  ", " ").splitlines() if line.startswith("- ")
    ]
    counts = [
        (len(reading.right), *_counts(reading))
        for reading in (read(demonstration.prompt, text) for text in quoted)
    ]
    # right, missing, wrong, invented
    assert counts == [(4, 0, 0, 0), (3, 1, 0, 0), (2, 0, 2, 1)]


def _counts(reading: Reading) -> tuple[int, int, int]:
    return len(reading.missing), len(reading.wrong), len(reading.invented)


def _skeleton(notice: str) -> str:
    """The notice without its name and its values."""
    values = sorted((value for of_kind in VALUES.values() for value in of_kind), key=len, reverse=True)
    return re.sub("|".join(map(re.escape, values)), "_", re.sub(r"(?<=[Tt]he )([A-Z]\w+ ?)+", "_ ", notice))
