"""Gold tasks and repeats: who gets them, what they look like, and where their rankings never turn up."""

import json
import random
import re
from collections.abc import Callable
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any, Unpack

import pytest
from django.core.management import call_command
from django.test import Client

from annotation.checking import control
from annotation.checking.control import ControlSettings
from annotation.collecting import progress, queue, ranking
from annotation.errors import BadRequest
from annotation.files import export, snapshots
from annotation.files.intake import add_demonstration
from annotation.models import (
    Annotator,
    Assignment,
    Comparison,
    Project,
    Prompt,
    Ranking,
    Slot,
    Snapshot,
    Source,
    Task,
)
from annotation.quality import agreement
from tests.annotation import factories
from tests.annotation.factories import (
    make_annotator,
    make_project,
    make_tasks,
    out,
    out_values,
    put,
    put_bytes,
)
from tests.annotation.judging import at_once, run_out, status_of, submit, taken
from tests.api.world import Program, token_of

pytestmark = pytest.mark.django_db
Purpose = Task.Purpose


def controlled(annotators: int = 1, **settings: Unpack[ControlSettings]) -> Project:
    """A project with checks."""
    project = make_project(annotators_per_task=annotators)
    control.configure(project=project, **settings)
    return project


def make_gold(project: Project, count: int = 1) -> list[Task]:
    """Gold tasks by an expert whose rankings came in a file: best first, as the texts are numbered."""
    tasks = make_tasks(project, count)
    for task in tasks:
        texts = [{"text": f"Answer {place}", "rank": place + 1} for place in range(3)]
        prompt = task.prompt.messages[0]["content"]
        put(project, "rankings", {"prompt": prompt, "completions": texts, "annotator": "expert"})
    return control.mark_gold(project=project, tasks=[str(task.public_id) for task in tasks])


def purposes(annotator: Annotator, count: int) -> list[str]:
    """Of the next tasks, each submitted."""
    kinds = []
    for _ in range(count):
        assignment = taken(annotator)
        kinds.append(assignment.task.purpose)
        submit(assignment, annotator)
    return kinds


def test_each_annotator_gets_each_gold_task_once_and_any_number_of_annotators_do() -> None:
    project = controlled(2, gold_every=1)
    gold = make_gold(project, 2)
    make_tasks(project, 4)
    for _ in range(2):
        alice = make_annotator(project)
        # With a chance of one in one gold comes first, until she has had both.
        assert sorted(purposes(alice, 6)) == ["collect"] * 4 + ["gold"] * 2
        assert queue.claim(annotator=alice) is None
    assert Ranking.objects.current().filter(task__in=gold, annotator__user__isnull=False).count() == 4


@pytest.mark.long
def test_gold_comes_about_as_often_as_the_project_says_and_at_no_fixed_step() -> None:
    project = controlled(gold_every=4)
    make_gold(project, 40)
    make_tasks(project, 140)
    alice, rng = make_annotator(project), random.Random(7)
    kinds = []
    for _ in range(120):
        assignment = queue.claim(annotator=alice, shuffle=rng)
        assert assignment is not None
        kinds.append(assignment.task.purpose)
        submit(assignment, alice)
    at = [i for i, purpose in enumerate(kinds) if purpose == "gold"]
    # 120 draws of 1 in 4: 30, and within four standard deviations of 4.7.
    assert 11 <= len(at) <= 49
    assert len({b - a for a, b in pairwise(at)}) > 3


@pytest.mark.parametrize(("every", "share"), [(0, 0.0), (1, 1.0), (4, 0.25), (10, 0.1)])
def test_a_check_falls_due_by_a_draw_of_one_in_so_many(every: int, share: float) -> None:
    """Of 2000 draws of a quarter the share has a standard deviation of 0.0097, so 0.04 is four of them."""
    alice, rng = make_annotator(controlled(gold_every=every)), random.Random(3)
    drawn = []

    def nothing_else_waits() -> bool:
        drawn.append(1)
        return False

    for _ in range(2000):
        assert control.due(annotator=alice, waiting=nothing_else_waits, rng=rng) is None
    assert len(drawn) / 2000 == pytest.approx(share, abs=0.04)


def test_gold_waits_for_a_task_to_stand_between() -> None:
    """With nothing else left a gold task would show as one more than "left" says."""
    project = controlled(gold_every=1)
    make_gold(project)
    assert queue.claim(annotator=make_annotator(project)) is None


def test_whoever_gave_the_order_or_wrote_a_text_does_not_get_the_gold_task() -> None:
    project = controlled(gold_every=1)
    alice, bob = make_annotator(project), make_annotator(project)
    (task,) = make_tasks(project)
    submit(taken(alice), alice)
    control.mark_gold(project=project, from_annotator=alice.pseudonym)
    add_demonstration(prompt=task.prompt, annotator=bob, text="Mine.")
    entry = task.entries.all()[0]
    entry.completion.source = Source.objects.get(annotator=bob)
    entry.completion.save()
    make_tasks(project, 2)
    assert [taken(one).task.purpose for one in (alice, bob)] == ["collect", "collect"]


def test_a_skipped_gold_task_does_not_come_back_and_one_handed_back_may() -> None:
    project = controlled(gold_every=1)
    (gold,) = make_gold(project)
    make_tasks(project, 3)
    alice = make_annotator(project)
    first = taken(alice)
    queue.release(assignment=first, annotator=alice)
    again = taken(alice)
    assert (first.task, again.task) == (gold, gold)
    queue.skip(assignment=again, annotator=alice, reason="no")
    assert taken(alice).task.purpose == Purpose.COLLECT
    assert not Slot.objects.filter(task=gold).exists()


def test_a_gold_task_whose_lease_ran_out_can_still_be_submitted() -> None:
    project = controlled(gold_every=1)
    make_gold(project)
    make_tasks(project)
    alice = make_annotator(project)
    assignment = taken(alice)
    run_out(assignment)
    queue.expire()
    submit(assignment, alice)
    assert status_of(assignment) == Assignment.Status.SUBMITTED


def shape(html: str) -> str:
    """The page without what differs between any two tasks: tokens, ids, the texts, and the time of day."""
    html = re.sub(r'data-now="[^"]+"', "", html)
    html = re.sub(r'value="[A-Za-z0-9-]{20,}"', "", html)
    return re.sub(r"(Prompt|Answer) \d+", r"\1", html)


def test_a_gold_tasks_page_is_any_tasks_page() -> None:
    project = controlled(gold_every=1)
    make_tasks(project, 3)
    pages = {}
    for purpose in ("collect", "gold"):
        if purpose == "gold":  # until now there was none
            make_gold(project)
        annotator = make_annotator(project, f"annotator {purpose}")
        client = Client()
        assert annotator.user is not None
        client.force_login(annotator.user)
        html = client.get(f"/projects/{project.slug}/rank/").content.decode()
        assert Assignment.objects.open().get(annotator=annotator).task.purpose == purpose
        pages[purpose] = shape(html.replace(f"annotator {purpose}", "annotator"))
    assert pages["collect"] == pages["gold"]
    assert "up to 10 left" in pages["gold"]
    assert not re.search(r"\bgold\b|expert", pages["gold"], re.IGNORECASE)


def test_what_a_program_is_told_of_a_check_is_what_it_is_told_of_any_task() -> None:
    """Before it is judged and after: the same fields of the same kinds, the same headers, the same lists."""
    project = controlled(gold_every=1, repeat_every=1)
    make_tasks(project, 6)
    make_gold(project)
    shapes: dict[str, set[str]] = {}
    annotator = make_annotator(project)
    assert annotator.user is not None
    program = Program(token_of(annotator.user, "annotate"))
    at = f"projects/{project.slug}/"
    while (taken := program.ask("POST", f"{at}next/")).status_code == 200:
        task = Assignment.objects.open().get(annotator=annotator, ahead=False).task
        address = f"{at}assignments/{taken.json()['id']}/"
        ranks = dict(zip("ABC", (1, 2, 3), strict=True))
        answers = [
            taken,
            program.ask("GET", address),
            program.ask("PUT", f"{address}draft/", {"ranks": ranks}),
            program.ask("POST", f"{address}submit/", {"ranks": ranks}),
            program.ask("GET", address),
            program.ask("POST", f"{address}revise/", {"ranks": ranks}),
        ]
        assert [answer.status_code for answer in answers] == [200] * len(answers)
        (row,) = [one for one in program.rows(f"{at}assignments/") if one["id"] == taken.json()["id"]]
        for word in (b"gold", b"repeat", b"check", b"purpose"):
            assert not [answer for answer in answers if word in answer.content.lower()], word
        kinds = [*(kinds_of(answer.json()) for answer in answers), kinds_of(row)]
        shapes.setdefault(task.purpose, set()).add(f"{kinds} {[sorted(one.headers) for one in answers]}")
    assert set(shapes) == {"collect", "gold", "repeat"}
    (plain,) = shapes["collect"]
    assert shapes == {purpose: {plain} for purpose in shapes}


def kinds_of(value: Any) -> Any:
    """Its fields, each with what kind of thing stands there."""
    if isinstance(value, dict):
        return {name: kinds_of(one) for name, one in sorted(value.items())}
    if isinstance(value, list):
        return [kinds_of(one) for one in value]
    return type(value).__name__


def test_what_is_left_does_not_tell_that_a_check_was_in_between() -> None:
    project = controlled(gold_every=1)
    make_tasks(project, 14)
    alice = make_annotator(project)
    make_gold(project)
    shown = []
    while (assignment := queue.claim(annotator=alice)) is not None:
        shown.append((assignment.task.purpose, progress.of(alice).up_to))
        submit(assignment, alice)
    assert {purpose for purpose, _ in shown} == {"gold", "collect"}
    # The number is the same on both sides of each check, and of nearly every other task.
    numbers = [up_to or 0 for _, up_to in shown]
    assert numbers == sorted(numbers, reverse=True)
    assert {up_to for _, up_to in shown} == {20, 10}


def test_left_counts_no_gold_and_is_never_nothing_with_a_task_in_hand() -> None:
    project = controlled(gold_every=1)
    make_gold(project)
    make_tasks(project, 2)
    alice, bob = make_annotator(project), make_annotator(project)
    assert taken(alice).task.purpose == Purpose.GOLD
    assert progress.of(alice).left == 2
    Project.objects.update(gold_every=0)
    bob.project.refresh_from_db()
    for _ in range(2):
        submit(taken(bob), bob)
    assert progress.of(alice).left == 1
    submit(Assignment.objects.open().get(annotator=alice), alice)
    assert (progress.of(alice).left, progress.of(alice).today) == (0, 1)


def test_a_repeat_is_the_same_completions_in_another_order_after_enough_others() -> None:
    project = controlled(repeat_every=1)
    make_tasks(project, 5, completions=2)
    alice = make_annotator(project)
    first = taken(alice)
    ranking.submit(assignment=first, annotator=alice, verdict="ranked", ranks=[1, 2])
    second = taken(alice)
    # One ranking is not one ago of itself: with a chance of one in one nothing is due yet.
    assert second.task.purpose == Purpose.COLLECT
    ranking.submit(assignment=second, annotator=alice, verdict="ranked", ranks=[1, 2])
    again = taken(alice)
    assert (again.task.purpose, again.task.repeats) == (Purpose.REPEAT, first.task)
    assert again.order_shown == first.order_shown[::-1]
    entries = [list(task.entries.values_list("position", "completion")) for task in (first.task, again.task)]
    assert entries[0] == entries[1]


def test_a_repeat_is_asked_of_each_annotator_once_and_is_one_task() -> None:
    project = controlled(2, repeat_every=1)
    make_tasks(project, 4)
    for _ in range(2):
        alice = make_annotator(project)
        # The third and the fourth have no ranking after them while another task still waits.
        assert purposes(alice, 6) == ["collect", "collect", "repeat", "repeat", "collect", "collect"]
        assert queue.claim(annotator=alice) is None
    repeats = Task.objects.filter(purpose=Purpose.REPEAT)
    assert len({task.repeats_id for task in repeats}) == len(repeats) <= 4
    assert Ranking.objects.filter(task__in=repeats).count() == 4


def test_nothing_is_repeated_before_enough_others() -> None:
    project = controlled(repeat_every=3)
    make_tasks(project, 12)
    alice = make_annotator(project)
    rng = type("Always", (random.Random,), {"random": lambda self: 0.0})(1)
    claimed = []
    for _ in range(4):
        assignment = queue.claim(annotator=alice, shuffle=rng)
        assert assignment is not None
        claimed.append(assignment)
        submit(assignment, alice)
    assert [one.task.purpose for one in claimed] == ["collect"] * 4
    fifth = queue.claim(annotator=alice, shuffle=rng)
    assert fifth is not None
    # Of the four, only the first has three rankings after it.
    assert fifth.task.repeats == claimed[0].task


@pytest.mark.django_db(transaction=True)
def test_a_repeat_that_two_need_at_once_is_made_once() -> None:
    project = make_project()
    (task,) = make_tasks(project)
    make: Callable[[], object] = lambda: control.asked_again(task_id=task.pk, purpose=Purpose.REPEAT)  # noqa: E731
    repeats = at_once([make] * 6)
    assert {one.pk for one in repeats if isinstance(one, Task)} == {Task.objects.get(repeats=task).pk}
    assert not [one for one in repeats if isinstance(one, Exception)]
    assert Task.objects.get(repeats=task).entries.count() == 3


@pytest.fixture
def checked(tmp_path: Path, settings: Any) -> Project:
    """Alice ranked two tasks, one of them again, and a gold task."""
    folder = {**settings.STORAGES["artifacts"], "OPTIONS": {"location": tmp_path / "artifacts"}}
    settings.STORAGES = {**settings.STORAGES, "artifacts": folder}
    project = make_project(annotators_per_task=2)
    alice = make_annotator(project)
    make_gold(project)
    make_tasks(project, 4)
    for fields in (
        {"gold_every": 0},
        {"gold_every": 0},
        {"gold_every": 1},
        {"gold_every": 0, "repeat_every": 1},
    ):
        Project.objects.filter(pk=project.pk).update(**fields)
        alice.project.refresh_from_db()
        submit(taken(alice), alice)
    counts = [Ranking.objects.filter(annotator=alice, task__purpose=p).count() for p in Purpose]
    assert counts == [2, 1, 1, 0]
    return project


def test_rankings_of_gold_and_repeats_train_nothing(checked: Project) -> None:
    snapshot: Snapshot = snapshots.take(project=checked)
    assert (snapshot.rankings, snapshot.comparisons) == (2, 6)
    assert agreement.agreement_of(project=checked)["counts"]["rankings"] == 2


def test_no_export_holds_gold_or_repeats(checked: Project) -> None:
    for kind, lines in {"rankings": 2, "pairs": 6, "completions": 4}.items():
        assert len(out_values(checked, kind)) == export.count(project=checked, kind=kind) == lines, kind
    report = export.write(project=checked, kind="pairs", out=StringIO())
    assert report.ties_left_out == 0
    assert Comparison.objects.filter(ranking__project=checked).count() > 6


def test_an_import_opens_no_slots_of_a_gold_task() -> None:
    project = make_project()
    (gold,) = make_gold(project)
    texts = [{"text": f"Answer {place}"} for place in range(3)]
    put(project, "completions", {"prompt": gold.prompt.messages[0]["content"], "completions": texts})
    assert not Slot.objects.filter(task=gold).exists()


def test_the_command_marks_what_an_annotator_put_in_an_order() -> None:
    project = make_project()
    put(
        project,
        "rankings",
        factories.ranking("one", 2, 1, annotator="expert"),
        factories.ranking("two", 1, 1, annotator="expert"),
        factories.ranking("three", 1, 2, annotator="expert", verdict="all_bad"),
        factories.ranking("four", 1, 2, annotator="bob"),
    )
    text = StringIO()
    call_command("mark_gold", project=project.slug, from_annotator="expert", stdout=text)
    gold = Task.objects.get(purpose=Purpose.GOLD)
    assert json.loads(text.getvalue()) == {"project": project.slug, "gold": 1, "tasks": [str(gold.public_id)]}
    assert (gold.prompt.last_text, gold.gold_tiers) == ("one", [2, 1])


def test_what_cannot_be_gold_is_refused_in_words() -> None:
    project = make_project(annotators_per_task=2)
    bare, many = make_tasks(project, 2)
    alice, bob = make_annotator(project), make_annotator(project)
    for one in (alice, bob):
        Assignment.objects.create(
            task=many, project=project, annotator=one, expires_at="2030-01-01T00:00Z", order_shown=[0, 1, 2]
        )
    ranking.submit(
        assignment=Assignment.objects.get(annotator=alice), annotator=alice, verdict="ranked", ranks=[1, 1, 1]
    )
    ranking.submit(
        assignment=Assignment.objects.get(annotator=bob), annotator=bob, verdict="ranked", ranks=[1, 2, 2]
    )
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "Name the tasks"),
        ({"tasks": ["none"]}, "no task none"),
        ({"tasks": [bare.key]}, "Nobody put task"),
        ({"tasks": [many.key]}, "2 rankings"),
        ({"tasks": [many.key], "from_annotator": alice.pseudonym}, "tied throughout"),
        ({"tasks": [many.key], "from_annotator": "nobody"}, "no annotator 'nobody'"),
    ]
    for arguments, words in cases:
        with pytest.raises(BadRequest, match=words):
            control.mark_gold(project=project, **arguments)
    control.mark_gold(project=project, tasks=[many.key], from_annotator=bob.pseudonym)
    with pytest.raises(BadRequest, match="cannot become gold"):
        control.mark_gold(project=project, tasks=[many.key], from_annotator=bob.pseudonym)
    with pytest.raises(BadRequest, match="no task"):
        control.mark_gold(project=make_project(), tasks=[many.key])


def test_unmarking_gold_brings_its_rankings_and_slots_back() -> None:
    project = controlled(2, gold_every=1)
    gold = make_gold(project)
    make_tasks(project, 1)
    alice, bob = make_annotator(project), make_annotator(project)
    submit(taken(alice), alice)
    in_hand = taken(bob)
    assert in_hand.task == gold[0]
    assert control.unmark_gold(project=project, tasks=gold) == 1
    assert status_of(in_hand) == Assignment.Status.RELEASED
    holders = Slot.objects.filter(task=gold[0]).values_list("annotator__pseudonym", flat=True)
    assert sorted(holders, key=str) == sorted(["expert", alice.pseudonym])
    assert Ranking.objects.collected().filter(task=gold[0]).count() == 2
    assert Prompt.objects.count() == 2


def test_of_more_tasks_than_are_drawn_from_the_newest_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "MOST_CANDIDATES", 1)
    project = controlled()
    make_tasks(project, 5)
    alice = make_annotator(project)
    judged = [taken(alice)]
    for _ in range(3):
        submit(judged[-1], alice)
        judged.append(taken(alice))
    submit(judged[-1], alice)
    control.configure(project=project, repeat_every=1)
    alice.project.refresh_from_db()
    # One ranking is made after the third's, none after the fourth's.
    assert purposes(alice, 1) == ["repeat"]
    assert Task.objects.get(purpose=Purpose.REPEAT).repeats == judged[2].task


def test_gold_that_is_not_named_stays_gold_when_another_is_unmarked() -> None:
    project = controlled()
    one, other = make_gold(project, 2)
    assert control.unmark_gold(project=project, tasks=[one]) == 1
    assert list(Task.objects.gold()) == [other]


def test_a_repeat_that_was_handed_back_is_asked_again() -> None:
    project = controlled(repeat_every=1)
    make_tasks(project, 4)
    alice = make_annotator(project)
    purposes(alice, 2)
    again = taken(alice)
    assert again.task.purpose == Purpose.REPEAT
    queue.release(assignment=again, annotator=alice)
    assert taken(alice).task == again.task


def test_what_a_file_says_that_somebody_ranked_is_not_asked_of_them_again() -> None:
    project = controlled(repeat_every=1)
    alice = make_annotator(project)
    seen = {"concord": {"order_shown": [1, 0]}}
    put(project, "rankings", factories.ranking("x", 1, 2, annotator=alice.pseudonym, **seen))
    make_tasks(project, 3)
    assert purposes(alice, 2) == ["collect", "collect"]


def test_gold_that_comes_twice_is_there_already() -> None:
    project, other = controlled(), make_project()
    make_gold(project, 3)
    exported = out(project, "gold")
    for counts in ((3, 0), (0, 3)):
        report = put_bytes(other, "gold", exported)
        assert (report.added, report.already) == counts
    assert Task.objects.gold().filter(project=other).count() == 3
