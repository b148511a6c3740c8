"""The small cast of the pages' tests: Alice annotates, Carol researches, Erin researches another project, Dave has
no access, Olivia administers."""

from typing import NamedTuple

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User

from annotation import people
from annotation.models import Membership, Project


class Cast(NamedTuple):
    """Accounts by what they may do in ``project``."""

    project: Project
    other: Project
    alice: User
    carol: User
    erin: User
    dave: User
    olivia: User


def make_cast() -> Cast:
    """Two projects, and everybody in their role."""
    users = get_user_model().objects
    project = people.create_project(slug="helpful", name="Helpful answers")
    other = people.create_project(slug="haiku", name="Haiku")
    alice, carol, erin, dave = (users.create_user(name) for name in ("alice", "carol", "erin", "dave"))
    Membership.objects.create(project=project, user=alice, role=Membership.Role.ANNOTATOR)
    Membership.objects.create(project=project, user=carol, role=Membership.Role.RESEARCHER)
    Membership.objects.create(project=other, user=erin, role=Membership.Role.RESEARCHER)
    return Cast(project, other, alice, carol, erin, dave, users.create_superuser("olivia"))
