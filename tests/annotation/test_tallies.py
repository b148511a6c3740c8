"""Totals that follow every change of rankings equal those counted from nothing."""

import random
from typing import Any

import pytest

from annotation.checking import control
from annotation.collecting import queue, ranking
from annotation.models import Annotator, Project, StaleTask, Tally, TaskCompletion
from annotation.preferences.tally import Scope, Total
from annotation.quality import summary, upkeep
from annotation.quality.agreement import agreement_of
from annotation.withdrawal import erasure
from tests.annotation.factories import make_annotator, make_project, make_tasks, out, put, put_bytes
from tests.annotation.factories import ranking as ranking_line

pytestmark = pytest.mark.django_db


def stored(project: Project) -> dict[Scope, Total]:
    return {
        Scope(row.kind, row.annotator_id, row.other_id, row.week or None): Total(
            row.kind, row.tasks, row.sums, row.products
        )
        for row in Tally.objects.filter(project=project)
    }


def assert_equal_to_a_count_from_nothing(project: Project) -> None:
    assert upkeep.count(project=project).number == 0
    stored_totals, expected = stored(project), upkeep.totals(project)
    assert stored_totals.keys() == expected.keys()
    for scope, total in expected.items():
        assert stored_totals[scope].tasks == total.tasks
        assert stored_totals[scope].sums == pytest.approx(total.sums, abs=1e-9)
        assert stored_totals[scope].products == pytest.approx(total.products, abs=1e-9)


def submit(annotator: Annotator, rng: random.Random) -> None:
    assignment = queue.claim(annotator=annotator, shuffle=rng)
    if assignment is None:
        return
    verdict = rng.choice(["ranked", "ranked", "ranked", "all_bad"])
    ranks = [rng.randint(1, 3) for _ in range(3)] if verdict == "ranked" else []
    ranking.submit(
        assignment=assignment,
        annotator=annotator,
        verdict=verdict,
        ranks=ranks,
        reason="Nonsense.",
        active_seconds=rng.uniform(5, 60),
    )


def revise(annotator: Annotator, rng: random.Random) -> None:
    last = ranking.revisable(annotator).first()
    if last is not None:
        ranking.revise(ranking=last, verdict="ranked", ranks=rng.sample([1, 2, 3], 3))


def import_one(project: Project, rng: random.Random) -> None:
    """A new ranking of task "shared", or one that supersedes it."""
    ranks = rng.sample([1, 2, 3], 3)
    put(project, "rankings", ranking_line("shared", *ranks, annotator=rng.choice(["ann", "ben", "cid"])))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_in_whatever_order(seed: int) -> None:
    rng = random.Random(seed)
    project = make_project(annotators_per_task=3)
    make_tasks(project, 6, completions=3)
    people = [make_annotator(project) for _ in range(3)]
    for _ in range(40):
        act = rng.randrange(5)
        if act <= 2:
            submit(rng.choice(people), rng)
        elif act == 3:
            revise(rng.choice(people), rng)
        else:
            import_one(project, rng)
        if rng.random() < 0.3:
            upkeep.count(project=project)
    assert_equal_to_a_count_from_nothing(project)
    before = stored(project).keys()
    upkeep.rebuild(project=project)
    assert not stored(project)
    assert_equal_to_a_count_from_nothing(project)
    assert stored(project).keys() == before


def test_a_ranking_that_is_gone_is_in_no_total() -> None:
    project = make_project()
    put(project, "rankings", ranking_line("one", 1, 2, annotator="ann"))
    upkeep.count(project=project)
    assert stored(project)
    task = project.tasks.get()
    task.rankings.all().delete()
    upkeep.changed(project_id=project.pk, task_ids=[task.pk])
    assert_equal_to_a_count_from_nothing(project)
    assert not stored(project)


def test_gold_and_withdrawn_rankings_leave_the_totals() -> None:
    project = make_project()
    lines = [
        ranking_line(task, 1, 2, annotator=name) for task in ("one", "two") for name in ("ann", "ben", "cid")
    ]
    put(project, "rankings", *lines)
    upkeep.count(project=project)
    assert summary.of(project).counts["rankings"] == 6
    first = str(project.tasks.order_by("pk")[0].public_id)
    (gold,) = control.mark_gold(project=project, tasks=[first], from_annotator="ann")
    assert_equal_to_a_count_from_nothing(project)
    assert summary.of(project).counts["rankings"] == 3
    erasure.withdraw_annotator(project=project, pseudonym="ben")
    assert_equal_to_a_count_from_nothing(project)
    assert summary.of(project).counts["rankings"] == 2
    control.unmark_gold(project=project, tasks=[gold])
    assert_equal_to_a_count_from_nothing(project)
    assert summary.of(project).counts["rankings"] == 4


def test_a_change_that_is_rolled_back_is_on_no_list() -> None:
    project = make_project()
    make_tasks(project)
    annotator = make_annotator(project)
    assignment = queue.claim(annotator=annotator)
    assert assignment is not None
    with pytest.raises(Exception, match="Place all"):
        ranking.submit(assignment=assignment, annotator=annotator, verdict="ranked", ranks=[1])
    assert not StaleTask.objects.exists()


def test_people_and_weeks_of_other_projects_stay_apart() -> None:
    one, other = make_project(), make_project()
    lines = [ranking_line("a", 1, 2, annotator=name) for name in ("ann", "ben")]
    put(one, "rankings", *lines)
    put(other, "rankings", lines[0])
    for project in (one, other):
        upkeep.count(project=project)
    assert (summary.of(one).counts["rankings"], summary.of(other).counts["rankings"]) == (2, 1)
    assert summary.of(other).tasks == 0


def test_the_page_and_the_command_say_the_same() -> None:
    project = make_project(annotators_per_task=3)
    make_tasks(project, 8, completions=3)
    rng = random.Random(1)
    people = [make_annotator(project) for _ in range(3)]
    for _ in range(8):
        for person in people:
            submit(person, rng)
    upkeep.count(project=project)
    shown: dict[str, Any] = summary.of(project).figures
    report = agreement_of(project=project)
    assert report["statistics"] == shown
    for name in ("pairwise_agreement", "krippendorff_alpha", "kendall_tau_b"):
        assert shown[name]["value"] == pytest.approx(report[name], abs=1e-12)
        low, high = shown[name]["interval"]
        assert low < shown[name]["value"] < high
    kappas = {tuple(sorted(one["annotators"])): one["kappa"] for one in report["cohen_kappa"]}
    assert len(summary.of(project).pairs) == 3
    for pair in summary.of(project).pairs:
        names = tuple(sorted([pair.annotator.pseudonym, pair.other.pseudonym]))
        assert pair.kappa is not None
        assert pair.kappa["value"] == pytest.approx(kappas[names], abs=1e-12)


def test_an_import_from_an_export_is_counted_the_same() -> None:
    project, copy = make_project(), make_project()
    put(project, "rankings", *(ranking_line(name, 2, 1, annotator="ann") for name in "ab"))
    put_bytes(copy, "rankings", out(project, "rankings"))
    for counted in (project, copy):
        upkeep.count(project=counted)
    assert summary.of(copy).counts == summary.of(project).counts


def test_a_count_stops_at_its_number_and_says_how_many_changes_are_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(upkeep, "BATCH", 1)
    project = make_project()
    put(project, "rankings", *(ranking_line(f"{number}", 1, 2) for number in range(3)))
    monkeypatch.setattr(upkeep, "MOST", 2)
    assert str(upkeep.left_of(project)) == "2+"
    assert str(upkeep.count(project=project, most=2)) == "1"
    assert str(upkeep.count(project=project, most=2)) == "0"
    assert_equal_to_a_count_from_nothing(project)


def test_the_length_of_a_completion_is_told_by_its_place_not_by_when_its_row_was_written() -> None:
    """ "long" won at place 0; its row is written after that of the other, as a repaired database may have it."""
    project = make_project()
    texts = [{"text": "long", "rank": 1}, {"text": "s", "rank": 2}]
    put(project, "rankings", {"prompt": "one", "completions": texts, "annotator": "ann"})
    task = project.tasks.get()
    rows = list(task.entries.order_by("-position"))
    task.entries.all().delete()
    TaskCompletion.objects.bulk_create(
        TaskCompletion(task=task, completion_id=row.completion_id, position=row.position) for row in rows
    )
    of = upkeep.totals(project)[Scope("habits")].named()
    assert (of["length_pairs"], of["longer_wins"]) == (1, 1)


def test_a_pair_of_annotators_leaves_the_totals_with_the_last_task_that_both_judged() -> None:
    project = make_project()
    lines = [ranking_line("one", 1, 2, annotator=name) for name in ("ann", "ben")]
    put(project, "rankings", *lines, ranking_line("two", 1, 2, annotator="ann"))
    upkeep.count(project=project)
    assert [total.tasks for scope, total in stored(project).items() if scope.kind == "pair"] == [1]
    task = project.tasks.get(prompt__messages__0__content="one")
    task.rankings.filter(annotator__pseudonym="ben").delete()
    upkeep.changed(project_id=project.pk, task_ids=[task.pk])
    assert_equal_to_a_count_from_nothing(project)
    assert {scope.kind for scope in stored(project)} == {"habits"}


def test_the_sweep_counts_what_changed_in_every_project() -> None:
    one, other = make_project(), make_project()
    for project in (one, other):
        put(project, "rankings", ranking_line("a", 1, 2, annotator="ann"))
    upkeep.count_everywhere()
    assert not StaleTask.objects.exists()
    assert [summary.of(project).counts["rankings"] for project in (one, other)] == [1, 1]


def test_counting_from_nothing_puts_every_ranked_task_on_the_list_once() -> None:
    project = make_project()
    put(
        project, "rankings", *(ranking_line(name, 1, 2, annotator=who) for name in "ab" for who in ("x", "y"))
    )
    make_tasks(project)
    upkeep.rebuild(project=project)
    ranked = project.tasks.filter(rankings__isnull=False).distinct()
    assert sorted(StaleTask.objects.values_list("task", flat=True)) == sorted(task.pk for task in ranked)
