"""Warnings and pauses: when figures ask for one, who may take it back, and what it stops."""

import itertools
import random
import secrets
from collections.abc import Iterator

import pytest

from annotation.checking import control, standing
from annotation.checking.control import ControlSettings
from annotation.collecting import queue, ranking
from annotation.errors import BadRequest, ClaimsPaused
from annotation.models import Annotator, Assignment, Project, Ranking, Task
from annotation.preferences.care import Mean
from annotation.preferences.tiers import MOST_COMPLETIONS
from tests.annotation.factories import make_annotator, make_project, make_tasks, make_user, put
from tests.annotation.judging import taken
from tests.worlds import once_a_module

pytestmark = pytest.mark.django_db
BEST, WORST = [1, 2, 3], [3, 2, 1]


def make_gold(project: Project, count: int) -> None:
    """Gold tasks whose best order is that of their places."""
    for task in make_tasks(project, count):
        texts = [{"text": f"Answer {place}", "rank": place + 1} for place in range(3)]
        prompt = task.prompt.messages[0]["content"]
        put(project, "rankings", {"prompt": prompt, "completions": texts, "annotator": "expert"})
    control.mark_gold(project=project, from_annotator="expert")


def judge(annotator: Annotator, *orders: list[int]) -> None:
    """Rank the next tasks in these orders, best place first."""
    for order in orders:
        ranking.submit(assignment=taken(annotator), annotator=annotator, verdict="ranked", ranks=order)


def now(annotator: Annotator) -> str:
    annotator.refresh_from_db()
    return annotator.standing


def make_alice() -> Annotator:
    """In a project where every task is gold while there is some, and which asks for 0.8 over three."""
    project = make_project()
    make_gold(project, 12)
    make_tasks(project, 2)
    control.configure(project=project, gold_every=1, least_checks=3, least_gold_score=0.8, pauses=True)
    return make_annotator(project)


_rows, alice = once_a_module(make_alice)


def test_a_score_below_the_threshold_warns_once_there_are_enough_gold_tasks(alice: Annotator) -> None:
    judge(alice, BEST, WORST)
    assert now(alice) == "fine"
    judge(alice, BEST)
    # (1 + 0 + 1) / 3
    assert now(alice) == "warned"
    assert standing.warning_of(alice).startswith(
        "Your score on tasks whose best order is known is 66.7% over 3"
    )


def test_a_score_at_the_threshold_is_fine(alice: Annotator) -> None:
    control.configure(project=alice.project, least_gold_score=0.5)
    judge(alice, BEST, WORST, BEST, WORST)
    assert now(alice) == "fine"
    assert not alice.standing_changes.exists()


def test_whoever_stays_below_after_a_warning_is_paused_and_gets_nothing(alice: Annotator) -> None:
    judge(alice, WORST, WORST, WORST)
    assert now(alice) == "warned"
    judge(alice, WORST, WORST)
    assert now(alice) == "warned"  # two since the warning say too little
    judge(alice, WORST)
    assert now(alice) == "paused"
    with pytest.raises(ClaimsPaused, match=r"is 0\.0% over 3; this project asks for 80\.0%"):
        queue.claim(annotator=alice)
    assert not Assignment.objects.open().exists()
    assert queue.claim(annotator=make_annotator(alice.project)) is not None
    steps = alice.standing_changes.order_by("pk")
    assert [(step.standing, step.changed_by) for step in steps] == [("warned", None), ("paused", None)]


def test_a_project_that_does_not_pause_only_warns(alice: Annotator) -> None:
    control.configure(project=alice.project, pauses=False)
    judge(alice, *[WORST] * 9)
    assert now(alice) == "warned"
    assert alice.standing_changes.count() == 1


def test_good_figures_since_the_warning_take_it_back(alice: Annotator) -> None:
    judge(alice, WORST, WORST, WORST, BEST, BEST)
    assert now(alice) == "warned"
    judge(alice, BEST)
    # Over all six it would be 0.5: the figures start anew with the warning.
    assert now(alice) == "fine"
    assert standing.warning_of(alice) == ""


def test_a_verdict_without_an_order_earns_what_chance_does(alice: Annotator) -> None:
    for _ in range(3):
        ranking.submit(assignment=taken(alice), annotator=alice, verdict="all_bad", reason="no")
    assert standing.reason_of(alice).startswith(
        "Your score on tasks whose best order is known is 50.0% over 3"
    )


def test_a_researcher_resumes_and_the_old_figures_do_not_pause_again(alice: Annotator) -> None:
    carol = make_user("carol")
    judge(alice, *[WORST] * 6)
    assert now(alice) == "paused"
    standing.resume(annotator=alice, why=" We talked. ", by=carol)
    last = alice.standing_changes.first()
    assert last is not None
    assert (now(alice), last.why, last.changed_by) == ("fine", "We talked.", carol)
    judge(alice, WORST, WORST)
    assert now(alice) == "fine"
    judge(alice, WORST)
    assert now(alice) == "warned"


def test_a_researcher_pauses_by_hand_with_a_reason(alice: Annotator) -> None:
    carol = make_user("carol")
    with pytest.raises(BadRequest, match="Say why"):
        standing.pause(annotator=alice, why="  ", by=carol)
    with pytest.raises(BadRequest, match="neither warned nor paused"):
        standing.resume(annotator=alice, why="x", by=carol)
    in_hand = taken(alice)
    standing.pause(annotator=alice, why="On leave.", by=carol)
    with pytest.raises(BadRequest, match="paused already"):
        standing.pause(annotator=alice, why="Again.", by=carol)
    # What is in hand may be finished.
    assert queue.claim(annotator=alice) == in_hand
    ranking.submit(assignment=in_hand, annotator=alice, verdict="ranked", ranks=BEST)
    with pytest.raises(ClaimsPaused, match="On leave"):
        queue.claim(annotator=alice)


def test_disagreeing_with_oneself_warns() -> None:
    project = make_project()
    make_tasks(project, 8)
    control.configure(project=project, repeat_every=1, least_checks=2, least_consistency=0.6)
    alice = make_annotator(project)
    for _ in range(6):
        assignment = taken(alice)
        order = WORST if assignment.task.purpose == Task.Purpose.REPEAT else BEST
        ranking.submit(assignment=assignment, annotator=alice, verdict="ranked", ranks=order)
    assert Ranking.objects.filter(task__purpose="repeat").count() >= 2
    assert standing.reason_of(alice).startswith(
        "Your agreement with yourself on tasks that were asked again is 0.0%"
    )


def by_place_on_the_screen(project: Project, count: int, ranks: list[int]) -> Annotator:
    """Whoever puts what is shown first at ``ranks[0]``, whatever it is."""
    make_tasks(project, count)
    annotator = make_annotator(project)
    for _ in range(count):
        assignment = taken(annotator)
        tiers = [0, 0, 0]
        for rank, place in zip(ranks, assignment.order_shown, strict=True):
            tiers[place] = rank
        ranking.submit(assignment=assignment, annotator=annotator, verdict="ranked", ranks=tiers)
    return annotator


@pytest.mark.parametrize(("ranks", "side"), [(BEST, "earlier"), (WORST, "later")])
def test_ranking_by_the_place_on_the_screen_warns(ranks: list[int], side: str) -> None:
    project = make_project()
    control.configure(project=project, most_position_bias=0.1)
    annotator = by_place_on_the_screen(project, 19, ranks)
    standing.review(annotator=annotator)
    assert now(annotator) == "fine"  # 19 rankings are too few to tell
    annotator = by_place_on_the_screen(project, 20, ranks)
    standing.review(annotator=annotator)
    assert standing.reason_of(annotator).startswith(
        f"You prefer what is shown {side} in 100.0% of pairs over 20"
    )


class InTurn(random.Random):
    """Draws lots that put three places into each of their six orders in turn."""

    def __init__(self) -> None:
        super().__init__(0)
        others = range(3, MOST_COMPLETIONS)
        self.lots: Iterator[float] = itertools.cycle(
            lot / MOST_COMPLETIONS for order in itertools.permutations(range(3)) for lot in (*order, *others)
        )

    def random(self) -> float:
        return next(self.lots)


@pytest.mark.parametrize("ranks", [BEST, WORST, [2, 1, 2], [1, 1, 3]], ids=str)
def test_ranking_by_the_texts_has_no_position_bias(ranks: list[int]) -> None:
    """Over all orders that there are, each pair is shown either way equally often: exactly one half."""
    project = make_project()
    control.configure(project=project, most_position_bias=0.001)
    make_tasks(project, 24)
    annotator, orders = make_annotator(project), InTurn()
    for _ in range(24):
        assignment = queue.claim(annotator=annotator, shuffle=orders)
        assert assignment is not None
        ranking.submit(assignment=assignment, annotator=annotator, verdict="ranked", ranks=ranks)
    assert standing.review(annotator=annotator) == "fine"
    figure = standing.figures_of(annotator).position
    assert figure is not None
    assert figure.number == 24
    assert figure.value == pytest.approx(0.5, abs=1e-12)


BAD: dict[str, ControlSettings] = {
    "least_gold_score": {"least_gold_score": 1.5},
    "least_consistency": {"least_consistency": -0.1},
    "most_position_bias": {"most_position_bias": 0.6},
    "least_checks": {"least_checks": 0},
}


@pytest.mark.parametrize("field", BAD)
def test_a_threshold_that_cannot_be_is_refused(field: str) -> None:
    project = make_project()
    before = getattr(project, field)
    with pytest.raises(BadRequest, match=field):
        control.configure(project=project, **BAD[field])
    project.refresh_from_db()
    assert getattr(project, field) == before


def test_a_check_is_measured_by_its_first_answer_though_it_is_changed_after_the_warning(
    alice: Annotator,
) -> None:
    judge(alice, WORST, WORST, WORST)
    assert now(alice) == "warned"
    for failed in ranking.revisable(alice):
        ranking.revise(ranking=failed, verdict="ranked", ranks=BEST)
    assert now(alice) == "warned"
    last = alice.standing_changes.first()
    assert last is not None
    assert standing.figures_of(alice).gold == Mean(0.0, 3, (0.0, 0.0))
    assert standing.figures_of(alice, last.last_ranking_id).gold is None


@pytest.mark.parametrize(
    ("mean", "breach"),
    [
        (Mean(0.55, 200, (0.45, 0.65)), ""),
        (Mean(0.7, 200, (0.6, 0.8)), ""),  # it may be 0.6, which is allowed
        (Mean(0.3, 200, (0.2, 0.4)), ""),
        (Mean(0.75, 200, (0.65, 0.85)), "You prefer what is shown earlier in 75.0% of pairs over 200"),
        (Mean(0.2, 200, (0.1, 0.3)), "You prefer what is shown later in 80.0% of pairs over 200"),
    ],
)
def test_a_position_bias_is_found_where_the_whole_interval_is_beyond_it(mean: Mean, breach: str) -> None:
    (finding,) = standing.findings(Project(most_position_bias=0.1), standing.Figures(None, None, mean))
    assert (finding.enough, finding.breach.startswith(breach), bool(finding.breach)) == (
        True,
        True,
        bool(breach),
    )


@pytest.mark.parametrize(("drawn", "standing_after"), [(0, "warned"), (1, "fine")])
def test_the_order_shown_is_looked_at_where_the_draw_of_one_in_ten_says_so(
    monkeypatch: pytest.MonkeyPatch, drawn: int, standing_after: str
) -> None:
    project = make_project()
    control.configure(project=project, most_position_bias=0.1)
    monkeypatch.setattr(secrets, "randbelow", lambda below: drawn if below == 10 else 5)
    assert now(by_place_on_the_screen(project, 20, BEST)) == standing_after


def test_position_is_looked_at_in_the_newest_rankings_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "RANKINGS", 2)
    project = make_project()
    make_tasks(project, 4, completions=2)
    bob = make_annotator(project)
    for earlier in (True, True, False, False):
        in_hand = taken(bob)
        first_shown = in_hand.order_shown[0]
        ranks = [1, 2] if (first_shown == 0) == earlier else [2, 1]
        ranking.submit(assignment=in_hand, annotator=bob, verdict="ranked", ranks=ranks)
    position = standing.figures_of(bob).position
    assert position is not None
    assert (position.value, position.number) == (0.0, 2)
