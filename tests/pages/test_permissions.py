"""Who may open what, one row a page: a page that is not in the table fails the last test."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern

from config.pages.actions import ACTIONS
from config.tables import TABLES
from runs.models import Run
from tests.pages.cast import Cast, make_cast
from tests.pages.factories import make_transfer

pytestmark = pytest.mark.django_db

# name of Concord's own pages -> (method, path); {run} is an export's run of the project "helpful".
PAGES = {
    "project": ("get", "/admin/projects/helpful/"),
    "quality": ("get", "/admin/projects/helpful/quality/"),
    "annotators": ("get", "/admin/projects/helpful/annotators/"),
    "flags": ("get", "/admin/projects/helpful/flags/"),
    "disagreements": ("get", "/admin/projects/helpful/disagreements/"),
    "withdrawals": ("get", "/admin/projects/helpful/withdrawals/"),
    "webhooks": ("get", "/admin/projects/helpful/webhooks/"),
    "act": ("post", "/admin/projects/helpful/export/"),
    "run": ("get", "/admin/runs/{run}/"),
    "run_live": ("get", "/admin/runs/{run}/live/"),
    "run_metrics": ("get", "/admin/runs/{run}/metrics/"),
    "run_cancel": ("post", "/admin/runs/{run}/cancel/"),
    "run_rest": ("post", "/admin/runs/{run}/rest/"),
    "run_output": ("get", "/admin/runs/{run}/output/"),
}
INSIDERS = ("carol", "olivia")
OUTSIDERS = ("alice", "dave", None, "erin")


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def visit(cast: Cast, name: str | None, page: str) -> int:
    """The status of a page for one of the cast, or for a visitor who has not logged in."""
    run = make_transfer(cast.project).run
    client = Client()
    if name is not None:
        client.force_login(getattr(cast, name))
    method, path = PAGES[page]
    return int(getattr(client, method)(path.format(run=run.pk)).status_code)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", INSIDERS)
def test_a_projects_researchers_and_administrators_may(cast: Cast, page: str, name: str) -> None:
    # 400: an empty form, 404: an export without a file yet; both come after the check.
    expected = {"act": 400, "run_cancel": 302, "run_rest": 302, "run_output": 404}.get(page, 200)
    assert visit(cast, name, page) == expected


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", OUTSIDERS)
def test_nobody_else_may(cast: Cast, page: str, name: str | None) -> None:
    # A researcher of another project may open the admin, so is told 404; the others are sent to the log-in page.
    assert visit(cast, name, page) == (404 if name == "erin" else 302)
    assert not Run.objects.exclude(status=Run.Status.QUEUED).exists()


@pytest.mark.parametrize("name", ["alice", "dave", None])
def test_the_admin_is_closed_to_annotators_and_strangers(cast: Cast, name: str | None) -> None:
    client = Client()
    if name is not None:
        client.force_login(getattr(cast, name))
    paths = ["/admin/", *(f"/admin/{m._meta.app_label}/{m._meta.model_name}/" for m in TABLES)]
    assert {client.get(path).status_code for path in paths} == {302}


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
def test_tables_show_a_researcher_only_their_own_projects(cast: Cast, model: type) -> None:
    site_admin = admin.site._registry[model]
    make_transfer(cast.project)
    request = type("Request", (), {"user": cast.erin})()
    shown = site_admin.get_queryset(request)
    lookup = TABLES[model][0]
    assert not shown.exclude(**{f"{lookup}__in": [cast.other.pk]}).exists()
    for change in ("has_add_permission", "has_change_permission", "has_delete_permission"):
        assert getattr(site_admin, change)(request) is False


def test_accounts_are_for_administrators_alone(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.carol)
    assert client.get("/admin/auth/user/").status_code == 403
    assert (
        client.get("/admin/runs/run/").status_code == 200
    )  # an empty table: a researcher has the runs' pages
    client.force_login(cast.olivia)
    assert client.get("/admin/auth/user/").status_code == 200


def test_every_page_of_concords_own_is_in_the_table() -> None:
    names = {
        pattern.name
        for pattern in admin.site.urls[0]
        if isinstance(pattern, URLPattern) and str(pattern.pattern).startswith(("projects/", "runs/<int"))
    }
    assert names == set(PAGES)


def test_every_action_refuses_an_empty_form_and_changes_nothing(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.carol)
    for action in ACTIONS:
        answer = client.post(f"/admin/projects/helpful/{action}/")
        # fit takes an empty form: it then says that there is nothing to fit on when it begins.
        assert answer.status_code == (302 if action == "fit" else 400), action
    assert client.post("/admin/projects/helpful/no-such-action/").status_code == 404
