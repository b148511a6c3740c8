"""The holes that programs of this kind had (Label Studio, doccano, Open-Assistant, Argilla), one test each.

Stored scripts are in tests/browser/test_hostile.py; another project's rows in test_permissions.py and
test_annotators_pages.py; weights without pickle in the tests of artifacts.
"""

import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern

from annotation import members, people
from annotation.collecting import queue
from annotation.models import Annotator, Assignment, Project, Prompt, Ranking, Transfer
from runs.execution import folder_of
from runs.models import Run
from tests.annotation.factories import PASSWORD, make_member, make_project, make_tasks
from tests.pages.cast import Cast, make_cast
from tests.pages.factories import make_transfer

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def log_in(client: Client, **fields: str) -> Any:
    return client.post("/login/", fields)


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://attacker.invalid/",
        "//attacker.invalid/",
        "///attacker.invalid",
        "/\\attacker.invalid",
        "\\\\attacker.invalid",
        "http:///attacker.invalid",
        "javascript:alert(1)",
        "https://testserver@attacker.invalid/",
        "\thttps://attacker.invalid",
        "/%09/attacker.invalid/../../..//attacker.invalid\r\nLocation: https://attacker.invalid",
    ],
)
def test_a_log_in_leads_to_no_other_host(elsewhere: str) -> None:
    make_member(make_project(), name="alice")
    answer = log_in(Client(), username="alice", password=PASSWORD, next=elsewhere)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/")
    assert not answer["Location"].startswith(("//", "/\\"))
    # The admin's way to the log-in page keeps to the same.
    redirect = Client().get("/admin/login/", {"next": elsewhere})
    assert redirect["Location"].startswith("/login/?next=")


def test_a_log_in_leads_to_the_page_that_was_asked_for() -> None:
    make_member(make_project(), name="alice")
    answer = log_in(Client(), username="alice", password=PASSWORD, next="/projects/helpful/rank/")
    assert answer["Location"] == "/projects/helpful/rank/"


def test_ten_wrong_passwords_close_an_account_at_that_address_and_no_other() -> None:
    project = make_project()
    make_member(project, name="alice"), make_member(project, name="bob")
    attacker = Client(REMOTE_ADDR="192.0.2.1")
    answers = [log_in(attacker, username="alice", password=f"guess {number}") for number in range(10)]
    assert [answer.status_code for answer in answers] == [200] * 9 + [429]
    # Even the right one does not open it there now; it does from elsewhere, and others are not shut out.
    assert log_in(attacker, username="alice", password=PASSWORD).status_code == 429
    assert log_in(Client(REMOTE_ADDR="192.0.2.2"), username="alice", password=PASSWORD).status_code == 302
    assert log_in(attacker, username="bob", password=PASSWORD).status_code == 302


def test_a_wrong_password_and_an_unknown_account_look_the_same() -> None:
    make_member(make_project(), name="alice")
    known = log_in(Client(), username="alice", password="wrong").content.decode()
    unknown = log_in(Client(), username="nobody", password="wrong").content.decode()
    words = "This name and this password do not belong together."
    assert words in known
    assert words in unknown


def test_more_fields_than_a_form_has_change_nothing(cast: Cast) -> None:
    make_tasks(cast.project, 1, completions=2)
    annotator = people.annotator_for(project=cast.project, user=cast.alice)
    assignment = queue.claim(annotator=annotator)
    assert assignment is not None
    more = {
        "id": 999,
        "pk": 999,
        "annotator": people.annotator_for(project=cast.project, user=cast.carol).pk,
        "task": 999,
        "project": cast.other.pk,
        "is_current": "false",
        "tiers": "[9, 9]",
        "order_shown": "[1, 0]",
        "guideline_version": 999,
        "import_key": "mine",
        "created_at": "2000-01-01",
        "status": "released",
        "metadata": "{}",
    }
    answer = client_of(cast.alice).post(
        "/projects/helpful/rank/submit/",
        {"assignment": str(assignment.public_id), "verdict": "ranked", "rank_A": 1, "rank_B": 2, **more},
    )
    assert answer.status_code == 302
    ranking = Ranking.objects.get()
    assert ranking.pk != 999
    assert (ranking.annotator, ranking.task, ranking.project) == (annotator, assignment.task, cast.project)
    assert (ranking.is_current, ranking.order_shown) == (True, assignment.order_shown)
    assert (ranking.guideline_version, ranking.import_key) == (1, None)
    assert ranking.created_at.year > 2000


def test_an_invitation_makes_no_administrator_and_no_other_role(cast: Cast) -> None:
    path = members.invite(project=cast.project, email="eve@example.org", role="annotator")
    Client().post(
        path,
        {
            "username": "eve",
            "password1": "a long password of eve's",
            "password2": "a long password of eve's",
            "is_superuser": "on",
            "is_staff": "on",
            "role": "researcher",
            "project": cast.other.pk,
        },
    )
    eve = User.objects.get(username="eve")
    assert (eve.is_superuser, eve.is_staff) == (False, False)
    assert [(one.project, one.role) for one in eve.memberships.all()] == [(cast.project, "annotator")]


def test_a_researcher_changes_no_account_and_no_row_through_the_admin(cast: Cast) -> None:
    client = client_of(cast.carol)
    for path in (
        f"/admin/auth/user/{cast.carol.pk}/change/",
        f"/admin/annotation/project/{cast.project.pk}/change/",
        "/admin/annotation/project/add/",
    ):
        answer = client.post(path, {"is_superuser": "on", "name": "taken", "slug": "taken"})
        assert answer.status_code == 403, path
    cast.carol.refresh_from_db()
    cast.project.refresh_from_db()
    assert (cast.carol.is_superuser, cast.project.name) == (False, "Helpful answers")


@pytest.mark.parametrize(("path", "status"), [("/admin/runs/run/add/", 403), ("/nowhere/", 404)])
def test_a_refusal_is_one_line_of_the_log(cast: Cast, path: str, status: int, caplog: Any) -> None:
    assert client_of(cast.carol).get(path).status_code == status
    (record,) = [record for record in caplog.records if record.name == "django.request"]
    (handler,) = [one for one in logging.getLogger().handlers if one.name == "stderr"]
    handler.filter(record)
    assert path in handler.format(record)
    assert "Traceback" not in handler.format(record)


@pytest.mark.parametrize(
    "path",
    [
        "/static/../manage.py",
        "/static/%2e%2e/manage.py",
        "/static/..%2f..%2fetc%2fpasswd",
        "/static/%2e%2e%2f%2e%2e%2f/etc/passwd",
        "/static/css/../../config/settings.py",
        "/static//etc/passwd",
        "/static/....//....//etc/passwd",
        "/static/css/..%5c..%5cmanage.py",
        "/static/css/%00.css",
        "/var/secret_key",
        "/static/../var/secret_key",
        "/.git/config",
        "/static/",
        "/static/css/",
    ],
)
def test_no_file_is_served_but_what_lies_among_the_static_ones(path: str) -> None:
    for address in (path, path.replace("/static/", settings.STATIC_URL)):
        assert Client().get(address).status_code == 404


def test_static_files_are_served_for_good() -> None:
    answer = Client().get(f"{settings.STATIC_URL}css/tokens.css")
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "max-age=315360000, public, immutable"
    assert b"--bg" in b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    answer.close()


def test_an_export_serves_the_runs_own_file_and_follows_no_link_out_of_it(cast: Cast, tmp_path: Any) -> None:
    run = make_transfer(cast.project).run
    Run.objects.filter(pk=run.pk).update(status="succeeded", finished_at=run.created_at)
    run.refresh_from_db()
    output = folder_of(run).output
    output.mkdir(parents=True, exist_ok=True)
    secret = tmp_path / "secret.jsonl"
    secret.write_text("secret")
    (output / "link.jsonl").symlink_to(secret)
    client = client_of(cast.carol)
    assert client.get(f"/admin/runs/{run.pk}/output/").status_code == 404
    (output / "pairs.jsonl").write_text("{}\n")
    answer = client.get(f"/admin/runs/{run.pk}/output/", {"file": "../../secret_key", "name": "/etc/passwd"})
    assert b"".join(answer.streaming_content) == b"{}\n"  # type: ignore[attr-defined]
    for path in (f"/admin/runs/{run.pk}/output/../config.json", f"/admin/runs/{run.pk}/output/config.json"):
        assert client.get(path).status_code == 404


def test_an_address_is_not_fetched_as_an_import(cast: Cast) -> None:
    client = client_of(cast.carol)
    path = "/admin/projects/helpful/import/"
    for address in ("http://127.0.0.1:1/x.jsonl", "file:///etc/passwd", "/etc/passwd"):
        # Neither as the file itself, nor under the names that others take an address by.
        fields = {"import-kind": "prompts", "import-file": address, "import-url": address, "url": address}
        assert client.post(path, fields).status_code == 400, address
    assert not Transfer.objects.exists()
    # As the content of a file it is a bad line, and as its name it is a name.
    file = SimpleUploadedFile("http:__127.0.0.1_x.jsonl", b'"http://127.0.0.1:1/x.jsonl"\n')
    assert client.post(path, {"import-kind": "prompts", "import-file": file}).status_code == 302
    assert not Prompt.objects.exists()


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/x.jsonl", "file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_the_command_takes_files_alone(address: str) -> None:
    from django.core.management import CommandError, call_command

    make_project("helpful")
    with pytest.raises((CommandError, OSError)):
        call_command("import_jsonl", address, project="helpful", kind="prompts")
    assert not Prompt.objects.exists()


def test_lookups_are_not_named_by_whoever_asks(cast: Cast) -> None:
    """A hash of a password cannot be guessed letter by letter through a filter (CVE-2023-47117)."""
    make_tasks(cast.project, 1)
    assert Annotator.objects.count() == 0
    people.annotator_for(project=cast.project, user=cast.alice)
    client = client_of(cast.carol)
    for lookup in (
        "user__password__startswith",
        "project__memberships__user__password__startswith",
        "user__password",
    ):
        answer = client.get("/admin/annotation/annotator/", {lookup: "pbkdf2"})
        # Refused, or sent back to the list without it; never a list that depends on it.
        assert answer.status_code in {302, 400}, lookup
        if answer.status_code == 302:
            assert answer["Location"].endswith("?e=1")


def test_every_home_has_a_key_of_its_own(tmp_path: Any) -> None:
    """Made at the first start, long, readable by its owner alone, and never one that is in the code."""
    keys = set()
    for name in ("one", "two"):
        home = tmp_path / name
        program = "from django.conf import settings; print(settings.SECRET_KEY)"
        environment = {
            "CONCORD_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PATH": "/usr/bin:/bin",
        }
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            check=True,
        )
        key = done.stdout.strip()
        assert (home / "secret_key").read_text() == key
        assert (home / "secret_key").stat().st_mode & 0o777 == 0o600
        assert len(key) >= 50
        keys.add(key)
    assert len(keys) == 2


def test_every_answer_says_what_may_run_and_where_it_may_be_framed(cast: Cast) -> None:
    client = client_of(cast.olivia)
    for path in (
        "/",
        "/admin/",
        "/no-such-page/",
        "/projects/helpful/rank/",
        "/login/",
        "/admin/projects/helpful/",
    ):
        answer = client.get(path)
        policy = answer["Content-Security-Policy"]
        assert "script-src 'self'" in policy, path
        assert "unsafe" not in policy, path
        assert "frame-ancestors 'none'" in policy, path
        assert "worker-src 'self'" in policy, path
        assert answer["X-Content-Type-Options"] == "nosniff", path
        assert answer["Referrer-Policy"] == "same-origin", path


def addresses(patterns: Sequence[URLPattern | URLResolver], before: str = "/") -> Iterator[str]:
    """One address a route, its parameters filled in; the admin's catch-all is any address that is no other."""
    filled = {"uuid": str(UUID(int=1)), "int": "1", "slug": "helpful"}
    for pattern in patterns:
        route = str(pattern.pattern)
        if isinstance(pattern.pattern, RegexPattern):
            # Of the admin alone: shortcuts to an app's page by a list of names, and the catch-all.
            route = re.sub(r"\(\?P<app_label>(\w+).*\)", r"\1", route).replace("(?P<url>.*)$", "no/such/page")
            route = route.strip("^$")
        parameter = r"<(?:(\w+):)?\w+>"
        path = before + re.sub(
            parameter, lambda parameter_match: filled.get(parameter_match[1] or "", "x"), route
        )
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, path)
        else:
            yield path


def without_token(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Stands for the page that says that the token is missing: no other answer has this status."""
    return HttpResponse(status=418)


@pytest.fixture
def bare(cast: Cast, settings: Any) -> Client:
    """An administrator's client that sends no token."""
    settings.CSRF_FAILURE_VIEW = f"{__name__}.{without_token.__name__}"
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.olivia)
    return client


def test_forms_need_their_token(bare: Client) -> None:
    """Every address there is, whether it takes forms or not."""
    paths = [path for path in addresses(get_resolver().url_patterns) if not path.startswith("/api/")]
    for path in paths:
        assert bare.post(path).status_code == 418, path
    assert {"/projects/helpful/rank/submit/", "/logout/", "/admin/projects/helpful/helpful/"} <= set(paths)
    assert {"/admin/auth/user/x/password/", "/account/password/", "/account/tokens/1/revoke/"} <= set(paths)


def test_the_api_takes_no_form_of_a_browser_that_is_logged_in(bare: Client) -> None:
    """A cookie is not enough to change anything: its address wants the token as well, or has no POST."""
    paths = [path for path in addresses(get_resolver().url_patterns) if path.startswith("/api/")]
    answers = {path: bare.post(path) for path in paths}
    refused = {path for path, answer in answers.items() if answer.status_code in {403, 418}}
    assert all(b"CSRF" in answers[path].content for path in refused if answers[path].status_code == 403)
    assert {answers[path].status_code for path in answers.keys() - refused} <= {404, 405}
    assert len(refused) >= 40


def test_a_draft_of_another_person_is_not_shown_by_its_id(cast: Cast) -> None:
    make_tasks(cast.project, 2)
    hers = queue.claim(annotator=people.annotator_for(project=cast.project, user=cast.alice))
    assert hers is not None
    answer = client_of(cast.carol).post(
        "/projects/helpful/rank/draft/", {"assignment": str(hers.public_id), "rank_A": 1}
    )
    assert answer.status_code == 404
    assert Assignment.objects.get(pk=hers.pk).draft == {}
    assert (
        json.dumps(str(hers.public_id))
        not in client_of(cast.carol).get("/projects/helpful/rank/").content.decode()
    )
    assert Project.objects.count() == 2
