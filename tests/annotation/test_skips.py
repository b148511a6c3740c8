"""Skips that files bring."""

import pytest

from annotation.collecting import queue
from annotation.models import Annotator, Assignment
from tests.annotation.factories import make_annotator, make_project, make_tasks, out, put_bytes
from tests.annotation.judging import run_out, status_of, taken

pytestmark = pytest.mark.django_db
Status = Assignment.Status


def test_skips_are_added_beside_a_lease_that_ended_and_only_once() -> None:
    project, other = make_project(), make_project()
    make_tasks(project)
    alice = make_annotator(project)
    queue.skip(assignment=taken(alice), annotator=alice, reason="Too long.")
    exported = out(project, "skips")
    put_bytes(other, "completions", out(project, "completions"))
    again = make_annotator(other)
    Annotator.objects.filter(pk=again.pk).update(pseudonym=alice.pseudonym)
    in_hand = taken(again)
    run_out(in_hand)
    assert queue.expire() == 1
    for counts in ((1, 0), (0, 1)):
        report = put_bytes(other, "skips", exported)
        assert (report.added, report.already) == counts
    assert status_of(in_hand) == Status.EXPIRED
    (skipped,) = Assignment.objects.filter(project=other, status=Status.SKIPPED)
    assert (skipped.task, skipped.annotator, skipped.reason) == (in_hand.task, again, "Too long.")
