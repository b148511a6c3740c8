"""Projects, invitations and pseudonyms: who gets in, once, and under which name they judge."""

import datetime
import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.management import CommandError, call_command
from django.utils import timezone

from annotation import members, people
from annotation.errors import BadRequest, NotAllowed
from annotation.files.intake import overlap
from annotation.models import Annotator, Invitation, Membership, Project
from tests.annotation.factories import make_annotator, make_member, make_project, make_tasks, make_user
from tests.annotation.judging import at_once

pytestmark = pytest.mark.django_db
Role = Membership.Role


def invited(project: Project, role: str = Role.ANNOTATOR) -> str:
    """The token of a new invitation."""
    path = members.invite(project=project, email="alice@example.org", role=role)
    return path.removeprefix("/invitations/").removesuffix("/")


def test_a_project_has_the_defaults_of_its_settings() -> None:
    project = people.create_project(slug="helpful-answers")
    assert (project.name, project.completions_per_task, project.annotators_per_task) == (
        "Helpful answers",
        4,
        1,
    )
    assert (project.lease_seconds, project.guideline_version, project.is_demo) == (1800, 1, False)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("slug", "not a slug"),
        ("slug", ""),
        ("slug", "x" * 61),
        ("completions_per_task", 1),
        ("completions_per_task", 10),
        ("annotators_per_task", 0),
        ("annotators_per_task", 51),
        ("name", "x" * 121),
    ],
)
def test_a_project_with_a_bad_field_is_refused_by_its_name(field: str, value: Any) -> None:
    with pytest.raises(BadRequest, match=field):
        people.create_project(**{"slug": "helpful", field: value})
    assert not Project.objects.exists()


def test_a_slug_is_taken_once() -> None:
    make_project("helpful")
    with pytest.raises(BadRequest, match=r"slug: .*already exists"):
        people.create_project(slug="helpful")


def test_an_invitation_makes_its_holder_a_member_once() -> None:
    project, alice, dave = make_project(), make_user(), make_user()
    token = invited(project)
    assert members.invitation_for(token=token).project == project
    membership = members.accept(token=token, user=alice)
    assert (membership.user, membership.project, membership.role) == (alice, project, Role.ANNOTATOR)
    for user in (alice, dave):
        with pytest.raises(NotAllowed, match="has been used"):
            members.accept(token=token, user=user)
    with pytest.raises(NotAllowed, match="has been used"):
        members.invitation_for(token=token)
    assert not Membership.objects.filter(user=dave).exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_who_hold_the_link_at_once_one_gets_in() -> None:
    token = invited(make_project())
    users = [make_user() for _ in range(5)]
    answers = at_once(
        [lambda user=user: members.accept(token=token, user=user) for user in users]  # type: ignore[misc]
    )
    assert sum(isinstance(answer, Membership) for answer in answers) == 1
    assert sum(isinstance(answer, NotAllowed) for answer in answers) == 4
    assert Membership.objects.count() == 1


def test_an_invitation_ends_after_two_weeks() -> None:
    token = invited(make_project())
    invitation = Invitation.objects.get()
    assert invitation.expires_at - timezone.now() == pytest.approx(
        datetime.timedelta(days=14), abs=datetime.timedelta(minutes=1)
    )
    Invitation.objects.update(expires_at=timezone.now() - datetime.timedelta(seconds=1))
    with pytest.raises(NotAllowed, match="has expired"):
        members.accept(token=token, user=make_user())
    assert not Membership.objects.exists()


@pytest.mark.parametrize("token", ["", "guess", "0" * 43])
def test_a_link_that_nobody_sent_lets_nobody_in(token: str) -> None:
    invited(make_project())
    with pytest.raises(NotAllowed, match="not known"):
        members.accept(token=token, user=make_user())


def test_the_link_cannot_be_read_out_of_the_database() -> None:
    token = invited(make_project())
    (stored,) = Invitation.objects.values()
    assert stored["token_digest"] == hashlib.sha256(token.encode()).hexdigest()
    assert token not in str(stored)
    with pytest.raises(NotAllowed):
        members.accept(token=stored["token_digest"], user=make_user())


@pytest.mark.parametrize(
    ("has", "invited_as", "then"),
    [
        (Role.ANNOTATOR, Role.RESEARCHER, Role.RESEARCHER),
        (Role.RESEARCHER, Role.ANNOTATOR, Role.RESEARCHER),
        (Role.ANNOTATOR, Role.ANNOTATOR, Role.ANNOTATOR),
    ],
)
def test_a_member_keeps_the_higher_role(has: str, invited_as: str, then: str) -> None:
    project = make_project()
    user = make_member(project, has)
    members.accept(token=invited(project, invited_as), user=user)
    assert list(Membership.objects.filter(user=user).values_list("role", flat=True)) == [then]


def test_an_invitation_opens_its_own_project_only() -> None:
    project, other, alice = make_project(), make_project(), make_user()
    members.accept(token=invited(project, Role.RESEARCHER), user=alice)
    assert list(Project.objects.researched_by(alice)) == [project]
    with pytest.raises(NotAllowed, match="ask for an invitation"):
        people.annotator_for(project=other, user=alice)


@pytest.mark.parametrize(
    ("email", "role"),
    [
        ("nobody", "annotator"),
        ("", "annotator"),
        (f"{'a' * 60}@{'.'.join(['b' * 60] * 4)}.org", "annotator"),
        ("a@example.org", "administrator"),
    ],
)
def test_an_invitation_names_an_address_and_a_role_that_there_is(email: str, role: str) -> None:
    with pytest.raises(BadRequest, match=r"not an e-mail address|must be one of annotator, researcher"):
        members.invite(project=make_project(), email=email, role=role)
    assert not Invitation.objects.exists()


def test_a_pseudonym_tells_nothing_and_stays() -> None:
    project, other = make_project(), make_project()
    user = make_member(project, name="alice")
    Membership.objects.create(project=other, user=user, role=Role.ANNOTATOR)
    annotator = people.annotator_for(project=project, user=user)
    assert re.fullmatch(r"annotator-[0-9a-f]{8}", annotator.pseudonym)
    assert people.annotator_for(project=project, user=user) == annotator
    assert people.annotator_for(project=other, user=user).pseudonym != annotator.pseudonym


def test_an_account_that_is_gone_leaves_the_annotator_and_their_pseudonym() -> None:
    annotator = make_annotator(make_project())
    assert annotator.user is not None
    annotator.user.delete()
    assert Annotator.objects.get(user=None).pseudonym == annotator.pseudonym


def test_who_may_see_and_judge_what() -> None:
    project = make_project()
    alice, carol, dave = make_member(project), make_member(project, Role.RESEARCHER), make_user()
    admin, left = make_user(is_superuser=True), make_member(project, Role.RESEARCHER)
    left.is_active = False
    left.save()
    may = {user: Project.objects.researched_by(user).exists() for user in (alice, carol, dave, admin, left)}
    assert may == {alice: False, carol: True, dave: False, admin: True, left: False}
    may = {user: Project.objects.annotated_by(user).exists() for user in (alice, carol, dave, admin, left)}
    assert may == {alice: True, carol: True, dave: False, admin: True, left: False}
    for nobody in (Project.objects.researched_by, Project.objects.annotated_by):
        assert not nobody(AnonymousUser()).exists()


def test_the_commands_make_a_project_and_a_link() -> None:
    out, err = io.StringIO(), io.StringIO()
    call_command("create_project", "haiku", annotators_per_task=3, stdout=out)
    assert json.loads(out.getvalue())["annotators_per_task"] == 3
    out = io.StringIO()
    call_command("invite", "a@example.org", project="haiku", role="researcher", stdout=out, stderr=err)
    token = json.loads(out.getvalue())["invitation"].split("/")[2]
    assert members.invitation_for(token=token).role == Role.RESEARCHER
    with pytest.raises(CommandError, match=r"no project 'nowhere'.*create_project nowhere"):
        call_command("invite", "a@example.org", project="nowhere", role="researcher")


def test_guidelines_come_from_a_file_and_what_is_not_named_stays(tmp_path: Path) -> None:
    file = tmp_path / "guidelines.md"
    file.write_bytes(b"\xef\xbb\xbfBe **kind**.\r\n")
    call_command("create_project", "haiku", guidelines=str(file), annotators_per_task=2, stdout=io.StringIO())
    project = Project.objects.get()
    assert (project.guidelines, project.guideline_version) == ("Be **kind**.\n", 1)
    make_tasks(project, 1)
    file.write_text("Be brief.")
    out = io.StringIO()
    options = {"guidelines": str(file), "annotators_per_task": 3, "revise_hours": 48, "random_share": 0.5}
    call_command("configure_project", project="haiku", stdout=out, **options)
    report = json.loads(out.getvalue())
    assert {name: report[name] for name in options if name != "guidelines"} == {
        "annotators_per_task": 3,
        "revise_hours": 48,
        "random_share": 0.5,
    }
    assert (report["project"], report["name"], report["guideline_version"]) == ("haiku", "Haiku", 2)
    assert (report["completions_per_task"], report["lease_seconds"]) == (4, 1800)
    assert project.tasks.get().slots.count() == 3


def test_guidelines_that_cannot_be_read_change_nothing(tmp_path: Path) -> None:
    project = make_project("haiku", guidelines="Be kind.")
    latin = tmp_path / "latin.md"
    latin.write_bytes("größer".encode("latin-1"))
    for path, words in ((latin, "is not UTF-8"), (tmp_path / "missing.md", "cannot be read: No such file")):
        with pytest.raises(CommandError, match=words):
            call_command("configure_project", project="haiku", guidelines=str(path), name="Other")
    with pytest.raises(CommandError, match="random_share"):
        call_command("configure_project", project="haiku", annotators_per_task=3, random_share=2.0)
    project.refresh_from_db()
    assert (project.guidelines, project.name, project.annotators_per_task) == ("Be kind.", "Haiku", 1)


def test_other_guidelines_are_the_next_version_and_the_same_ones_are_not() -> None:
    project = make_project(guidelines="Be kind.")
    assert people.change_project(project=project, guidelines="Be kind.", name="Kind").guideline_version == 1
    assert people.change_project(project=project, guidelines="Be brief.").guideline_version == 2
    project.refresh_from_db()
    assert (project.name, project.guidelines, project.guideline_version) == ("Kind", "Be brief.", 2)


def test_who_has_read_guidelines_is_told_what_changed_since_the_first_version_too() -> None:
    project = people.create_project(slug="walks", guidelines="Be kind.\nBe brief.")
    annotator = make_annotator(project)
    people.has_read_guidelines(annotator=annotator, version=1)
    annotator.refresh_from_db()
    assert people.guideline_changes(annotator) == []
    people.change_project(project=project, guidelines="Be kind.\nBe exact.")
    annotator = Annotator.objects.select_related("project").get(pk=annotator.pk)
    lines = [(line.kind, line.text) for line in people.guideline_changes(annotator)]
    assert ("removed", "Be brief.") in lines
    assert ("added", "Be exact.") in lines


def test_settings_that_keep_the_number_of_annotators_change_no_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """They wait for no import then."""
    project = make_project(annotators_per_task=2)

    def change_overlap(**_: Any) -> None:
        raise AssertionError("the desk was asked for")

    monkeypatch.setattr(overlap, "change_overlap", change_overlap)
    overlap.configure_project(project=project, annotators_per_task=2, name="Walks")
    project.refresh_from_db()
    assert project.name == "Walks"


def test_a_project_is_not_changed_to_what_it_may_not_be() -> None:
    project = make_project()
    with pytest.raises(BadRequest, match="lease_seconds"):
        people.change_project(project=project, guidelines="Be brief.", lease_seconds=0)
    project.refresh_from_db()
    assert (project.guidelines, project.guideline_version, project.lease_seconds) == ("", 1, 1800)


def test_who_annotated_is_known_while_they_are_a_member() -> None:
    project, other = make_project(), make_project()
    alice, bob = make_annotator(project), make_annotator(project)
    assert alice.user is not None
    assert people.known_annotator(slug=project.slug, user=alice.user) == alice
    assert people.known_annotator(slug=other.slug, user=alice.user) is None
    # Bob's membership, and Alice's in another project, let her into nothing.
    Membership.objects.filter(user=alice.user).update(project=other)
    assert people.known_annotator(slug=project.slug, user=alice.user) is None
    assert bob.user is not None
    assert people.known_annotator(slug=project.slug, user=bob.user) == bob


def test_an_administrator_is_known_without_a_membership_and_nobody_who_may_not_log_in() -> None:
    project = make_project()
    alice = make_annotator(project)
    assert alice.user is not None
    Membership.objects.all().delete()
    alice.user.is_superuser = True
    assert people.known_annotator(slug=project.slug, user=alice.user) == alice
    alice.user.is_active = False
    assert people.known_annotator(slug=project.slug, user=alice.user) is None
