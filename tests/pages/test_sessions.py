"""A browser's session and its account, which are read together: whom it lets in, and when no more."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from annotation.models import Session
from annotation.tasks import forget_old
from tests.annotation.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db
PAGE = "/account/password/"


@pytest.fixture
def alice() -> User:
    return make_user("alice")


@pytest.fixture
def bob() -> User:
    return make_user("bob")


def logged_in(user: User, client: Client | None = None) -> Client:
    client = client or Client()
    fields = {"username": user.username, "password": PASSWORD}
    assert client.post("/login/", fields).status_code == 302
    return client


def opens(client: Client) -> bool:
    """Whether the browser is taken for somebody's; if not it is led to the log-in page."""
    answer = client.get(PAGE)
    assert answer.status_code in {200, 302}
    return answer.status_code == 200


def test_a_session_knows_whose_it_is_and_ends_with_the_account(alice: User) -> None:
    client = logged_in(alice)
    assert Session.objects.get().account == alice
    assert opens(client)
    User.objects.get(pk=alice.pk).delete()
    assert not Session.objects.exists()
    assert not opens(client)


def test_an_account_that_is_closed_is_let_in_no_more_though_its_session_lives(alice: User) -> None:
    client = logged_in(alice)
    assert opens(client)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert not opens(client)
    User.objects.filter(pk=alice.pk).update(is_active=True)
    assert opens(client)


def test_a_new_password_ends_the_sessions_of_other_browsers(alice: User) -> None:
    here, there = logged_in(alice), logged_in(alice)
    new = "correct-horse-battery"
    fields = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert here.post(PAGE, fields).status_code == 302
    assert (opens(here), opens(there)) == (True, False)


def test_who_logs_out_is_out_and_who_logs_in_after_them_is_somebody_else(alice: User, bob: User) -> None:
    client = logged_in(alice)
    client.logout()
    assert not opens(client)
    logged_in(bob, client)
    assert bob.username in client.get("/").content.decode()
    assert [session.account for session in Session.objects.all()] == [bob]


def test_a_session_past_its_end_lets_nobody_in_and_is_deleted_with_the_other_old_things(
    alice: User, bob: User
) -> None:
    old, new = logged_in(alice), logged_in(bob)
    ended = Session.objects.filter(account=alice)
    ended.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert (opens(old), opens(new)) == (False, True)
    forget_old()
    assert [session.account for session in Session.objects.all()] == [bob]


def test_an_invented_cookie_is_nobodys(alice: User) -> None:
    client = logged_in(alice)
    for cookie in ("x" * 32, "'; --", ""):
        client.cookies["sessionid"] = cookie
        assert not opens(client)
