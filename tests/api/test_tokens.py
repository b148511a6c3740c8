"""Tokens: shown once, kept as a digest, of one person, until they expire or are revoked."""

import hashlib
import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from annotation import tokens
from annotation.errors import BadRequest, NotAllowed
from annotation.models import ApiToken
from tests.api.world import Program
from tests.pages.cast import Cast, make_cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def status(secret: str) -> int:
    return int(Program(secret).ask("GET", "projects/").status_code)


def test_the_secret_is_in_no_column(cast: Cast) -> None:
    token, secret = tokens.create_token(user=cast.carol, name="a script", scopes=["read"])
    row = ApiToken.objects.filter(pk=token.pk).values().get()
    assert row["digest"] == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in str(row)
    # What is shown of it is far too short to guess the rest.
    assert secret.startswith(row["hint"])
    assert len(secret) - len(row["hint"]) >= 39
    assert secret != tokens.create_token(user=cast.carol, name="a script", scopes=["read"])[1]


def test_a_token_ends_when_it_expires_is_revoked_or_its_account_is_closed(cast: Cast) -> None:
    by_name = {
        name: tokens.create_token(user=cast.carol, name=name, scopes=["read"], days=1) for name in "abc"
    }
    assert {status(secret) for _, secret in by_name.values()} == {200}
    ApiToken.objects.filter(name="a").update(expires_at=timezone.now() - timedelta(seconds=1))
    tokens.revoke_token(token=by_name["b"][0])
    assert [status(secret) for _, secret in by_name.values()] == [401, 401, 200]
    cast.carol.is_active = False
    cast.carol.save()
    assert status(by_name["c"][1]) == 401


def test_its_use_is_noted(cast: Cast) -> None:
    token, secret = tokens.create_token(user=cast.carol, name="a script", scopes=["read"])
    assert ApiToken.objects.get(pk=token.pk).last_used_at is None
    status(secret)
    first = ApiToken.objects.get(pk=token.pk).last_used_at
    assert first is not None
    # Not at every request: that would be a write each.
    status(secret)
    assert ApiToken.objects.get(pk=token.pk).last_used_at == first


@pytest.mark.parametrize(
    "wrong", [{"scopes": []}, {"scopes": ["read", "all"]}, {"name": "  "}, {"days": 0}, {"days": 10**6}]
)
def test_a_token_must_be_what_it_may_be(cast: Cast, wrong: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        tokens.create_token(**{"user": cast.carol, "name": "x", "scopes": ["read"], **wrong})  # type: ignore[arg-type]
    assert not ApiToken.objects.exists()


def test_a_token_is_narrowed_to_a_project_of_its_accounts_alone(cast: Cast) -> None:
    with pytest.raises(NotAllowed):
        tokens.create_token(user=cast.carol, name="x", scopes=["read"], project=cast.other)


def test_the_command_prints_a_secret_that_works(cast: Cast) -> None:
    out, err = StringIO(), StringIO()
    arguments = ["create_token", "carol", "--project", "helpful", "--scope", "write", "--scope", "read"]
    call_command(*arguments, stdout=out, stderr=err)
    answer = json.loads(out.getvalue())
    assert answer["scopes"] == ["read", "write"]
    assert status(answer["token"]) == 200
    assert answer["token"] not in err.getvalue()
    # Every token expires, also where nobody says when.
    days = (ApiToken.objects.get().expires_at - timezone.now()).total_seconds() / 86_400
    assert 89.9 < days <= 90
    with pytest.raises(CommandError, match="no account"):
        call_command("create_token", "nobody")


def test_the_page_shows_the_secret_once_and_revokes(cast: Cast) -> None:
    browser = Client()
    browser.force_login(cast.alice)
    sent = {"name": "my script", "scopes": ["annotate"], "project": cast.project.pk, "days": "30"}
    answer = browser.post("/account/tokens/", sent)
    secret = answer.content.decode().split('class="copyable" id="copied">')[1].split("<")[0]
    assert status(secret) == 200
    assert "no-store" in answer.headers["Cache-Control"]
    listed = browser.get("/account/tokens/").content.decode()
    assert "my script" in listed
    assert secret not in listed
    token = ApiToken.objects.get()
    assert (token.user, token.project, token.scopes) == (cast.alice, cast.project, ["annotate"])
    assert browser.post(f"/account/tokens/{token.pk}/revoke/").status_code == 302
    assert status(secret) == 401
    assert "my script is revoked" in browser.get("/account/tokens/").content.decode()
    assert "my script" not in browser.get("/account/tokens/").content.decode()


def test_nobody_sees_or_revokes_the_tokens_of_another(cast: Cast) -> None:
    token, secret = tokens.create_token(user=cast.alice, name="hers", scopes=["annotate"])
    browser = Client()
    browser.force_login(cast.olivia)
    assert "hers" not in browser.get("/account/tokens/").content.decode()
    assert browser.post(f"/account/tokens/{token.pk}/revoke/").status_code == 404
    assert browser.post("/account/tokens/", {"name": "x"}).status_code == 400
    assert status(secret) == 200
    for path in ("/account/tokens/", f"/account/tokens/{token.pk}/revoke/"):
        assert Client().post(path).headers["Location"].startswith("/login/")
    assert ApiToken.objects.count() == 1


def test_the_page_offers_a_person_their_own_projects_alone(cast: Cast) -> None:
    browser = Client()
    browser.force_login(cast.alice)
    sent = {"name": "x", "scopes": ["read"], "project": cast.other.pk, "days": ""}
    assert browser.post("/account/tokens/", sent).status_code == 400
    assert "Haiku" not in browser.get("/account/tokens/").content.decode()
