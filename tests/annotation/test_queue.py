"""Leases: who gets which task, how a lease ends, and what an annotator may still do afterwards."""

from datetime import timedelta

import pytest
from django.utils import timezone

from annotation import intake, progress, queue, ranking
from annotation.errors import BadRequest, LeaseOver
from annotation.intake import add_demonstration
from annotation.models import Annotator, Assignment, Prompt, Ranking, Slot, Source
from annotation.tasks import expire_assignments
from tests.annotation.factories import make_annotator, make_project, make_tasks, put

pytestmark = pytest.mark.django_db
Status = Assignment.Status


def claimed(annotator: Annotator) -> Assignment:
    assignment = queue.claim(annotator=annotator)
    assert assignment is not None
    return assignment


def status_of(assignment: Assignment) -> str:
    assignment.refresh_from_db()
    return assignment.status


def run_out(assignment: Assignment) -> None:
    """Let the lease have ended a second ago."""
    Assignment.objects.filter(pk=assignment.pk).update(expires_at=timezone.now() - timedelta(seconds=1))


def submit(assignment: Assignment, annotator: Annotator) -> Ranking:
    return ranking.submit(
        assignment=assignment, annotator=annotator, verdict="ranked", ranks=range(1, 4), rationale="kept"
    )


@pytest.fixture
def cast() -> tuple[Annotator, Annotator]:
    """Alice and Bob, and two tasks for one annotator each."""
    project = make_project()
    make_tasks(project, 2, completions=3)
    return make_annotator(project), make_annotator(project)


def test_a_claim_in_a_second_tab_gives_the_same_assignment(cast: tuple[Annotator, Annotator]) -> None:
    alice, _ = cast
    assert claimed(alice) == claimed(alice)
    assert Slot.objects.filter(annotator=alice).count() == 1


def test_tasks_come_by_priority_then_in_the_order_of_their_making() -> None:
    project = make_project()
    alice = make_annotator(project)
    first, second, third, fourth = make_tasks(project, 4, priority=2)
    changed = intake.set_priorities(project=project, priorities={third.pk: 7, second.pk: -1, first.pk: 2})
    assert changed == 2  # the first had it already
    order = []
    for _ in range(4):
        assignment = claimed(alice)
        order.append(assignment.task)
        submit(assignment, alice)
    assert order == [third, first, fourth, second]
    assert queue.claim(annotator=alice) is None


def test_priorities_of_another_project_stay_as_they_are() -> None:
    (task,) = make_tasks(make_project())
    assert intake.set_priorities(project=make_project(), priorities={task.pk: 5}) == 0
    assert set(Slot.objects.filter(task=task).values_list("priority", flat=True)) == {0}


def test_the_order_shown_is_stored_and_differs_between_annotators() -> None:
    project = make_project(annotators_per_task=12)
    make_tasks(project, 1, completions=9)
    orders = [tuple(claimed(make_annotator(project)).order_shown) for _ in range(12)]
    assert all(sorted(order) == list(range(9)) for order in orders)
    # Twelve of 362,880 orders are all the same only where nothing is shuffled.
    assert len(set(orders)) > 1


def test_a_task_is_not_given_again_to_whoever_ranked_it() -> None:
    project = make_project(annotators_per_task=2)
    make_tasks(project, 1)
    alice, bob = make_annotator(project), make_annotator(project)
    submit(claimed(alice), alice)
    assert queue.claim(annotator=alice) is None
    assert progress.of(alice).left == 0
    submit(claimed(bob), bob)
    assert Ranking.objects.count() == 2


def test_an_annotator_gets_no_task_of_another_project(cast: tuple[Annotator, Annotator]) -> None:
    assert queue.claim(annotator=make_annotator(make_project())) is None


def test_nobody_ranks_their_own_text() -> None:
    project = make_project()
    alice, bob = make_annotator(project), make_annotator(project)
    put(project, "prompts", {"prompt": "Name a colour."})
    add_demonstration(prompt=Prompt.objects.get(project=project), annotator=alice, text="Blue.")
    own = Source.objects.get(annotator=alice).name
    texts = [{"text": "Blue.", "source": own}, {"text": "Red."}]
    put(project, "completions", {"prompt": "Name a colour.", "completions": texts})
    assert progress.of(alice).left == 0
    assert queue.claim(annotator=alice) is None
    assert claimed(bob).task.prompt.last_text == "Name a colour."


def test_a_skipped_task_goes_to_others_and_never_back(cast: tuple[Annotator, Annotator]) -> None:
    alice, bob = cast
    skipped = claimed(alice)
    queue.skip(assignment=skipped, annotator=alice, reason="  not my language ")
    assert (status_of(skipped), skipped.reason) == (Status.SKIPPED, "not my language")
    queue.skip(assignment=claimed(alice), annotator=alice, reason="nor this")
    assert Slot.objects.filter(annotator=None).count() == 2
    assert queue.claim(annotator=alice) is None
    assert claimed(bob).task == skipped.task


def test_a_skip_says_why(cast: tuple[Annotator, Annotator]) -> None:
    alice, _ = cast
    with pytest.raises(BadRequest, match="why"):
        queue.skip(assignment=claimed(alice), annotator=alice, reason=" \n")
    assert status_of(claimed(alice)) == Status.OPEN


def test_a_released_task_may_come_back(cast: tuple[Annotator, Annotator]) -> None:
    alice, _ = cast
    first = claimed(alice)
    queue.release(assignment=first, annotator=alice)
    second = claimed(alice)
    assert (second.task, second.pk != first.pk) == (first.task, True)


def test_renewing_starts_the_lease_anew_and_keeps_the_draft(cast: tuple[Annotator, Annotator]) -> None:
    alice, _ = cast
    assignment = claimed(alice)
    run_out(assignment)
    queue.renew(assignment=assignment, annotator=alice, draft={"ranks": {"A": 1}})
    queue.renew(assignment=assignment, annotator=alice)
    assignment.refresh_from_db()
    assert assignment.draft == {"ranks": {"A": 1}}
    left = (assignment.expires_at - timezone.now()).total_seconds()
    assert left == pytest.approx(alice.project.lease_seconds, abs=60)
    assert queue.expire() == 0


def test_a_huge_draft_is_refused(cast: tuple[Annotator, Annotator]) -> None:
    alice, _ = cast
    with pytest.raises(BadRequest, match="too large"):
        queue.renew(assignment=claimed(alice), annotator=alice, draft={"rationale": "x" * 64_000})


def test_others_cannot_renew_skip_release_or_submit(cast: tuple[Annotator, Annotator]) -> None:
    alice, bob = cast
    held = claimed(alice)
    for act in (
        lambda: queue.renew(assignment=held, annotator=bob),
        lambda: queue.skip(assignment=held, annotator=bob, reason="mine now"),
        lambda: queue.release(assignment=held, annotator=bob),
        lambda: submit(held, bob),
    ):
        with pytest.raises(LeaseOver):
            act()
    assert status_of(held) == Status.OPEN
    assert Slot.objects.get(task=held.task).annotator == alice


def test_the_sweep_frees_what_ran_out_and_nothing_else(cast: tuple[Annotator, Annotator]) -> None:
    alice, bob = cast
    late, lively = claimed(alice), claimed(bob)
    run_out(late)
    expire_assignments()
    assert (status_of(late), status_of(lively)) == (Status.EXPIRED, Status.OPEN)
    assert Slot.objects.get(task=late.task).annotator is None
    assert Slot.objects.get(task=lively.task).annotator == bob


def test_an_expired_lease_is_claimable_by_another_before_any_sweep(
    cast: tuple[Annotator, Annotator],
) -> None:
    alice, bob = cast
    submit(claimed(bob), bob)
    late = claimed(alice)
    assert queue.claim(annotator=bob) is None
    run_out(late)
    assert claimed(bob).task == late.task
    assert status_of(late) == Status.EXPIRED


def test_a_ranking_submitted_after_expiry_counts_while_nobody_has_the_task(
    cast: tuple[Annotator, Annotator],
) -> None:
    alice, bob = cast
    late = claimed(alice)
    run_out(late)
    queue.expire()
    assert submit(late, alice).assignment == late
    assert status_of(late) == Status.SUBMITTED
    assert Slot.objects.get(task=late.task).annotator == alice
    assert claimed(bob).task != late.task


def test_a_ranking_submitted_after_another_took_the_task_is_refused_and_the_draft_stays(
    cast: tuple[Annotator, Annotator],
) -> None:
    alice, bob = cast
    late = claimed(alice)
    queue.renew(assignment=late, annotator=alice, draft={"rationale": "long"})
    run_out(late)
    queue.expire()
    assert claimed(bob).task == late.task
    with pytest.raises(LeaseOver, match="others have it"):
        submit(late, alice)
    late.refresh_from_db()
    assert (late.status, late.draft) == (Status.EXPIRED, {"rationale": "long"})
    assert not Ranking.objects.exists()


@pytest.mark.parametrize("way", ["skip", "release"])
def test_what_was_handed_back_cannot_be_submitted(way: str, cast: tuple[Annotator, Annotator]) -> None:
    alice, _ = cast
    held = claimed(alice)
    if way == "skip":
        queue.skip(assignment=held, annotator=alice, reason="no")
    else:
        queue.release(assignment=held, annotator=alice)
    with pytest.raises(LeaseOver, match="skipped this task or handed it back"):
        submit(held, alice)
    for closed in (queue.renew, queue.release):
        with pytest.raises(LeaseOver):
            closed(assignment=held, annotator=alice)
