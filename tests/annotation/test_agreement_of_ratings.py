"""Agreement of ratings: equal to a library's, to published figures and to the analysis of variance; intervals that
hold; and of a project, the scores that stand and no others."""

import random
from collections.abc import Sequence
from typing import Any

import krippendorff
import numpy as np
import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.models import Annotator, Completion, Project, Rating
from annotation.preferences.estimates import Estimate, estimates
from annotation.preferences.tally import SCORES, Total, of_scores
from annotation.quality import agreement, scores
from tests.annotation.factories import make_annotator, make_project, put
from tests.pages.cast import make_cast

# Shrout and Fleiss 1979, table 2: six targets, four judges; table 4 gives ICC(1,1) = .17.
SHROUT_FLEISS = [(9, 2, 5, 8), (6, 1, 3, 2), (8, 4, 6, 8), (7, 1, 2, 6), (10, 5, 6, 9), (6, 2, 4, 7)]
# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", example C: four observers, twelve units; section D
# gives alpha interval = .849.
NONE = None
KRIPPENDORFF = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
    [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
]


def statistics_of(texts: Sequence[Sequence[float]]) -> dict[str, Estimate | None]:
    """The statistics of texts that are a prompt each."""
    total = Total(SCORES)
    for one in texts:
        total.add(of_scores([one]))
    return estimates(total)


def value(texts: Sequence[Sequence[float]], name: str) -> float | None:
    figure = statistics_of(texts)[name]
    return None if figure is None else figure.value


def test_figures_that_were_published() -> None:
    units = [[row[i] for row in KRIPPENDORFF if row[i] is not None] for i in range(12)]
    assert value(
        [[float(score or 0) for score in unit] for unit in units], "alpha_interval"
    ) == pytest.approx(0.849, abs=5e-4)
    assert value(SHROUT_FLEISS, "icc") == pytest.approx(0.17, abs=5e-3)


TEXTS = st.lists(st.lists(st.integers(1, 7), min_size=1, max_size=5), min_size=2, max_size=12)


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_alpha_interval_is_that_of_the_library_krippendorff(texts: list[list[int]]) -> None:
    several = [one for one in texts if len(one) > 1]
    figure = value(texts, "alpha_interval")
    if len({score for one in several for score in one}) < 2:
        assert figure is None
        return
    data = np.full((5, len(texts)), np.nan)
    for i, one in enumerate(texts):
        data[: len(one), i] = one
    expected = krippendorff.alpha(reliability_data=data, level_of_measurement="interval")
    assert figure == pytest.approx(expected, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_icc_is_that_of_the_analysis_of_variance(texts: list[list[int]]) -> None:
    groups = [np.array(one, dtype=float) for one in texts if len(one) > 1]
    figure = value(texts, "icc")
    if len(groups) < 2:
        assert figure is None
        return
    sizes = np.array([len(group) for group in groups])
    mean = np.concatenate(groups).mean()
    between = sum(len(group) * (group.mean() - mean) ** 2 for group in groups) / (len(groups) - 1)
    within = sum(((group - group.mean()) ** 2).sum() for group in groups) / (sizes.sum() - len(groups))
    mean_size = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / (len(groups) - 1)
    whole = between + (mean_size - 1) * within
    if whole < 1e-9:
        assert figure is None
    else:
        assert figure == pytest.approx((between - within) / whole, abs=1e-7)


def test_intervals_hold_the_truth_95_times_in_100() -> None:
    """Texts of variance 4, people of variance 2: both are 4/6 in the long run. Of 300 projects 95% is 285; three
    binomial deviations are 11.3, so 274 to 296."""
    rng, covered = random.Random(3), dict.fromkeys(("alpha_interval", "icc"), 0)
    for _ in range(300):
        worth = [rng.gauss(0, 2) for _ in range(150)]
        texts = [[one + rng.gauss(0, 2**0.5) for _ in range(rng.randint(2, 4))] for one in worth]
        for name, figure in statistics_of(texts).items():
            assert figure is not None
            assert figure.interval is not None
            covered[name] += figure.interval[0] <= 4 / 6 <= figure.interval[1]
    assert {name: count for name, count in covered.items() if not 274 <= count <= 296} == {}


def test_texts_of_one_prompt_are_one_cluster() -> None:
    """Twice the same texts under the same prompts widen nothing away: the interval is that of the prompts."""
    once, twice = Total(SCORES), Total(SCORES)
    for one in SHROUT_FLEISS:
        once.add(of_scores([one]))
        twice.add(of_scores([one, one]))
    first, second = estimates(once)["alpha_interval"], estimates(twice)["alpha_interval"]
    assert first is not None
    assert second is not None
    assert second.interval == pytest.approx(first.interval, abs=0.05)


@pytest.fixture
def project() -> Project:
    """Two people agree on one axis of three texts; the rest counts for nothing."""
    rated = make_project("helpful")
    for number, score in enumerate((1, 4, 7)):
        for name in ("alice", "bob"):
            line = {"prompt": f"Question {number}", "completion": f"Answer {number}", "axis": "helpful"}
            put(rated, "ratings", {**line, "score": score, "annotator": name})
    return rated


def rate(project: Project, annotator: Annotator, score: float | None, **more: Any) -> Rating:
    completion = Completion.objects.get(text="Answer 0")
    return Rating.objects.create(
        project=project, completion=completion, annotator=annotator, axis="helpful", score=score, **more
    )


@pytest.mark.django_db
def test_of_a_project_count_the_scores_that_stand(project: Project) -> None:
    [axis] = scores.of(project)
    assert (axis.axis, axis.texts, axis.scores, axis.simulated) == ("helpful", 3, 6, 0)
    assert axis.alpha is not None
    assert axis.alpha["value"] == 1
    others = [make_annotator(project, name) for name in ("superseded", "unsure", "gone")]
    rate(project, others[0], 7, is_current=False)
    rate(project, others[1], None)
    Annotator.objects.filter(pk=others[2].pk).update(withdrawn_at="2026-01-01T00:00:00Z", user=None)
    rate(project, others[2], 7)
    simulated = Annotator.objects.create(project=project, pseudonym="simulated", simulated=True)
    rate(project, simulated, 7)
    assert scores.of(project) == [axis]
    # In a demo, simulated scores count, and are said to be.
    Project.objects.update(is_demo=True)
    project.refresh_from_db()
    [shown] = scores.of(project)
    assert (shown.scores, shown.simulated) == (7, 1)
    assert shown.alpha is not None
    assert shown.alpha["value"] < 1
    assert agreement.agreement_of(project=project)["ratings"][0]["scores"] == 7


@pytest.mark.django_db
def test_of_who_scored_a_text_twice_the_last_score_counts(project: Project) -> None:
    [axis] = scores.of(project)
    again = Rating.objects.earliest("pk")
    rate(project, again.annotator, None if again.score is None else again.score + 1)
    [changed] = scores.of(project)
    assert (changed.texts, changed.scores) == (axis.texts, axis.scores)
    assert changed.alpha is not None
    assert axis.alpha is not None
    assert changed.alpha["value"] < axis.alpha["value"]


@pytest.mark.django_db
def test_a_page_reads_the_newest_alone(project: Project) -> None:
    assert [one.scores for one in scores.of(project, newest=6)] == [6]
    newest = list(Rating.objects.order_by("-pk")[:4])
    texts = {
        one.completion_id for one in newest if [o.completion_id for o in newest].count(one.completion_id) > 1
    }
    assert [(one.texts, one.scores) for one in scores.of(project, newest=4)] == [(len(texts), 2 * len(texts))]
    assert len(texts) < 3


@pytest.mark.django_db
def test_the_page_says_it() -> None:
    cast = make_cast()
    for name, low in (("alice", 1), ("bob", 2)):
        for number in range(3):
            line = {"prompt": f"Question {number}", "completion": f"Answer {number}", "axis": "honest"}
            put(cast.project, "ratings", {**line, "score": low + 2 * number, "annotator": name})
    client = Client()
    client.force_login(cast.carol)
    page = client.get("/admin/projects/helpful/quality/").content.decode()
    # By hand: pairs 1 2, 3 4, 5 6. Observed (1+1+1)/3 = 1; expected 2 (6 * 91 - 441) / 30 = 7: alpha 1 - 1/7.
    assert "honest" in page
    assert "0.857" in page
