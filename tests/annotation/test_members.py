"""Roles change, invitations are revoked and renewed; who leaves gives back what they hold, and their work stays."""

from datetime import timedelta

import pytest

from annotation import members, people
from annotation.collecting import queue, ranking
from annotation.errors import BadRequest, NotAllowed
from annotation.models import Annotator, Assignment, Invitation, Membership, Project, Ranking, Slot
from annotation.quality import upkeep, work
from annotation.withdrawal import erasure
from tests.annotation.factories import make_member, make_project, make_tasks, make_user

pytestmark = pytest.mark.django_db
Role = Membership.Role


def token_of(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def membership_of(annotator: Annotator) -> Membership:
    return Membership.objects.get(project=annotator.project, user=annotator.user)


@pytest.fixture
def project() -> Project:
    project = make_project()
    make_tasks(project, 4)
    return project


def test_a_revoked_link_lets_nobody_in_and_a_new_one_does(project: Project) -> None:
    first = members.invite(project=project, email="bob@example.org", role=Role.RESEARCHER)
    second = members.invite_again(invitation=Invitation.objects.get())
    with pytest.raises(NotAllowed, match="was taken back"):
        members.accept(token=token_of(first), user=make_user())
    bob = make_user()
    assert members.accept(token=token_of(second), user=bob).role == Role.RESEARCHER
    used = Invitation.objects.get(revoked_at=None)
    for change in (members.revoke, members.invite_again):
        with pytest.raises(BadRequest, match="has accepted it: remove the member"):
            change(invitation=used)
    assert Membership.objects.get(user=bob).role == Role.RESEARCHER
    assert not members.invitations(project).exists()


def test_open_invitations_are_those_that_somebody_may_still_use_or_missed(project: Project) -> None:
    for number in range(3):
        members.invite(project=project, email=f"{number}@example.org", role=Role.ANNOTATOR)
    members.invite(project=make_project(), email="other@example.org", role=Role.ANNOTATOR)
    first, second, third = Invitation.objects.filter(project=project).order_by("pk")
    members.revoke(invitation=first)
    Invitation.objects.filter(pk=second.pk).update(expires_at=second.created_at - timedelta(days=1))
    assert list(members.invitations(project)) == [third, second]
    assert [one.has_expired for one in members.invitations(project)] == [False, True]


def test_who_leaves_gives_back_what_they_hold_and_their_work_stays(project: Project) -> None:
    annotator = people.annotator_for(project=project, user=make_member(project))
    judged = queue.claim(annotator=annotator)
    assert judged is not None
    ranking.submit(assignment=judged, annotator=annotator, verdict="ranked", ranks=[1, 2, 3])
    assert queue.claim(annotator=annotator)
    assert queue.reserve(annotator=annotator)
    members.remove(membership=membership_of(annotator))
    assert Ranking.objects.get().annotator == annotator
    assert sorted(Assignment.objects.values_list("status", flat=True)) == [
        "released",
        "released",
        "submitted",
    ]
    assert Slot.objects.filter(annotator=annotator).count() == 1
    with pytest.raises(NotAllowed):
        people.annotator_for(project=project, user=annotator.user)  # type: ignore[arg-type]
    assert people.known_annotator(slug=project.slug, user=annotator.user) is None  # type: ignore[arg-type]
    # Somebody who comes back goes on as the same annotator.
    again = members.invite(project=project, email="a@example.org", role=Role.ANNOTATOR)
    members.accept(token=token_of(again), user=annotator.user)  # type: ignore[arg-type]
    assert people.annotator_for(project=project, user=annotator.user) == annotator  # type: ignore[arg-type]


def test_who_has_judged_nothing_or_was_withdrawn_can_leave_too(project: Project) -> None:
    idle, withdrawn = make_member(project), make_member(project)
    annotator = people.annotator_for(project=project, user=withdrawn)
    erasure.withdraw_annotator(project=project, pseudonym=annotator.pseudonym)
    for user in (idle, withdrawn):
        members.remove(membership=Membership.objects.get(user=user))
    assert not Membership.objects.exists()


def test_a_role_is_changed_in_one_project_alone(project: Project) -> None:
    user = make_member(project)
    other = make_project()
    Membership.objects.create(project=other, user=user, role=Role.ANNOTATOR)
    members.change_role(membership=project.memberships.get(), role=Role.RESEARCHER)
    assert list(Project.objects.researched_by(user)) == [project]
    with pytest.raises(BadRequest, match="must be one of annotator, researcher"):
        members.change_role(membership=project.memberships.get(), role="owner")
    gone = project.memberships.get()
    members.remove(membership=gone)
    with pytest.raises(BadRequest, match="has left the project"):
        members.change_role(membership=gone, role=Role.ANNOTATOR)


def test_members_are_told_with_what_they_did_and_when(project: Project) -> None:
    user, idle = make_member(project, name="alice"), make_member(project, Role.RESEARCHER, name="zoe")
    annotator = people.annotator_for(project=project, user=user)
    for _ in range(2):
        assignment = queue.claim(annotator=annotator)
        assert assignment is not None
        ranking.submit(
            assignment=assignment, annotator=annotator, verdict="ranked", ranks=[1, 2, 3], active_seconds=900
        )
    upkeep.count(project=project)
    researcher, judge = members.described(project, list(members.memberships(project)))
    assert (researcher.membership.user, researcher.annotator, researcher.last_seen) == (idle, None, None)
    assert researcher.work == work.Work()
    assert (judge.membership.user, judge.annotator) == (user, annotator)
    assert (str(judge.work.rankings), judge.work.hours) == ("2", 0.5)
    assert judge.last_seen == Assignment.objects.latest("closed_at").closed_at
