"""Logging in: names in any capitals, guessing slowed by account and address, own passwords and links for new ones."""

import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client, RequestFactory
from django.utils import timezone

from annotation import members, passwords, people
from annotation.models import ApiToken, Membership
from config.env import Mail
from console import guessing
from console.visitors import client_address
from demo import create
from tests.annotation.factories import PASSWORD, make_member, make_project, make_user

pytestmark = pytest.mark.django_db
NEW = "a long new password"


def log_in(client: Client, username: str, password: str = PASSWORD, **headers: str) -> int:
    return client.post("/login/", {"username": username, "password": password}, headers=headers).status_code


def logged_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        (0, "192.0.2.1", "10.0.0.9"),  # nobody is believed
        (1, "192.0.2.1", "192.0.2.1"),
        (1, "203.0.113.7, 192.0.2.1", "192.0.2.1"),  # the first was written by the client
        (2, "203.0.113.7, 192.0.2.1, 10.0.0.8", "192.0.2.1"),
        (2, "192.0.2.1", "192.0.2.1"),  # asked behind the outer proxy
        (1, "192.0.2.1:4711", "192.0.2.1"),
        (1, "[2001:db8:1:2:3::4]:4711", "2001:db8:1:2::"),
        (1, "2001:db8:1:2:ffff::1", "2001:db8:1:2::"),  # the same customer
        (1, "::ffff:192.0.2.1", "192.0.2.1"),
        (1, "unknown", "10.0.0.9"),
        (1, "", "10.0.0.9"),
    ],
)
def test_the_clients_address_is_told_by_so_many_proxies_as_are_trusted(
    settings: Any, hops: int, forwarded: str, address: str
) -> None:
    settings.TRUSTED_PROXIES = hops
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.9", headers={"X-Forwarded-For": forwarded})
    assert client_address(request) == address


def test_a_request_through_a_unix_socket_has_no_address() -> None:
    assert client_address(RequestFactory().get("/", REMOTE_ADDR="")) is None


def test_behind_a_proxy_a_stranger_closes_an_account_for_nobody_else(settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    make_user("alice")
    stranger = {"X-Forwarded-For": "192.0.2.1"}
    answers = [log_in(Client(), "alice", "wrong", **stranger) for _ in range(10)]
    assert answers == [200] * 9 + [429]
    assert log_in(Client(), "alice", **stranger) == 429
    assert log_in(Client(), "alice", **{"X-Forwarded-For": "192.0.2.2"}) == 302


def test_without_trusted_proxies_another_address_cannot_be_claimed() -> None:
    make_user("alice")
    for number in range(10):
        log_in(Client(), "alice", "wrong", **{"X-Forwarded-For": f"192.0.2.{number}"})
    assert log_in(Client(), "alice", **{"X-Forwarded-For": "198.51.100.1"}) == 429


@pytest.mark.parametrize("typed", ["Alice@Example.org", "alice@example.org", "ALICE@EXAMPLE.ORG"])
def test_a_name_logs_in_in_any_capitals(typed: str) -> None:
    make_user("Alice@example.org")
    assert log_in(Client(), typed) == 302


def test_capitals_are_no_more_tries() -> None:
    make_user("alice")
    answers = [log_in(Client(), name, "wrong") for name in ["alice", "Alice", "aLICE", "ALICE", "alicE"] * 2]
    assert answers == [200] * 9 + [429]
    assert log_in(Client(), "aLiCe") == 429
    # Neither for an account that there is not: the answers tell nothing.
    assert [log_in(Client(), name, "wrong") for name in ["nobody", "Nobody"] * 5] == [200] * 9 + [429]


def test_no_two_accounts_differ_in_capitals_alone() -> None:
    alice = make_user("alice")
    with pytest.raises(IntegrityError, match="account_name_once"), transaction.atomic():
        make_user("Alice")
    assert people.account_named("ALICE") == alice
    assert people.account_named("alic_") is None


def test_an_invitation_makes_no_second_account_in_other_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    make_user("alice@example.org")
    path = members.invite(project=make_project(), email="Alice@Example.org", role="annotator")
    fields = {"username": "Alice@Example.org", "password1": NEW, "password2": NEW}
    answer = Client().post(path, fields)
    assert (answer.status_code, User.objects.count()) == (422, 1)
    # Of two at once, both have looked before either has written.
    monkeypatch.setattr(
        "annotation.forms.account.AccountForm.clean_username", lambda form: form.cleaned_data["username"]
    )
    answer = Client().post(path, fields)
    assert (answer.status_code, User.objects.count()) == (422, 1)
    assert "This name is taken" in answer.content.decode()
    assert members.invitation_for(token=path.split("/")[2])
    assert not Membership.objects.exists()


def test_an_administrator_renames_no_account_into_anothers_capitals() -> None:
    make_user("alice")
    bob, olivia = make_user("bob"), make_user("olivia", is_superuser=True)
    client = Client()
    client.force_login(olivia)
    address = f"/admin/auth/user/{bob.pk}/change/"
    assert "already exists" in client.post(address, {"username": "ALICE", "is_active": "on"}).content.decode()
    assert client.post(address, {"username": "Bob", "is_active": "on"}).status_code == 302
    bob.refresh_from_db()
    assert bob.username == "Bob"


def test_commands_find_accounts_in_any_capitals() -> None:
    alice = make_user("alice")
    call_command("create_token", "ALICE", stdout=StringIO(), stderr=StringIO())
    assert ApiToken.objects.get().user == alice
    with pytest.raises(CommandError, match="There is no account 'bob'"):
        call_command("create_token", "bob")
    with pytest.raises(CommandError, match="already taken"):
        call_command("createsuperuser", "--noinput", username="Alice", email="a@example.org")


def test_the_demo_takes_no_name_that_differs_in_capitals_alone() -> None:
    make_user("Annotator")
    assert create._make_account(make_project(), "annotator").username == "annotator2"


def test_a_closed_account_opens_by_itself_however_long_it_is_tried() -> None:
    make_user("alice")
    assert [log_in(Client(), "alice", "wrong") for _ in range(10)] == [200] * 9 + [429]
    first = list(AccessAttempt.objects.values_list("attempt_time", "failures_since_start"))
    assert log_in(Client(), "alice", "wrong") == 429
    assert list(AccessAttempt.objects.values_list("attempt_time", "failures_since_start")) == first


def spray(client: Client, accounts: int) -> list[int]:
    """One wrong password for each of so many accounts, from one address."""
    return [log_in(client, f"account-{number}", "Password1234") for number in range(accounts)]


def test_a_password_tried_on_many_accounts_closes_the_address_and_no_other(settings: Any) -> None:
    settings.ADDRESS_FAILURES = 12
    make_user("alice")
    attacker = Client(REMOTE_ADDR="192.0.2.1")
    assert spray(attacker, 14) == [200] * 12 + [429] * 2
    page = attacker.post("/login/", {"username": "alice", "password": PASSWORD})
    assert page.status_code == 429
    assert "from this network has failed too often" in page.content.decode()
    assert "An administrator can also send you a link" in page.content.decode()
    assert log_in(Client(REMOTE_ADDR="192.0.2.2"), "alice") == 302


def test_a_closed_address_opens_by_itself_however_long_it_is_tried(settings: Any) -> None:
    settings.ADDRESS_FAILURES = 12
    make_user("alice")
    spray(Client(), 12)
    counted = AccessAttempt.objects.order_by("pk").values_list("pk", "attempt_time", "failures_since_start")
    before = list(counted)
    assert spray(Client(), 12) == [429] * 12
    assert list(counted) == before
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
    assert log_in(Client(), "alice") == 302


def test_an_office_with_an_attacker_in_it_logs_in_where_it_has_before(settings: Any) -> None:
    settings.ADDRESS_FAILURES = 12
    make_user("alice"), make_user("bob")
    alices = Client()
    assert log_in(alices, "alice") == 302
    alices.post("/logout/")
    spray(Client(), 12)
    assert log_in(alices, "ALICE") == 302
    # The browser is known for her account alone, its tries there are ten, and a cookie of one's own making is none.
    alices.post("/logout/")
    assert log_in(alices, "bob") == 429
    assert [log_in(alices, "alice", "wrong") for _ in range(10)] == [200] * 9 + [429]
    forger = Client()
    forger.cookies[guessing.COOKIE] = str([people.account_named("bob")])
    assert log_in(forger, "bob") == 429


def test_one_is_known_where_an_account_was_made_too(settings: Any) -> None:
    path = members.invite(project=make_project(), email="eve@example.org", role="annotator")
    browser = Client()
    browser.post(path, {"username": "eve", "password1": NEW, "password2": NEW})
    browser.post("/logout/")
    settings.ADDRESS_FAILURES = 12
    spray(Client(), 12)
    assert log_in(browser, "eve", NEW) == 302


def test_whoever_is_not_logged_in_has_no_cookie_of_known_accounts() -> None:
    browser = Client()
    log_in(browser, "alice", "wrong")
    assert guessing.COOKIE not in browser.cookies


def change(client: Client, old: str, new: str) -> Any:
    return client.post(
        "/account/password/", {"old_password": old, "new_password1": new, "new_password2": new}
    )


def test_a_person_changes_their_password_and_stays_logged_in_there_alone() -> None:
    make_member(make_project(), name="alice")
    here, elsewhere = Client(), Client()
    log_in(here, "alice"), log_in(elsewhere, "alice")
    assert 'href="/account/password/"' in here.get("/").content.decode()
    answer = change(here, PASSWORD, NEW)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert "Your password is changed" in here.get("/").content.decode()
    assert elsewhere.get("/").status_code == 302  # to the log-in page
    assert log_in(Client(), "alice") == 200
    assert log_in(Client(), "alice", NEW) == 302


# What is written, and what is said of it at which field.
REFUSED = [
    ({"old_password": "wrong"}, "old_password", "This is not your password now: write it again."),
    ({"old_password": ""}, "old_password", "Fill this in."),
    ({"new": "short"}, "new_password1", "Write at least 12 characters: these are 5."),
    ({"new": "password1234"}, "new_password1", "Many people have this password"),
    ({"new": "alice.liddell"}, "new_password1", "This is too much like your name or address"),
    ({"new_password2": "something else"}, "new_password2", "write the same password twice"),
]


@pytest.mark.parametrize(("written", "field", "sentence"), REFUSED)
def test_a_password_that_may_not_be_changes_nothing(
    written: dict[str, str], field: str, sentence: str
) -> None:
    """What is wrong stands at its field, once, and nothing else is said."""
    make_user("alice.liddell")
    client = Client()
    log_in(client, "alice.liddell")
    new = written.get("new", NEW)
    fields = {"old_password": PASSWORD, "new_password1": new, "new_password2": new, **written}
    answer = client.post("/account/password/", fields)
    assert answer.status_code == 422
    errors = {name: list(texts) for name, texts in answer.context["form"].errors.items()}
    assert list(errors) == [field]
    (words,) = errors[field]
    assert sentence in words
    assert log_in(Client(), "alice.liddell") == 302


def test_who_is_invited_takes_no_password_like_their_address() -> None:
    invitation = members.invite(project=make_project(), email="bob.baumeister@example.org", role="annotator")
    fields = {"username": "b", "password1": "baumeister.bob", "password2": "baumeister.bob"}
    answer = Client().post(invitation, fields)
    assert list(answer.context["form"].errors) == ["password1"]
    assert not User.objects.exists()
    fields |= {"password1": NEW, "password2": NEW}
    assert Client().post(invitation, fields).status_code == 302
    assert User.objects.get().email == "bob.baumeister@example.org"


def test_pages_on_which_a_password_is_chosen_say_in_one_sentence_what_is_asked() -> None:
    alice = make_member(make_project(), name="alice")
    client = Client()
    client.force_login(alice)
    invitation = members.invite(project=make_project(), email="bob@example.org", role="annotator")
    guest, holder = Client(), Client()
    pages = [
        client.get("/account/password/"),
        guest.get(invitation),
        holder.get(link_for(alice), follow=True),
        guest.post(invitation, {"username": "b b", "password1": "short", "password2": "short"}),
    ]
    for page in pages:
        shown = page.content.decode()
        assert shown.count(passwords.REQUIREMENTS) == 1
        assert not [
            words for words in ("entirely numeric", "t be too similar", "commonly used") if words in shown
        ]
    assert "Use letters, digits and @ . + - _ alone" in pages[-1].content.decode()
    assert "Write at least 12 characters: these are 5." in pages[-1].content.decode()


def test_ones_password_is_changed_by_whoever_is_logged_in() -> None:
    assert Client().get("/account/password/")["Location"].startswith("/login/")
    client = Client()
    client.force_login(make_user(is_superuser=True))
    assert client.get("/admin/password_change/")["Location"] == "/account/password/"


def link_for(user: User) -> str:
    """What the page shows an administrator, without the server's name."""
    client = Client()
    client.force_login(make_user(is_superuser=True))
    page = client.post(f"/account/{user.pk}/reset-link/").content.decode()
    address = re.search(r">http://testserver(/account/reset/[^<]+)</code>", page)
    assert address is not None
    assert address[1] not in client.get(f"/account/{user.pk}/reset-link/").content.decode()
    return address[1]


def follow(client: Client, link: str, password: str = NEW) -> Any:
    """Open the link and choose a password. The page's own address has no token in it."""
    opened = client.get(link, follow=True)
    if not opened.redirect_chain:
        return opened
    address = opened.redirect_chain[-1][0]
    assert address.endswith("/set-password/")
    return client.post(address, {"new_password1": password, "new_password2": password})


def test_a_link_sets_a_new_password_once_and_frees_the_account() -> None:
    alice = make_member(make_project(), name="alice")
    before, elsewhere = Client(), Client()
    log_in(before, "alice")
    for _ in range(10):
        log_in(elsewhere, "Alice", "wrong")
    assert log_in(elsewhere, "alice") == 429
    link = link_for(alice)
    holder = Client()
    assert follow(holder, link)["Location"] == "/"
    assert logged_in(holder)
    assert "new password is set" in holder.get("/").content.decode()
    assert before.get("/").status_code == 302
    assert log_in(elsewhere, "alice", NEW) == 302
    again = follow(Client(), link, "another long password")
    assert "does not work any more" in again.content.decode()
    assert log_in(Client(), "alice", NEW) == 302


def test_a_link_lets_in_where_the_whole_address_is_closed(settings: Any) -> None:
    settings.ADDRESS_FAILURES = 12
    alice = make_user("alice")
    spray(Client(), 12)
    holder = Client()
    follow(holder, link_for(alice))
    assert logged_in(holder)
    holder.post("/logout/")
    assert log_in(holder, "alice", NEW) == 302


def test_a_link_ends_with_its_time_with_a_log_in_and_with_the_account(settings: Any) -> None:
    alice, bob, dave = make_user("alice"), make_user("bob"), make_user("dave")
    links = [link_for(user) for user in (alice, bob, dave)]
    log_in(Client(), "bob")
    User.objects.filter(pk=dave.pk).update(is_active=False)
    for link in links[1:]:
        assert "does not work any more" in Client().get(link).content.decode()
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert "does not work any more" in Client().get(links[0]).content.decode()


def test_a_weak_password_is_refused_and_the_link_stays() -> None:
    alice = make_user("alice")
    link = link_for(alice)
    client = Client()
    assert follow(client, link, "short").status_code == 422
    assert not logged_in(client)
    assert follow(client, link)["Location"] == "/"


def test_administrators_alone_make_links_and_for_open_accounts_alone() -> None:
    project = make_project()
    alice, closed = make_member(project, name="alice"), make_user(is_active=False)
    for user in (alice, make_member(project, "researcher")):
        client = Client()
        client.force_login(user)
        assert client.post(f"/account/{alice.pk}/reset-link/").status_code == 404
    assert Client().post(f"/account/{alice.pk}/reset-link/").status_code == 404
    client.force_login(make_user(is_superuser=True))
    assert client.post(f"/account/{closed.pk}/reset-link/").status_code == 404
    page = client.get(f"/admin/auth/user/{alice.pk}/change/").content.decode()
    assert f'href="/account/{alice.pk}/reset-link/"' in page


def test_a_link_is_sent_where_mail_is_set(settings: Any) -> None:
    alice = make_user("alice", email="alice@example.org")
    link = link_for(alice)
    assert mail.outbox == []
    settings.MAIL, settings.DEFAULT_FROM_EMAIL = Mail("mail.example.org"), "concord@example.org"
    link = link_for(alice)
    (sent,) = mail.outbox
    assert (sent.to, sent.from_email) == (["alice@example.org"], "concord@example.org")
    assert f"http://testserver{link}" in sent.body


def test_mail_that_does_not_leave_is_told_beside_the_link(settings: Any) -> None:
    settings.MAIL, settings.DEFAULT_FROM_EMAIL = Mail("127.0.0.1", 1), "concord@example.org"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # nothing listens there
    alice = make_user("alice", email="alice@example.org")
    client = Client()
    client.force_login(make_user(is_superuser=True))
    page = client.post(f"/account/{alice.pk}/reset-link/").content.decode()
    assert "could not be sent" in page
    assert "Connection refused" in page
    assert "http://testserver/account/reset/" in page


def test_a_password_set_by_an_administrator_frees_the_account_too() -> None:
    alice = make_user("alice")
    for _ in range(10):
        log_in(Client(), "alice", "wrong")
    client = Client()
    client.force_login(make_user(is_superuser=True))
    fields = {"usable_password": "true", "password1": NEW, "password2": NEW}
    assert client.post(f"/admin/auth/user/{alice.pk}/password/", fields).status_code == 302
    assert log_in(Client(), "alice", NEW) == 302
