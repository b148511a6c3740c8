"""How a lease goes on and ends, and what an annotator may still do afterwards."""

from datetime import timedelta

import pytest
from django.utils import timezone

from annotation.collecting import queue
from annotation.errors import BadRequest, LeaseOver
from annotation.models import Annotator, Assignment, Ranking, Slot
from annotation.tasks import expire_assignments
from tests.annotation.judging import run_out, status_of, submit, taken

pytestmark = pytest.mark.django_db
Status = Assignment.Status


def test_renewing_starts_the_lease_anew_and_keeps_the_draft(cast: tuple[Annotator, Annotator]) -> None:
    alice, _ = cast
    assignment = taken(alice)
    run_out(assignment)
    queue.renew(assignment=assignment, annotator=alice, draft={"ranks": {"A": 1}})
    queue.renew(assignment=assignment, annotator=alice)
    assignment.refresh_from_db()
    assert assignment.draft == {"ranks": {"A": 1}}
    left = (assignment.expires_at - timezone.now()).total_seconds()
    assert left == pytest.approx(alice.project.lease_seconds, abs=60)
    assert queue.expire() == 0


LAPTOP, PHONE = "1" * 32, "2" * 32


def keep(assignment: Assignment, rationale: str, browser: str, *, age: int, changed: bool = True) -> bool:
    origin = queue.Origin(browser, timedelta(seconds=age), changed)
    return queue.renew(
        assignment=assignment, annotator=assignment.annotator, draft={"rationale": rationale}, origin=origin
    )


def test_of_two_browsers_the_draft_stays_that_was_changed_last(cast: tuple[Annotator, Annotator]) -> None:
    assignment = taken(cast[0])
    assert keep(assignment, "on the phone, a minute ago", PHONE, age=60)
    run_out(assignment)
    # The laptop was without a connection; what it kept is older, or nothing was changed on it at all.
    assert not keep(assignment, "on the laptop, an hour ago", LAPTOP, age=3600)
    assert not keep(assignment, "as the laptop loaded it", LAPTOP, age=3600, changed=False)
    assignment.refresh_from_db()
    assert (assignment.draft, assignment.drafted_by) == ({"rationale": "on the phone, a minute ago"}, PHONE)
    assert assignment.expires_at > timezone.now()  # it is in hand all the same
    # Its own browser may send what it changed earlier: answers overtake each other.
    assert keep(assignment, "on the phone, again", PHONE, age=90)
    assert keep(assignment, "on the laptop, now", LAPTOP, age=0)
    assignment.refresh_from_db()
    assert (assignment.draft, assignment.drafted_by) == ({"rationale": "on the laptop, now"}, LAPTOP)


def test_a_page_that_only_shows_a_draft_does_not_become_its_author(cast: tuple[Annotator, Annotator]) -> None:
    assignment = taken(cast[0])
    assert keep(assignment, "on the phone", PHONE, age=60)
    assert keep(assignment, "on the phone", LAPTOP, age=10, changed=False)
    assignment.refresh_from_db()
    assert assignment.drafted_by == PHONE
    assert assignment.drafted_at is not None
    assert assignment.drafted_at < timezone.now() - timedelta(seconds=30)


def test_opening_it_again_starts_the_lease_anew(cast: tuple[Annotator, Annotator]) -> None:
    alice, bob = cast
    assignment = taken(alice)
    run_out(assignment)
    assert taken(alice) == assignment
    assignment.refresh_from_db()
    left = (assignment.expires_at - timezone.now()).total_seconds()
    assert left == pytest.approx(alice.project.lease_seconds, abs=60)
    assert (queue.expire(), taken(bob).task == assignment.task) == (0, False)
    assert submit(assignment, alice).is_current


def test_a_huge_draft_is_refused(cast: tuple[Annotator, Annotator]) -> None:
    alice, _ = cast
    with pytest.raises(BadRequest, match="too large"):
        queue.renew(assignment=taken(alice), annotator=alice, draft={"rationale": "x" * 64_000})


def test_others_cannot_renew_skip_release_or_submit(cast: tuple[Annotator, Annotator]) -> None:
    alice, bob = cast
    in_hand = taken(alice)
    for act in (
        lambda: queue.renew(assignment=in_hand, annotator=bob),
        lambda: queue.skip(assignment=in_hand, annotator=bob, reason="mine now"),
        lambda: queue.release(assignment=in_hand, annotator=bob),
        lambda: submit(in_hand, bob),
    ):
        with pytest.raises(LeaseOver):
            act()
    assert status_of(in_hand) == Status.OPEN
    assert Slot.objects.get(task=in_hand.task).annotator == alice


def test_the_sweep_frees_what_ran_out_and_nothing_else(cast: tuple[Annotator, Annotator]) -> None:
    alice, bob = cast
    late, lively = taken(alice), taken(bob)
    run_out(late)
    expire_assignments()
    assert (status_of(late), status_of(lively)) == (Status.EXPIRED, Status.OPEN)
    assert Slot.objects.get(task=late.task).annotator is None
    assert Slot.objects.get(task=lively.task).annotator == bob


def test_an_expired_lease_is_claimable_by_another_before_any_sweep(
    cast: tuple[Annotator, Annotator],
) -> None:
    alice, bob = cast
    submit(taken(bob), bob)
    late = taken(alice)
    assert queue.claim(annotator=bob) is None
    run_out(late)
    assert taken(bob).task == late.task
    assert status_of(late) == Status.EXPIRED


def test_a_ranking_submitted_after_expiry_counts_while_nobody_has_the_task(
    cast: tuple[Annotator, Annotator],
) -> None:
    alice, bob = cast
    late = taken(alice)
    run_out(late)
    queue.expire()
    assert submit(late, alice).assignment == late
    assert status_of(late) == Status.SUBMITTED
    assert Slot.objects.get(task=late.task).annotator == alice
    assert taken(bob).task != late.task


def test_a_ranking_submitted_after_another_took_the_task_is_refused_and_the_draft_stays(
    cast: tuple[Annotator, Annotator],
) -> None:
    alice, bob = cast
    late = taken(alice)
    queue.renew(assignment=late, annotator=alice, draft={"rationale": "long"})
    run_out(late)
    queue.expire()
    assert taken(bob).task == late.task
    with pytest.raises(LeaseOver, match="others have it"):
        submit(late, alice)
    late.refresh_from_db()
    assert (late.status, late.draft) == (Status.EXPIRED, {"rationale": "long"})
    assert not Ranking.objects.exists()


@pytest.mark.parametrize("way", ["skip", "release"])
def test_what_was_handed_back_cannot_be_submitted(way: str, cast: tuple[Annotator, Annotator]) -> None:
    alice, _ = cast
    in_hand = taken(alice)
    if way == "skip":
        queue.skip(assignment=in_hand, annotator=alice, reason="no")
    else:
        queue.release(assignment=in_hand, annotator=alice)
    with pytest.raises(LeaseOver, match="skipped this task or handed it back"):
        submit(in_hand, alice)
    for closed in (queue.renew, queue.release):
        with pytest.raises(LeaseOver):
            closed(assignment=in_hand, annotator=alice)
