"""Agreement of what a project holds, and the figures of real data as they were computed independently of Concord."""

import gzip
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from annotation.models import Project, StaleTask
from annotation.preferences.estimates import estimates
from annotation.preferences.tally import AGREEMENT, Judgement, Scope
from annotation.quality import upkeep
from annotation.quality.agreement import agreement_of
from annotation.simulated import simulate
from tests.annotation.factories import make_project, make_tasks, put, put_bytes, ranking
from tests.annotation.tallying import judged, total_of

pytestmark = pytest.mark.django_db
DATA = os.environ.get("CONCORD_REAL_DATA", "")
real_data = pytest.mark.skipif(not DATA, reason="CONCORD_REAL_DATA does not name the folder of human data")


def test_only_current_orders_of_two_or_more_count() -> None:
    project = make_project()
    put(
        project,
        "rankings",
        ranking("one", 1, 2, annotator="alice"),
        ranking("one", 2, 1, annotator="alice"),
        ranking("one", 2, 1, annotator="bob"),
        ranking("one", 1, 2, annotator="carol", verdict="all_bad"),
        ranking("two", 1, 2, annotator="alice"),
    )
    figures = agreement_of(project=project)
    assert (figures["pairwise_agreement"], figures["krippendorff_alpha"], figures["kendall_tau_b"]) == (
        1,
        1,
        1,
    )
    assert figures["cohen_kappa"] == [{"annotators": ["alice", "bob"], "kappa": 1.0, "pairs": 1}]
    assert figures["counts"] == {
        "rankings": 3,
        "simulated": 0,
        "tasks": 1,
        "pairs": 1,
        "annotator_pairs_of_pairs": 1,
        "annotator_pairs_of_tasks": 1,
        "by_doubt": 0,
        "by_chance": 0,
    }


def test_kappas_come_in_the_order_of_names_whoever_judged_first() -> None:
    """zoe and ann say the same; bob tied what zoe tied, so nothing tells their kappa from chance."""
    project = make_project()
    put(
        project,
        "rankings",
        ranking("one", 1, 2, annotator="zoe"),
        ranking("one", 1, 2, annotator="ann"),
        ranking("two", 1, 1, annotator="zoe"),
        ranking("two", 1, 1, annotator="bob"),
    )
    assert agreement_of(project=project)["cohen_kappa"] == [
        {"annotators": ["ann", "zoe"], "kappa": 1.0, "pairs": 1},
        {"annotators": ["bob", "zoe"], "kappa": None, "pairs": 1},
    ]


def test_rankings_that_no_total_counts_yet_are_in_the_figures() -> None:
    project = make_project()
    put(project, "rankings", *(ranking("one", 1, 2, annotator=name) for name in ("ann", "ben")))
    upkeep.count(project=project)
    put(project, "rankings", ranking("one", 2, 1, annotator="ben"), ranking("two", 1, 2, annotator="ben"))
    assert StaleTask.objects.filter(project=project).count() == 2
    figures = agreement_of(project=project)
    assert (figures["pairwise_agreement"], figures["counts"]["rankings"]) == (0, 3)


def test_whoever_is_not_named_has_no_kappa() -> None:
    project = make_project()
    put(project, "rankings", ranking("one", 1, 2), ranking("one", 2, 1), ranking("one", 2, 1))
    figures = agreement_of(project=project)
    assert figures["cohen_kappa"] == []
    assert figures["pairwise_agreement"] == pytest.approx(1 / 3)


def test_simulated_annotators_count_in_a_demo_only_and_the_figures_say_so() -> None:
    for is_demo, counted in ((True, 4), (False, 0)):
        project = make_project(is_demo=is_demo, annotators_per_task=2)
        make_tasks(project, 2)
        simulate(project=project, judgements=4, preference="length", annotators=2)
        counts = agreement_of(project=project)["counts"]
        assert (counts["rankings"], counts["simulated"]) == (counted, counted)


def test_nothing_to_measure_is_null(capsys: Any) -> None:
    out = io.StringIO()
    call_command("agreement", project=make_project().slug, stdout=out)
    figures = json.loads(out.getvalue())
    assert figures["pairwise_agreement"] is figures["krippendorff_alpha"] is figures["kendall_tau_b"] is None
    assert figures["cohen_kappa"] == []


def imported(name: str) -> Project:
    project = make_project()
    data = (Path(DATA) / name).read_bytes()
    assert put_bytes(project, "rankings", data).bad == 0
    return project


@real_data
@pytest.mark.real_data
def test_pandalm_agrees_as_computed_elsewhere() -> None:
    figures = agreement_of(project=imported("pandalm_rankings.jsonl.gz"))
    assert figures["krippendorff_alpha"] == pytest.approx(0.8624, abs=5e-5)
    assert figures["pairwise_agreement"] == pytest.approx(0.9185, abs=5e-5)
    kappas = {tuple(one["annotators"]): one["kappa"] for one in figures["cohen_kappa"]}
    for pair, expected in (((1, 2), 0.8419), ((1, 3), 0.8818), ((2, 3), 0.8634)):
        assert kappas[f"pandalm-{pair[0]}", f"pandalm-{pair[1]}"] == pytest.approx(expected, abs=5e-5)


@real_data
@pytest.mark.real_data
def test_ukp_agrees_as_computed_elsewhere() -> None:
    """31,047 rankings, straight from the file: the others here go through the database."""
    tasks: dict[str, list[Judgement]] = {}
    people: dict[str, int] = {}
    with gzip.open(Path(DATA) / "ukp_rankings.jsonl.gz") as lines:
        for line in map(json.loads, lines):
            tiers = [completion["rank"] for completion in line["completions"]]
            annotator = people.setdefault(line["annotator"], len(people))
            tasks.setdefault(line["task"], []).append(judged(tiers, annotator))
    figures = estimates(total_of(list(tasks.values()), Scope(AGREEMENT)))
    for name, expected in (("krippendorff_alpha", 0.2745), ("pairwise_agreement", 0.5278)):
        figure = figures[name]
        assert figure is not None
        assert figure.value == pytest.approx(expected, abs=5e-5)


@real_data
@pytest.mark.real_data
@pytest.mark.parametrize(("axis", "tau", "pairs"), [("quality", 0.2743, 908), ("naturalness", 0.1803, 1483)])
def test_e2e_agrees_as_computed_elsewhere(axis: str, tau: float, pairs: int) -> None:
    figures = agreement_of(project=imported(f"e2e_{axis}_rankings.jsonl.gz"))
    assert figures["kendall_tau_b"] == pytest.approx(tau, abs=5e-5)
    assert figures["counts"]["annotator_pairs_of_tasks"] == pairs
