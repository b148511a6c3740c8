"""Reward models side by side: the same pairs for all, and what each says of them, by models whose scores are told."""

from typing import Any

import pytest

from rewardmodel.bradley_terry.contest import side_by_side
from tests.rewardmodel.pure.factories import make_line
from tests.rewardmodel.pure.test_report import make_told, records


def lines() -> list[dict[str, Any]]:
    """Of ten prompts a is preferred to b, of two c to d; and one pair that is learnt from."""
    held_out = [
        make_line([1, 2], texts=["a", "b"], split="test", prompt=f"P{n}", ranking=f"r{n}") for n in range(10)
    ]
    held_out += [
        make_line([1, 2], texts=["c", "d"], split="test", prompt=f"Q{n}", ranking=f"q{n}") for n in range(2)
    ]
    return [*held_out, make_line([1, 2], texts=["b", "a"], split="train", prompt="T", ranking="t")]


def contest(*scores: dict[str, float], worst: int = 5, heard: list[int] | None = None) -> dict[str, Any]:
    return side_by_side(
        [lambda of_version=of_version: make_told(**of_version) for of_version in scores],  # type: ignore[misc]
        records(*lines()),
        resamples=200,
        worst=worst,
        between=(heard if heard is not None else []).append,
    )


def test_every_version_is_measured_on_the_same_held_out_pairs_and_beside_the_first() -> None:
    heard: list[int] = []
    figures = contest({"a": 1, "b": 0, "c": 0, "d": 1}, {"a": 0, "b": 1, "c": 1, "d": 0}, heard=heard)
    assert (figures["split"], figures["prompts"], figures["pairs"], figures["rankings"]) == (
        "test",
        12,
        12,
        12,
    )
    first, second = figures["versions"]
    assert first["accuracy"]["value"] == pytest.approx(10 / 12)
    assert second["accuracy"]["value"] == pytest.approx(2 / 12)
    assert first["difference"] is None
    assert second["difference"]["value"] == pytest.approx(-8 / 12)
    assert second["difference"]["prompts"] == 12
    low, high = second["difference"]["interval"]
    assert -1 <= low < -8 / 12 < high < 0
    assert sorted(set(heard)) == [0, 1]  # a stop is looked for while either is at work


def test_the_worst_pairs_are_those_that_all_of_them_find_least_likely_one_a_prompt_and_by_ids_alone() -> None:
    figures = contest({"a": 1, "b": 0, "c": 0, "d": 5}, {"a": 1, "b": 0, "c": 0, "d": 3}, worst=3)
    assert [one["ranking"] for one in figures["worst"][:2]] == ["q0", "q1"]
    assert len(figures["worst"]) == 3
    line = next(one for one in lines() if one["ranking"] == "q0")
    worst = figures["worst"][0]
    assert (worst["preferred"], worst["rejected"]) == tuple(one["id"] for one in line["completions"])
    assert worst["probabilities"][0] < worst["probabilities"][1] < 0.5
    assert set(worst) == {"ranking", "preferred", "rejected", "probabilities"}


def test_without_held_out_rankings_it_says_so() -> None:
    figures = side_by_side(
        [lambda: make_told(a=1, b=0)],
        records(make_line([1, 2], texts=["a", "b"], split="train")),
        resamples=10,
        worst=1,
        between=lambda _: None,
    )
    assert figures["versions"] == figures["worst"] == []
    assert "no held-out prompts" in figures["note"]
