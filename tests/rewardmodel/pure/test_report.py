"""The held-out report: intervals, calibration, agreement and slices, by hand and by brute force."""

import math
import random
from typing import Any

import pytest
import torch

from lm.bootstrap import mean_by_prompt
from rewardmodel.bradley_terry.calibration import calibration
from rewardmodel.bradley_terry.encoding import Limits, encode
from rewardmodel.bradley_terry.evaluate import compare, report_on
from rewardmodel.bradley_terry.judged import Judged, held_out, said_by_others
from rewardmodel.bradley_terry.normalise import normalisation_on
from rewardmodel.bradley_terry.records import Record, parse_record
from rewardmodel.bradley_terry.scoring import Normalisation, RewardModel, Scored
from runs.folder.lines import Fields
from tests.rewardmodel.pure.factories import make_line, make_network


def make_model(**fields: Any) -> RewardModel:
    tokenizer, network = make_network()
    defaults: dict[str, Any] = {
        "limits": Limits(64, 64, 256),
        "share": True,
        "ties": "davidson",
        "tie_parameter": 0.0,
        "normalisation": Normalisation(),
        "meta": {},
    }
    return RewardModel(network=network, tokenizer=tokenizer, **(defaults | fields))


class ByHand(RewardModel):
    """A reward model whose score of a text is told: what it reports can be worked out by hand."""

    scores: dict[str, float]

    def score_flagged(self, items: Any, *, between: Any = None) -> Scored:
        between()
        whole = [False] * len(items)
        return Scored(torch.tensor([self.scores[text] for _, _, text in items]), whole, whole)


def make_told(**scores: float) -> ByHand:
    model = make_model()
    model.__class__ = ByHand
    model.scores = scores  # type: ignore[attr-defined]
    assert isinstance(model, ByHand)
    return model


def records(*lines: dict[str, Any]) -> list[Record]:
    return [parse_record(Fields(line)) for line in lines]


def report(model: RewardModel, *lines: dict[str, Any]) -> dict[str, Any]:
    return report_on(model, records(*lines), resamples=50, between=lambda: None)


def test_the_interval_of_a_mean_draws_prompts_and_not_pairs() -> None:
    prompts, values = ["a"] * 90 + ["b"] * 10, [1.0] * 90 + [0.0] * 10
    mean = mean_by_prompt(prompts, values, resamples=2000)
    # two prompts: both drawn twice gives 0 or 1, so the interval is all of it; of 100 pairs it would be .84 to .96
    assert mean == {"value": 0.9, "interval": [0.0, 1.0], "count": 100, "prompts": 2}
    assert mean_by_prompt([], [], resamples=10) is None


def test_the_interval_of_many_equal_prompts_is_that_of_the_normal_distribution() -> None:
    chance = random.Random(0)
    values = [float(chance.random() < 0.7) for _ in range(400)]
    figure = mean_by_prompt([str(number) for number in range(400)], values, resamples=4000)
    assert figure is not None
    mean = sum(values) / 400
    half = 1.96 * math.sqrt(mean * (1 - mean) / 400)
    assert figure["interval"] == pytest.approx([mean - half, mean + half], abs=0.006)
    assert figure == mean_by_prompt([str(number) for number in range(400)], values, resamples=4000)


def test_what_a_reward_model_was_unsure_of_is_not_what_it_is_measured_on() -> None:
    model = make_told(good=1.0, bad=0.0)
    lines = [
        make_line([1, 2], texts=["good", "bad"], split="test", prompt="one"),
        make_line([1, 2], texts=["bad", "good"], split="test", prompt="two", by_doubt=True),
    ]
    held_out = report(model, *lines)["held_out"]
    assert (held_out["prompts"], held_out["accuracy"]["value"]) == (1, 1.0)


def test_calibration_is_the_gap_between_confidence_and_accuracy() -> None:
    # bins [.5, .55): .52 right, and .52 said by 1 - .48, wrong: confidence .52, accuracy 1/2, gap .02, twice
    # bin [.9, .95): .93 right: gap .07
    figures = calibration([0.52, 0.48, 0.93])
    assert figures["ece"] == pytest.approx((2 * 0.02 + 0.07) / 3)
    assert [bin["pairs"] for bin in figures["reliability"]] == [2, 1]
    assert figures["reliability"][1] == pytest.approx(
        {"low": 0.9, "high": 0.95, "confidence": 0.93, "accuracy": 1.0, "pairs": 1}
    )
    assert calibration([1.0])["reliability"][0]["high"] == 1
    assert calibration([]) == {"ece": None, "reliability": []}


def agreements(*lines: dict[str, Any]) -> list[tuple[str | None, int, int, float]]:
    """(annotator, preferred, rejected, what the others say) of every strict pair that others judged too."""
    read = records(*lines)
    pairs = [Judged(record, i, j, 0.0, 0.5) for record in read for i, j in record.pairs]
    return [
        (one.record.annotator, one.preferred, one.rejected, same) for one, same in said_by_others(pairs, read)
    ]


def test_people_are_measured_on_each_others_strict_pairs_and_a_tie_is_a_guess() -> None:
    alice, bob = make_line([1, 2, 3], annotator="alice"), make_line([1, 3, 2], annotator="bob")
    assert sorted(agreements(alice, bob)) == [
        ("alice", 0, 1, 1.0),
        ("alice", 0, 2, 1.0),
        ("alice", 1, 2, 0.0),
        ("bob", 0, 1, 1.0),
        ("bob", 0, 2, 1.0),
        ("bob", 2, 1, 0.0),
    ]
    # Erin ties two of them, Frank all: each of the others' pairs is judged by them too.
    erin, frank = make_line([1, 1, 2], annotator="erin"), make_line([1, 1, 1], annotator="frank")
    assert agreements(alice, erin)[:3] == [("alice", 0, 1, 0.5), ("alice", 0, 2, 1.0), ("alice", 1, 2, 1.0)]
    assert [same for *_, same in agreements(alice, frank)] == [0.5, 0.5, 0.5]
    assert agreements(alice, bob, frank)[2] == ("alice", 1, 2, 0.25)


def test_nobody_is_another_person_to_themselves_or_where_it_is_not_known_who_they_are() -> None:
    lines = [
        make_line([1, 2, 3], annotator="alice"),
        make_line([2, 1, 3], annotator="alice"),
        make_line([2, 1, 3], annotator=None),
        make_line([3, 2, 1], annotator="frank", task="other"),
        {**make_line([1, 2, 3], annotator="bob"), "verdict": "all_bad", "tiers": [], "pairs": [], "ties": []},
    ]
    assert agreements(*lines) == []


def test_a_completion_is_known_by_its_id_and_not_by_its_place() -> None:
    one, other = make_line([1, 2]), make_line([2, 1], annotator="bob")
    other["completions"] = other["completions"][::-1]
    assert [same for *_, same in agreements(one, other)] == [1, 1]


def test_the_test_split_is_reported_and_validation_only_where_there_is_none() -> None:
    both = records(make_line([1, 2], split="validation"), make_line([1, 2], split="test"))
    assert held_out(both)[0] == "test"
    assert held_out(both[:1])[0] == "validation"
    assert held_out(records(make_line([1, 1], split="test"), make_line([1, 2]))) == (None, [])


def test_the_report_is_what_hand_counting_gives() -> None:
    model = make_told(long_text=1.0, mid=0.0, x=2.0, nil=0.0)
    whole = report(
        model,
        make_line([1, 2], texts=["mid", "nil"], annotator="bob"),
        # right: 1 > 0, the longer wins, shown second
        make_line(
            [1, 2], texts=["long_text", "mid"], split="test", order_shown=[1, 0], annotator="bob", prompt="P"
        ),
        # wrong (1 < 2), the longer preferred, shown first; equal scores (1/2) and equal lengths (1/2)
        make_line([1, 2], texts=["long_text", "x"], split="test", order_shown=[0, 1], prompt="Q"),
        make_line([1, 2], texts=["mid", "nil"], split="test", prompt="Q"),
    )
    held_out = whole["held_out"]
    assert (held_out["split"], held_out["prompts"], held_out["rankings"], held_out["pairs"]) == (
        "test",
        2,
        3,
        3,
    )
    assert held_out["accuracy"]["value"] == pytest.approx(1.5 / 3)
    assert held_out["longer_wins"]["value"] == pytest.approx(2.5 / 3)
    assert held_out["first_shown_wins"] | {"interval": None} == {
        "value": 0.5,
        "interval": None,
        "count": 2,
        "prompts": 2,
    }
    assert held_out["above_longer_wins"]["value"] == pytest.approx(-1 / 3)
    losses = [math.log(1 + math.exp(-gap)) for gap in (1, -1, 0)]
    assert held_out["log_loss"]["value"] == pytest.approx(sum(losses) / 3, abs=1e-6)
    by_annotator = {row["slice"]: row["value"] for row in held_out["by_annotator"]}
    assert by_annotator == {"seen in training": 1, "unseen": 0.25}
    lengths = {row["slice"]: row["count"] for row in held_out["by_length_difference"]}
    assert lengths == {0: 3}
    longer = {row["slice"]: row["value"] for row in held_out["by_longer"]}
    assert longer == {"preferred": 0.5, "same length": 0.5}
    assert [(row["slice"], row["count"]) for row in held_out["by_tier_distance"]] == [(1, 3)]
    assert [(row["slice"], row["count"]) for row in held_out["by_source_pair"]] == [("s0 | s1", 3)]
    # scored texts of a prompt: (9, 1), (3, 0), (9, 1), (1, 2), (3, 0), (3, 0); Pearson by the definition
    points = [(9, 1), (3, 0), (9, 1), (1, 2), (3, 0), (3, 0)]
    means = [sum(point[axis] for point in points) / 6 for axis in (0, 1)]
    cross, *squares = (
        sum((point[a] - means[a]) * (point[b] - means[b]) for point in points)
        for a, b in ((0, 1), (0, 0), (1, 1))
    )
    assert held_out["score_length_correlation"] == pytest.approx(cross / math.sqrt(math.prod(squares)))


def test_without_held_out_rankings_the_report_says_so() -> None:
    whole = report(make_model(), make_line([1, 2]))
    assert (whole["held_out"], whole["human_agreement"]) == (None, None)
    assert "held-out" in whole["note"]


def test_two_reward_models_are_compared_on_the_same_drawn_prompts() -> None:
    lines = [
        make_line([1, 2], texts=["a", "b"], split="test", prompt=f"P{number}", ranking=f"r{number}")
        for number in range(10)
    ] + [make_line([1, 2], texts=["c", "d"], split="test", prompt="P0")]
    better, worse = make_told(a=1, b=0, c=1, d=0), make_told(a=0, b=1, c=1, d=0)
    comparison = compare(better, worse, records(*lines), resamples=200, between=lambda: None)
    assert comparison is not None
    # 11 right of 11 against 1 of 11; both are right of the last
    difference = comparison["difference"]
    assert difference["value"] == pytest.approx(10 / 11)
    assert comparison["accuracy"]["value"] == pytest.approx(1 / 11)
    assert (difference["prompts"], difference["count"]) == (10, 11)
    low, high = difference["interval"]
    assert 0.6 < low < 10 / 11 < high <= 1
    same = compare(worse, worse, records(*lines), resamples=200, between=lambda: None)
    assert same is not None
    assert (same["difference"]["value"], same["difference"]["interval"]) == (0, [0, 0])
    assert (
        compare(
            better, worse, records(make_line([1, 2], texts=["a", "b"])), resamples=9, between=lambda: None
        )
        is None
    )


MESSAGES = [{"role": "user", "content": "How is the inn?"}]


def test_a_score_depends_on_no_neighbour_and_keeps_its_place() -> None:
    other = [{"role": "user", "content": "And the bar, the cafe and the club?"}]
    items = [
        ("text", MESSAGES, "good"),
        ("text", other, "the bar is great and plain"),
        ("chat", MESSAGES, "good"),
        ("text", MESSAGES, "awful and then poor"),
        ("text", MESSAGES, "good"),
    ]
    model = make_model()
    together = model.score_many(items)
    alone = torch.cat([model.score_many([item]) for item in items])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)
    model.micro_batch_tokens = 1
    torch.testing.assert_close(model.score_many(items), alone, rtol=0, atol=1e-5)
    model.share = False
    torch.testing.assert_close(model.score_many(items), alone, rtol=0, atol=1e-5)
    assert abs(float(together[0] - together[2])) > 0.01  # a chat prompt is another prompt
    torch.testing.assert_close(
        model.score_completions("text", MESSAGES, ["good"]), together[:1], rtol=0, atol=1e-5
    )
    assert model.score_many([]).shape == (0,)


def test_equal_texts_of_a_prompt_are_read_once_and_have_one_score(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_model()
    rows: list[int] = []
    network = model.network.forward

    def count_rows(batch: Any) -> torch.Tensor:
        values = network(batch)
        rows.append(len(values))
        return values

    monkeypatch.setattr(model.network, "forward", count_rows)
    texts = ["good", "awful and then poor", "good", "good", "awful and then poor"]
    scored = model.score_flagged([("text", MESSAGES, text) for text in texts])
    assert sum(rows) == 2
    assert len(set(scored.scores.tolist())) == 2
    assert scored.scores[0] == scored.scores[2] == scored.scores[3]
    assert scored.scores[1] == scored.scores[4]


def test_scores_of_texts_too_long_to_be_read_whole_are_flagged() -> None:
    model = make_model(limits=Limits(20, 8, 256))
    long = [{"role": "user", "content": "How is the inn? " * 10}]
    items = [
        ("text", long, "good"),
        ("text", MESSAGES, "good"),
        ("text", MESSAGES, "good and " * 10),
        ("text", MESSAGES, "poor"),
        ("text", long, "good and " * 10),
    ]
    scored = model.score_flagged(items)
    assert scored.prompts_cut == [True, False, False, False, True]
    assert scored.completions_cut == [False, False, True, False, True]
    assert scored.truncated == [True, False, True, False, True]


def test_normalised_scores_have_mean_0_and_deviation_1_on_the_reference_completions() -> None:
    model = make_model()
    encoded_from = [(MESSAGES, ["good", "great and good", "awful"]), (MESSAGES[:1], ["poor", "plain"])]
    encoded = [
        encode(model.tokenizer, model.limits, "text", messages, texts) for messages, texts in encoded_from
    ]
    model.normalisation = normalisation_on(model, encoded, between=lambda: None)
    scores = model.score_many(
        [("text", messages, text) for messages, texts in encoded_from for text in texts]
    )
    assert float(scores.mean()) == pytest.approx(0, abs=1e-5)
    assert float(scores.square().mean()) == pytest.approx(1, abs=1e-5)
    # what is said of a pair does not depend on the units of the scores
    raw = make_model().score_completions("text", MESSAGES, ["good", "awful"])
    chance = 1 / (1 + math.exp(float(raw[1] - raw[0])))
    assert float(model.probability((scores[0] - scores[2])[None])) == pytest.approx(chance, abs=1e-5)


def test_scores_that_are_all_one_are_not_blown_up() -> None:
    model = make_model()
    with torch.no_grad():
        model.network.head.weight.zero_()
        model.network.head.bias.fill_(3.0)
    encoded = [encode(model.tokenizer, model.limits, "text", MESSAGES, ["good", "poor"])]
    assert normalisation_on(model, encoded, between=lambda: None) == Normalisation(3.0, 1.0)
