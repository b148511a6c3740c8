"""What the pages of reward models and policies say of a contest and an evaluation, worked out here in another way.

From the snapshot's lines and the scores of the texts, with numpy. An interval ends where the bootstrap's draws happened
to fall: of B draws the share below its end is p = 0.025 (or 0.975) with a deviation of sqrt(p (1 - p) / B). The ends on
the page have to lie between the quantiles, of many draws made here, at p and four such deviations to either side.
"""

import json
import math
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from annotation.files import snapshots
from annotation.models import Demonstration, Project, Prompt, Ranking
from rewardmodel import activation, contests
from rewardmodel.bradley_terry.artifact import load_reward_model
from rewardmodel.models import Contest, RewardModelVersion
from rltrainer import policies
from rltrainer.evaluation import request_evaluation
from runs import artifacts
from runs.models import Run
from tests.annotation.factories import put
from tests.pages.cast import Cast, make_cast
from tests.pages.test_numbers import table, text_of, words
from tests.rewardmodel.pure.factories import make_lines
from tests.rewardmodel.test_contests import carry_out as compare_reward_models
from tests.rewardmodel.test_contract import import_line, run_fit
from tests.rltrainer.policy.factories import WORDS, make_folder
from tests.rltrainer.test_contract import DEVICE
from tests.rltrainer.test_contract import carry_out as compare_policies
from tests.storing import store_artifacts_in

pytestmark = [pytest.mark.django_db, pytest.mark.long]

# Of the program's bootstrap, and of the one here.
RESAMPLES, DRAWS = 1000, 40_000
# The prompt of each, and what it adds to a sum; where it is a sum of several itself, of how many.
Values = list[tuple[Any, float]] | list[tuple[Any, float, int]]


@pytest.fixture(autouse=True)
def _homes(tmp_path: Path, settings: Any) -> None:
    store_artifacts_in(tmp_path / "files", settings)


def agrees(
    sentence: str, values: Values, digits: int, scale: float = 1.0, shown: Callable[[Any], Any] = np.asarray
) -> None:
    """``said`` is "mean low to high" of ``values`` to so many digits, each times ``scale`` or as ``shown``."""
    mean, low, high = (float(number) for number in re.findall(r"[-+]?\d+(?:\.\d+)?", sentence))
    rounding = 0.5 * 10**-digits + 1e-9
    sums, sizes = of_prompts(values)
    assert mean == pytest.approx(scale * shown(sums.sum() / sizes.sum()), abs=rounding), sentence
    drawn = np.random.default_rng(11).multinomial(len(sums), [1 / len(sums)] * len(sums), size=DRAWS)
    draws = scale * shown((drawn @ sums) / (drawn @ sizes))
    deviation = math.sqrt(0.025 * 0.975 * (1 / RESAMPLES + 1 / DRAWS))
    for end, share in ((low, 0.025), (high, 0.975)):
        around = np.quantile(draws, [max(0, share - 4 * deviation), min(1, share + 4 * deviation)])
        assert around[0] - rounding <= end <= around[1] + rounding, sentence


def of_prompts(values: Values) -> Any:
    """Of each prompt the sum of its values, and how many these are: two arrays."""
    sums: dict[Any, Any] = defaultdict(lambda: np.zeros(2))
    for prompt, value, *size in values:
        sums[prompt] += (value, *(size or [1]))
    return np.array(list(sums.values())).T


class Pair(NamedTuple):
    """What one person said of two completions of a held-out prompt, and what the versions make of it."""

    prompt: str
    apart: int
    longer: int
    shown_first: bool
    sources: str
    people: float | None
    chances: list[float]

    def right(self, version: int) -> float:
        return rank(self.chances[version] - 0.5)


def rank(difference: float) -> float:
    """1, 1/2 or 0, as it is above, at or below zero."""
    return ((difference > 0) - (difference < 0) + 1) / 2


def right(version: int) -> Callable[[Pair], float]:
    return lambda pair: pair.right(version)


def pairs_of(contest: Contest, versions: list[RewardModelVersion]) -> list[Pair]:
    """Of the test split of the snapshot's file."""
    snapshot = contest.snapshot
    assert snapshot is not None
    text = (artifacts.local_folder(snapshot.artifact) / snapshots.FILE_NAME).read_text()
    lines = [one for one in map(json.loads, text.splitlines()) if one["split"] == "test"]
    models = [load_reward_model(artifacts.local_folder(one.artifact)) for one in versions]
    judged_pairs = []
    for line in lines:
        texts = [one["text"] for one in line["completions"]]
        scores = [model.score_completions(line["form"], line["prompt"], texts).tolist() for model in models]
        others = [
            tiers_by_id(one)
            for one in lines
            if one["task"] == line["task"] and one["annotator"] != line["annotator"]
        ]
        for one, other in combinations(range(len(texts)), 2):
            if line["tiers"][one] == line["tiers"][other]:
                continue
            better, worse = sorted((one, other), key=line["tiers"].__getitem__)
            ids = [line["completions"][place]["id"] for place in (better, worse)]
            others_ranks = [rank(tiers[ids[1]] - tiers[ids[0]]) for tiers in others]
            judged_pairs.append(
                Pair(
                    json.dumps(line["prompt"]),
                    line["tiers"][worse] - line["tiers"][better],
                    len(texts[better]) - len(texts[worse]),
                    line["order_shown"].index(better) < line["order_shown"].index(worse),
                    " | ".join(sorted(line["completions"][place]["source"] for place in (one, other))),
                    sum(others_ranks) / len(others_ranks) if others_ranks else None,
                    [
                        1 / (1 + math.exp((score[worse] - score[better]) * model.normalisation.std))
                        for score, model in zip(scores, models, strict=True)
                    ],
                )
            )
    return judged_pairs


def tiers_by_id(line: dict[str, Any]) -> dict[str, int]:
    return dict(zip((one["id"] for one in line["completions"]), line["tiers"], strict=True))


def judged(project: Project) -> None:
    """Rankings with ties, by two people, of texts of many lengths, in many orders; half of them are held out."""
    lines = make_lines(160, ties=True)
    for number, line in enumerate(lines):
        for place, one in enumerate(line["completions"]):
            one["text"] += " indeed" * ((7 * (number // 2) + 3 * place) % 5)
        line["split"] = ("train", "train", "test", "validation", "test")[number // 2 % 5]
    put(project, "rankings", *({**import_line(line), "split": line["split"]} for line in lines))
    rng = random.Random(3)
    for row in Ranking.objects.filter(project=project):
        Ranking.objects.filter(pk=row.pk).update(order_shown=rng.sample(range(3), 3))


class Compared(NamedTuple):
    """The page that shows a contest, and the pairs that it is of."""

    page: str
    pairs: list[Pair]

    def values(self, value: Callable[[Pair], float | None], among: Iterable[Pair] | None = None) -> Values:
        pairs = self.pairs if among is None else among
        return [(pair.prompt, figure) for pair in pairs if (figure := value(pair)) is not None]


def compared(cast: Cast, path: Path) -> Compared:
    judged(cast.project)
    fitted = [
        run_fit(cast.project, path / "first", epochs=4),
        run_fit(cast.project, path / "second", epochs=1, learning_rate=0.001, seed=5),
    ]
    activation.activate(version=fitted[0], why="By hand.")
    contest = compare_reward_models(contests.request_contest(project=cast.project), path / "contest")
    return Compared(text_of(cast, "reward-models/"), pairs_of(contest, fitted))


def test_a_contest_is_told_as_the_snapshot_and_the_scores_have_it(tmp_path: Path) -> None:
    contest = compared(make_cast(), tmp_path)
    text, pairs = words(contest.page), contest.pairs
    prompts = {pair.prompt for pair in pairs}
    assert len(prompts) == 32
    assert f"On the same {len(pairs)} pairs of {len(prompts)} held-out prompts (test split)" in text
    number = r"[-+]\d+\.\d"
    for version in (0, 1):
        orders = re.search(rf"v{version + 1} orders ([\d.]+)% \(([\d.]+) to ([\d.]+)\)", text)
        assert orders is not None
        agrees(" ".join(orders.groups()), contest.values(right(version)), 1, scale=100)
    difference = re.search(rf"as people did: ({number}) points \(({number}) to ({number})\) against v1", text)
    assert difference is not None
    agrees(
        " ".join(difference.groups()),
        contest.values(lambda pair: pair.right(1) - pair.right(0)),
        1,
        scale=100,
    )
    for label, value in {
        "v1": lambda pair: pair.right(0),
        "v2": lambda pair: pair.right(1),
        "two people": lambda pair: pair.people,
        "longer wins": lambda pair: rank(pair.longer),
        "shown first wins": lambda pair: float(pair.shown_first),
    }.items():
        dot = re.search(rf"<title>{label}: ([^<]*)</title>", contest.page)
        assert dot is not None
        agrees(dot[1], contest.values(value), 1, scale=100)
    the_tables_cut(contest)
    the_curves_are_calibrated(contest)


def the_tables_cut(contest: Compared) -> None:
    """Each table has every pair once, in the slice where it belongs."""
    least = (100, 50, 25, 10, 0)
    cuts: dict[str, Callable[[Pair], str]] = {
        "Places apart": lambda pair: str(pair.apart),
        "Characters longer or shorter, at least": lambda pair: str(
            next(one for one in least if abs(pair.longer) >= one)
        ),
        "Who wrote the two": lambda pair: pair.sources,
        "The longer one is": lambda pair: ("rejected", "same length", "preferred")[
            int(2 * rank(pair.longer))
        ],
    }
    for title, slice_of in cuts.items():
        slices = defaultdict(list)
        for pair in contest.pairs:
            slices[slice_of(pair)].append(pair)
        rows = table(contest.page, title)
        assert {row[0]: row[1] for row in rows} == {name: str(len(group)) for name, group in slices.items()}
        assert len(rows) > 1
        for name, _, *figures in rows:
            for version, figure in enumerate(figures):
                agrees(figure, contest.values(right(version), slices[name]), 1, scale=100)


def the_curves_are_calibrated(contest: Compared) -> None:
    """How sure a version is of the order it prefers, in tenths of the way from a half to one."""
    for version in (0, 1):
        bins = defaultdict(list)
        for pair in contest.pairs:
            sure = max(pair.chances[version], 1 - pair.chances[version])
            bins[min(9, math.floor(20 * (sure - 0.5)))].append((sure, pair.right(version)))
        expected = [
            f"says {100 * np.mean([sure for sure, _ in one]):.1f}%, "
            f"right in {100 * np.mean([right for _, right in one]):.1f}% of {len(one)} pairs"
            for _, one in sorted(bins.items())
        ]
        gaps = [abs(sum(sure - right for sure, right in one)) for one in bins.values()]
        title = (
            f"<figcaption>v{version + 1}: how often it is right, by how sure it says it is; "
            f"{100 * sum(gaps) / len(contest.pairs):.1f} points apart on average (calibration error)"
        )
        figure = contest.page[contest.page.index(title) :]
        assert re.findall("<title>(says [^<]*)</title>", figure[: figure.index("</figure>")]) == expected


def evaluated(cast: Cast, path: Path) -> tuple[str, Run]:
    """Two policies on held-out prompts by a reward model, and by what people wrote for some of these."""
    judged(cast.project)
    put(
        cast.project,
        "demonstrations",
        *(
            {
                "prompt": prompt.last_text,
                "split": prompt.split,
                "completion": " ".join(WORDS[number % 5 :][:many]),
            }
            for number, prompt in enumerate(Prompt.objects.filter(project=cast.project))
            for many in (2, 3 + number % 6)[: 1 + number % 2]
        ),
    )
    activation.activate(version=run_fit(cast.project, path / "fit", epochs=4), why="By hand.")
    versions = [
        policies.make_version(project=cast.project, base=str(make_folder(path / str(seed), seed, spread=0.2)))
        for seed in (1, 2)
    ]
    run = request_evaluation(
        project=cast.project, versions=versions, config={"max_new_tokens": 12, "completions": 3, **DEVICE}
    )
    compare_policies(run, path / "run")
    Run.objects.filter(pk=run.pk).update(status="succeeded", finished_at="2026-01-01T00:00Z")
    return text_of(cast, "policies/"), run


def test_an_evaluation_is_told_as_the_answers_and_their_scores_have_it(tmp_path: Path) -> None:
    cast = make_cast()
    page, run = evaluated(cast, tmp_path)
    prompts = [json.loads(line) for line in (tmp_path / "run/inputs/prompts.jsonl").read_text().splitlines()]
    held_out = Prompt.objects.filter(project=cast.project, split__in=("validation", "test"))
    assert len(prompts) == held_out.count() == 48
    judge = run.evaluation.reward_model
    assert judge is not None
    model = load_reward_model(artifacts.local_folder(judge.artifact))
    measured = [
        json.loads((tmp_path / f"run/checkpoint/policy_{number}.json").read_text()) for number in (0, 1)
    ]
    answers = [one["answers"] for one in measured]
    written = Demonstration.objects.filter(project=cast.project).exclude(prompt__split="train").order_by("id")
    losses = [
        [(row.prompt_id, *loss) for row, loss in zip(written, one["losses"], strict=True)] for one in measured
    ]
    # A token a word, and the end.
    assert [size for *_, size in losses[0]] == [len(row.text.split()) + 1 for row in written]
    rewards = [
        [
            float(
                model.score_completions(
                    prompts[one["prompt"]]["form"], prompts[one["prompt"]]["prompt"], [one["text"]]
                )[0]
            )
            for one in of_policy
        ]
        for of_policy in answers
    ]
    places = [one["prompt"] for one in answers[0]]
    assert places == [one["prompt"] for one in answers[1]]
    gains = [one - other for other, one in zip(*rewards, strict=True)]

    def of(values: Iterable[float]) -> Values:
        return list(zip(places, values, strict=True))

    # Digits, scale, and the values of each policy.
    expected: dict[str, tuple[int, int, list[Values | None]]] = {
        "Reward": (2, 1, [of(of_policy) for of_policy in rewards]),
        "Reward above the first": (2, 1, [None, of(gains)]),
        "Better than the first": (1, 100, [None, of(map(rank, gains))]),
        "KL from the first, nats": (2, 1, [None, of(one["kl"] for one in answers[1])]),
        "Tokens an answer": (1, 1, [of(one["tokens"] for one in of_policy) for of_policy in answers]),
        "Answers that end": (
            1,
            100,
            [of(float(one["finished"]) for one in of_policy) for of_policy in answers],
        ),
    }
    perplexity = "Perplexity of what people wrote"
    rows = {name: figures for name, *figures in table(page, "Figures of the policies")}
    for figure, own_losses in zip(rows.pop(perplexity), losses, strict=True):
        agrees(figure, own_losses, 2, shown=np.exp)
    assert rows.keys() == expected.keys()
    for name, (digits, scale, values) in expected.items():
        for figure, of_policy in zip(rows[name], values, strict=True):
            if of_policy is None:
                assert not re.search(r"\d", figure)
            else:
                agrees(figure, of_policy, digits, scale=scale)
    sentence = re.search(
        r"v2 writes the better completion in ([\d.]+)% \(([\d.]+) to ([\d.]+)\) of cases against v1 \(48 prompts\); "
        r"its mean reward is ([-\d.]+) \(([-\d.]+) to ([-\d.]+)\) higher",
        words(page),
    )
    assert sentence is not None
    agrees(" ".join(sentence.groups()[:3]), of(map(rank, gains)), 1, scale=100)
    agrees(" ".join(sentence.groups()[3:]), of(gains), 2)
