"""Flags of annotators: kept or passed on, once a reason, resolved in words."""

import pytest

from annotation.collecting import flags, queue
from annotation.errors import BadRequest, LeaseOver
from annotation.models import Annotator, Assignment, Flag
from tests.annotation.factories import make_user
from tests.annotation.judging import status_of, submit, taken

pytestmark = pytest.mark.django_db
Cast = tuple[Annotator, Annotator]


def test_a_flag_leaves_the_task_in_hand(cast: Cast) -> None:
    alice, _ = cast
    in_hand = taken(alice)
    flag = flags.raise_flag(assignment=in_hand, annotator=alice, category="private", words=" a phone number ")
    assert (flag.category, flag.words, flag.task, flag.prompt) == (
        "private",
        "a phone number",
        in_hand.task,
        in_hand.task.prompt,
    )
    assert status_of(in_hand) == Assignment.Status.OPEN


def test_a_flag_may_pass_the_task_on_with_its_reason(cast: Cast) -> None:
    alice, bob = cast
    in_hand = taken(alice)
    flags.raise_flag(assignment=in_hand, annotator=alice, category="harmful", words="a recipe", passing=True)
    assert (status_of(in_hand), in_hand.reason) == (Assignment.Status.SKIPPED, "harmful: a recipe")
    assert taken(alice).task != in_hand.task
    assert taken(bob).task == in_hand.task


def test_flagging_again_for_the_same_reason_changes_the_words(cast: Cast) -> None:
    alice, _ = cast
    in_hand = taken(alice)
    first = flags.raise_flag(assignment=in_hand, annotator=alice, category="broken", words="cut off")
    again = flags.raise_flag(assignment=in_hand, annotator=alice, category="broken", words="still cut off")
    flags.raise_flag(assignment=in_hand, annotator=alice, category="harmful")
    assert again == first
    assert again.words == "still cut off"
    assert Flag.objects.open().count() == 2


def test_flagging_again_what_was_resolved_keeps_who_resolved_it(cast: Cast) -> None:
    alice, _ = cast
    carol = make_user("carol")
    in_hand = taken(alice)
    first = flags.raise_flag(assignment=in_hand, annotator=alice, category="broken", words="cut off")
    flags.resolve(flags=[first], resolution="Mended.", by=carol)
    again = flags.raise_flag(assignment=in_hand, annotator=alice, category="broken", words="still cut off")
    first.refresh_from_db()
    assert (first.words, first.resolution, first.resolved_by) == ("cut off", "Mended.", carol)
    assert (again.words, again.resolution, again.resolved_by) == ("still cut off", "", None)
    assert list(Flag.objects.open()) == [again]


def test_what_is_no_reason_is_refused(cast: Cast) -> None:
    alice, bob = cast
    in_hand = taken(alice)
    with pytest.raises(BadRequest, match="must be one of"):
        flags.raise_flag(assignment=in_hand, annotator=alice, category="boring")
    with pytest.raises(BadRequest, match="few words"):
        flags.raise_flag(assignment=in_hand, annotator=alice, category="other", words=" ")
    with pytest.raises(LeaseOver):
        flags.raise_flag(assignment=in_hand, annotator=bob, category="broken")
    submit(in_hand, alice)
    with pytest.raises(LeaseOver):
        flags.raise_flag(assignment=in_hand, annotator=alice, category="broken")
    assert not Flag.objects.exists()


def test_a_resolution_is_in_words_and_is_not_resolved_twice(cast: Cast) -> None:
    alice, _ = cast
    carol = make_user("carol")
    flag = flags.raise_flag(assignment=taken(alice), annotator=alice, category="broken")
    with pytest.raises(BadRequest, match="what became of it"):
        flags.resolve(flags=[flag], resolution=" ", by=carol)
    assert flags.resolve(flags=[flag], resolution="Withdrawn.", by=carol) == 1
    assert flags.resolve(flags=[flag], resolution="Nothing.", by=make_user()) == 0
    flag.refresh_from_db()
    assert (flag.resolution, flag.resolved_by) == ("Withdrawn.", carol)


def test_a_flag_is_of_the_task_and_goes_with_no_skip(cast: Cast) -> None:
    alice, _ = cast
    queue.skip(assignment=taken(alice), annotator=alice, reason="hard")
    assert not Flag.objects.exists()


def test_the_words_of_a_flag_are_kept_to_500_characters(cast: Cast) -> None:
    alice, _ = cast
    flag = flags.raise_flag(
        assignment=taken(alice), annotator=alice, category="broken", words="x" * 499 + "yz"
    )
    assert flag.words == "x" * 499 + "y"
