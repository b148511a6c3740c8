"""Rankings to their loss, step by step: K-wise means, ties, and that the cut into forward passes changes nothing."""

import math
import random
from collections import Counter
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
import torch

from lm.optimizer import cosine, make_adamw, set_rates
from rewardmodel.bradley_terry.batches import by_length, plan_epoch
from rewardmodel.bradley_terry.config import Ties
from rewardmodel.bradley_terry.encoding import Encoded, Limits, Row, encode
from rewardmodel.bradley_terry.gradient import RankingLoss, accumulate_gradient, mean_loss
from rewardmodel.bradley_terry.objective import (
    TIE,
    Example,
    Objective,
    first_tie_parameter,
    index_pairs,
    ranking_losses,
    usable,
    win_probability,
)
from rewardmodel.bradley_terry.records import Pair
from tests.rewardmodel.pure.factories import make_network

CPU = torch.device("cpu")
ASK = [{"role": "user", "content": "How is it?"}]


def make_example(completions: int, pairs: Any, ties: Any = (), strength: float = 0.0) -> Example:
    return Example(Encoded([5], [[6, 2]] * completions, False, (False,) * completions), pairs, ties, strength)


def minus_log_sigmoid(difference: float) -> float:
    return math.log(1 + math.exp(-difference))


def losses_of(
    scores: list[float], examples: list[Example], objective: Objective, tie: float = 0.0
) -> list[float]:
    pairs = index_pairs(examples, objective.ties, CPU)
    of_rankings = ranking_losses(
        torch.tensor(scores, dtype=torch.float64), pairs, len(examples), objective, torch.tensor(tie)
    )
    return [float(loss) for loss in of_rankings]


def test_the_loss_of_a_ranking_of_k_is_the_mean_of_its_k_choose_2_pairs() -> None:
    scores = [0.3, -1.0, 2.0, 0.5, 1.1, 0.1]
    four, two = make_example(4, tuple(combinations(range(4), 2))), make_example(2, ((1, 0),))
    of_rankings = losses_of(scores, [four, two], Objective("drop"))
    pairs = [minus_log_sigmoid(scores[i] - scores[j]) for i, j in combinations(range(4), 2)]
    # the second ranking's completions are numbers 4 and 5 of the batch, and its second is the better one
    assert of_rankings == pytest.approx([sum(pairs) / 6, minus_log_sigmoid(0.1 - 1.1)], abs=1e-6)


@pytest.mark.parametrize("tokens", [1, 4096])
def test_a_ranking_counts_by_its_weight_however_a_step_is_cut(tokens: int) -> None:
    """The gradient of weights 3, 1, 0.5 is that of each ranking alone, weighted by hand."""
    tokenizer, network = make_network()
    words = ["it is good", "it is awful", "it is plain and plain"]
    examples = [
        Example(encode(tokenizer, Limits(64, 64, 64), "text", ASK, texts), ((0, 1),), (), 0.0, weight)
        for texts, weight in ((words[:2], 3.0), (words[1:], 1.0), (words[::-1][:2], 0.5))
    ]
    loss = RankingLoss(network, torch.tensor(0.0), Objective("drop"), True, 64, tokens, 0)

    def gradient(some: list[Example]) -> tuple[float, torch.Tensor]:
        network.zero_grad(set_to_none=True)
        figures = accumulate_gradient(loss, some)
        return figures.loss, torch.cat(
            [parameter.grad.flatten() for parameter in network.parameters() if parameter.grad is not None]
        )

    together, gradient_together = gradient(examples)
    alone = [gradient([example]) for example in examples]
    weights = [example.weight / 4.5 for example in examples]
    assert together == pytest.approx(
        sum(w * value for w, (value, _) in zip(weights, alone, strict=True)), abs=1e-6
    )
    by_hand = sum(w * value for w, (_, value) in zip(weights, alone, strict=True))
    torch.testing.assert_close(gradient_together, by_hand, rtol=1e-4, atol=1e-6)


def test_ties_are_dropped_halved_or_modelled() -> None:
    example, scores = make_example(3, ((0, 1), (2, 1)), ((0, 2),)), [1.0, -0.5, 0.2]
    strict = [minus_log_sigmoid(1.5), minus_log_sigmoid(0.7)]
    half = (minus_log_sigmoid(0.8) + minus_log_sigmoid(-0.8)) / 2
    assert losses_of(scores, [example], Objective("drop")) == pytest.approx([sum(strict) / 2], abs=1e-6)
    assert losses_of(scores, [example], Objective("half")) == pytest.approx(
        [(sum(strict) + half) / 3], abs=1e-6
    )
    # Davidson with nu = e^0.4: the probabilities of win, win and tie from the strengths e^r
    strengths = [math.exp(score) for score in scores]

    def root(i: int, j: int) -> float:
        return math.exp(0.4) * math.sqrt(strengths[i] * strengths[j])

    def total(i: int, j: int) -> float:
        return strengths[i] + strengths[j] + root(i, j)

    davidson = [strengths[0] / total(0, 1), strengths[2] / total(2, 1), root(0, 2) / total(0, 2)]
    expected = -sum(map(math.log, davidson)) / 3
    assert losses_of(scores, [example], Objective("davidson"), 0.4) == pytest.approx([expected], abs=1e-6)
    # Rao and Kupper with parameter 0.4: theta = e^softplus(0.4) = 1 + e^0.4
    theta = 1 + math.exp(0.4)

    def wins(i: int, j: int) -> float:
        return strengths[i] / (strengths[i] + theta * strengths[j])

    chances = [wins(0, 1), wins(2, 1), 1 - wins(0, 2) - wins(2, 0)]
    expected = -sum(map(math.log, chances)) / 3
    assert losses_of(scores, [example], Objective("rao_kupper"), 0.4) == pytest.approx([expected], abs=1e-6)


PLANTED = [-1.0, -0.3, 0.2, 1.1]  # scores of four completions; their mean is 0


def judged_pairs(mode: Ties, share: float, count: int) -> Counter[tuple[tuple[Pair, ...], tuple[Pair, ...]]]:
    """(pairs, ties) of ``count`` comparisons by judges whose tie parameter, nu or theta, is ``share``."""
    drawn, counts = random.Random(7), Counter[tuple[tuple[Pair, ...], tuple[Pair, ...]]]()
    for _ in range(count):
        i, j = drawn.sample(range(4), 2)
        a, b = math.exp(PLANTED[i]), math.exp(PLANTED[j])
        if mode == "davidson":
            chances = [a, b, share * math.sqrt(a * b)]
        else:
            first, second = a / (a + share * b), b / (b + share * a)
            chances = [first, second, 1 - first - second]
        outcomes: list[tuple[tuple[Pair, ...], tuple[Pair, ...]]]
        outcomes = [(((i, j),), ()), (((j, i),), ()), ((), ((i, j),))]
        counts.update(drawn.choices(outcomes, chances))
    return counts


@pytest.mark.parametrize(
    ("mode", "share"), [("davidson", 0.8), ("davidson", 3.0), ("rao_kupper", 1.5), ("rao_kupper", 3.0)]
)
def test_a_planted_tie_parameter_is_found_again(mode: Ties, share: float) -> None:
    """By the least loss over 20,000 comparisons: errors of about 0.02 in scores, and 0.03 of the parameter."""
    counted = judged_pairs(mode, share, 20_000)
    examples = [make_example(4, *judged) for judged in counted]
    often = torch.tensor(list(counted.values()), dtype=torch.float64) / 20_000
    pairs = index_pairs(examples, mode, CPU)
    scores, parameter = (torch.zeros(size, dtype=torch.float64, requires_grad=True) for size in ((4,), ()))
    optimizer = torch.optim.LBFGS([scores, parameter], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        of_rankings = ranking_losses(
            scores.repeat(len(examples)), pairs, len(examples), Objective(mode), parameter
        )
        total = (often * of_rankings).sum()
        torch.autograd.backward(total)
        return total

    optimizer.step(loss)  # type: ignore[no-untyped-call]  # as torch has it
    fitted = math.exp(parameter.item()) + (mode == "rao_kupper")  # theta = e^softplus(x) = 1 + e^x
    assert fitted == pytest.approx(share, rel=0.05)
    centred = (scores - scores.mean()).tolist()
    assert centred == pytest.approx(PLANTED, abs=0.08)


def test_strength_smoothing_and_centering_reach_the_loss() -> None:
    example = make_example(2, ((0, 1),), strength=2.0)
    objective = Objective("drop", margin=0.25, label_smoothing=0.1, centering=0.01)
    # difference 1.2 - 0.3 - 0.25 * 2 = 0.4; centering 0.01 * 1.5^2
    expected = 0.9 * minus_log_sigmoid(0.4) + 0.1 * minus_log_sigmoid(-0.4) + 0.0225
    assert losses_of([1.2, 0.3], [example], objective) == pytest.approx([expected], abs=1e-6)


def test_a_ranking_of_ties_alone_says_nothing_where_ties_are_dropped() -> None:
    assert not usable((), ((0, 1),), "drop")
    assert usable((), ((0, 1),), "half")
    assert not usable((), (), "davidson")


def test_chances_without_a_tie_are_those_of_the_two_wins() -> None:
    difference = torch.tensor([0.0, 1.3, -2.0], dtype=torch.float64)
    logistic = [1 / (1 + math.exp(-gap)) for gap in difference.tolist()]
    assert win_probability(difference, "drop", torch.tensor(0.0)).tolist() == pytest.approx(logistic)
    # under Davidson the tie's term falls out
    assert win_probability(difference, "davidson", torch.tensor(2.0)).tolist() == pytest.approx(logistic)
    theta = 1 + math.e  # parameter 1
    wins = [1 / (1 + theta * math.exp(-gap)) for gap in difference.tolist()]
    other = [1 / (1 + theta * math.exp(gap)) for gap in difference.tolist()]
    chances = win_probability(difference, "rao_kupper", torch.tensor(1.0, dtype=torch.float64))
    assert chances.tolist() == pytest.approx([a / (a + b) for a, b in zip(wins, other, strict=True)])


def test_the_tie_parameter_starts_at_the_share_of_ties() -> None:
    # 29 ties and 69 strict pairs, one more of each: 0.3; nu / (2 + nu) = 0.3 gives nu = 6/7
    assert first_tie_parameter("davidson", strict=69, ties=29) == pytest.approx(math.log(6 / 7))
    assert first_tie_parameter("half", strict=69, ties=29) == 0


def make_loss(
    ties: Any = "davidson", *, share: bool = True, tokens: int = 4096
) -> tuple[RankingLoss, list[Example]]:
    tokenizer, network = make_network()
    words = ["great", "good and plain", "poor", "awful and then awful", "plain"]
    examples = [
        Example(encode(tokenizer, Limits(64, 64, 64), "text", ASK, words[:count]), pairs, tied, 0.0)
        for count, pairs, tied in (
            (5, tuple(combinations(range(5), 2)), ()),
            (2, ((0, 1),), ()),
            (3, ((0, 1), (0, 2)), ((1, 2),)),
            (4, ((2, 1),), ((0, 3),)),
        )
    ]
    tie = torch.nn.Parameter(torch.tensor(0.2))
    return RankingLoss(network, tie, Objective(ties), share, 64, tokens, tokenizer.pad_token_id), examples


def gradients(loss: RankingLoss) -> torch.Tensor:
    return torch.cat(
        [v.grad.flatten() for v in [*loss.network.parameters(), loss.tie_parameter] if v.grad is not None]
    )


@pytest.mark.parametrize("ties", ["drop", "half", "rao_kupper", "davidson"])
@pytest.mark.parametrize(("share", "tokens"), [(True, 1), (True, 150), (False, 4096), (False, 60)])
def test_loss_and_gradient_of_a_step_are_the_same_however_it_is_cut(
    ties: Any, share: bool, tokens: int
) -> None:
    whole, examples = make_loss(ties)
    expected = accumulate_gradient(whole, examples)
    cut = make_loss(ties, share=share, tokens=tokens)[0]
    of_cut = accumulate_gradient(cut, examples[::-1])
    assert of_cut.loss == pytest.approx(expected.loss, abs=1e-5)
    assert (of_cut.right, of_cut.pairs) == (expected.right, expected.pairs) == (expected.right, 14)
    torch.testing.assert_close(gradients(cut), gradients(whole), rtol=1e-4, atol=1e-5)
    assert mean_loss(cut, examples, between=lambda: None).loss == pytest.approx(expected.loss, abs=1e-5)


def test_gradient_of_the_loss_is_that_of_finite_differences() -> None:
    loss, examples = make_loss()
    accumulate_gradient(loss, examples)
    for value, place in ((loss.network.head.weight, (0, 3)), (loss.tie_parameter, ())):
        step, around = 1e-2, []
        for sign in (1, -1):
            with torch.no_grad():
                value[place] += sign * step
                around.append(mean_loss(loss, examples, between=lambda: None).loss)
                value[place] -= sign * step
        assert value.grad is not None
        assert float(value.grad[place]) == pytest.approx((around[0] - around[1]) / (2 * step), abs=1e-4)


def test_dropping_ties_leaves_the_rankings_weights_alone() -> None:
    loss, examples = make_loss("drop")
    alone = [mean_loss(loss, [one], between=lambda: None).loss for one in examples]
    together = mean_loss(loss, examples, between=lambda: None).loss
    assert together == pytest.approx(sum(alone) / 4, abs=1e-6)


def test_every_ranking_is_in_one_step_of_an_epoch_and_steps_are_even() -> None:
    alone = [[number] for number in range(33)]
    steps = plan_epoch(alone, 16, seed=3, epoch=0)
    assert sorted(index for step in steps for index in step) == list(range(33))
    assert [len(step) for step in steps] == [11, 11, 11]
    assert steps == plan_epoch(alone, 16, seed=3, epoch=0) != plan_epoch(alone, 16, seed=3, epoch=1)
    assert plan_epoch(alone, 16, seed=4, epoch=0) != steps
    assert plan_epoch([[0]], 16, seed=0, epoch=0) == [[0]]


def test_the_rankings_of_a_task_are_learnt_in_one_step() -> None:
    tasks = [[0, 5, 9], [1], [2, 3], [4, 6, 7, 8], [10, 11]]
    steps = plan_epoch(tasks, 4, seed=1, epoch=0)
    assert sorted(index for step in steps for index in step) == list(range(12))
    assert len(steps) == 3
    assert all(sum(set(task) <= set(step) for step in steps) == 1 for task in tasks)
    # A task alone may be larger than a step, and no step is empty for that.
    assert plan_epoch([[0, 1, 2, 3]], 2, seed=0, epoch=0) == [[0, 1, 2, 3]]


def test_who_judged_the_same_texts_is_scored_once_and_learns_the_same() -> None:
    loss, examples = make_loss()
    first = examples[0]
    turned = first._replace(pairs=tuple((j, i) for i, j in first.pairs), weight=0.5)
    copied = turned._replace(encoded=first.encoded._replace())  # equal, and not the same object
    counted = []
    hook = loss.network.register_forward_hook(lambda net, batch, scores: counted.append(len(scores)))
    figures = []
    for other in (turned, copied):
        loss.network.zero_grad()
        accumulated = accumulate_gradient(loss, [first, examples[1], other])
        gradient = torch.cat(
            [
                parameter.grad.flatten()
                for parameter in loss.network.parameters()
                if parameter.grad is not None
            ]
        )
        figures.append((accumulated, gradient))
    hook.remove()
    shared, apart = figures
    assert shared[0].loss == pytest.approx(apart[0].loss, abs=1e-6)
    assert (shared[0].right, shared[0].pairs) == (apart[0].right, apart[0].pairs)
    torch.testing.assert_close(shared[1], apart[1], rtol=1e-4, atol=1e-6)
    completions = len(first.encoded.completions)
    assert sum(counted) == 2 * sum(len(example.encoded.completions) for example in examples[:2]) + completions


def test_forward_passes_stay_within_the_budget_once_padded() -> None:
    groups = [[Row([1] * (1 + number * 7 % 11), [[2]])] for number in range(40)]
    parts = by_length(groups, lambda group: group, 30)
    assert sorted(map(len, [group[0].prompt for part in parts for group in part])) == sorted(
        len(group[0].prompt) for group in groups
    )
    assert all(len(part) * max(group[0].length for group in part) <= 30 for part in parts)
    assert len(by_length(groups, lambda group: group, 1)) == 40


def test_the_rate_rises_in_a_line_then_falls_along_half_a_cosine_to_its_floor() -> None:
    rates = [cosine(step, 100, warmup=0.1, floor=0.2) for step in range(101)]
    assert rates[:10] == pytest.approx([0.1 * number for number in range(1, 11)])
    # 10 + 45 is half way down: 0.2 + 0.8 / 2
    assert [rates[10], rates[55], rates[100]] == pytest.approx([1, 0.6, 0.2])
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_matrices_decay_and_the_rest_does_not_and_the_tie_parameter_has_its_own_rate() -> None:
    loss, _ = make_loss()
    parameters: dict[str, Any] = {**dict(loss.network.named_parameters()), TIE: loss.tie_parameter}
    optimizer = make_adamw(parameters, weight_decay=0.1, apart=[TIE])
    set_rates(optimizer, 0.5, apart=0.25)
    of = {id(value): group for group in optimizer.param_groups for value in group["params"]}
    assert len(of) == len(parameters)
    for name, value in parameters.items():
        group = of[id(value)]
        assert group["weight_decay"] == (0.1 if value.dim() == 2 else 0)
        assert group["lr"] == (0.25 if name == TIE else 0.5)
        assert group["eps"] == 1e-5


def test_a_shorter_row_limit_changes_no_loss() -> None:
    loss, examples = make_loss()
    long = replace(loss, row_limit=4096)
    of_short, expected = (mean_loss(limited, examples, between=lambda: None).loss for limited in (loss, long))
    assert of_short == pytest.approx(expected, abs=1e-5)
