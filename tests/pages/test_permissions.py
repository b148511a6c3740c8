"""Who may open what, one row a page: a page that is not in the table fails the last test."""

from typing import Any, NamedTuple
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern

from annotation.models import Project, Prompt
from console.forms.actions import ACTIONS
from console.tables import TABLES
from runs.models import Run
from tests.annotation.factories import make_annotator, make_tasks, put
from tests.annotation.judging import taken
from tests.pages.cast import Cast, make_cast
from tests.pages.factories import make_transfer
from tests.pages.looking import rows_written
from tests.rltrainer.factories import make_policy, make_reward_model, make_snapshot
from tests.worlds import once_a_module

pytestmark = [pytest.mark.django_db, pytest.mark.long]

# name of Concord's own pages -> (method, path); {run} is an export's run of the project "helpful", {prompt} its prompt.
PAGES = {
    "project": ("get", "/admin/projects/helpful/"),
    "data": ("get", "/admin/projects/helpful/data/rankings/"),
    "data_file": ("get", "/admin/projects/helpful/data/rankings/file/?as=pairs"),
    "data_flag": ("post", "/admin/projects/helpful/data/rankings/flag/"),
    "datum": ("get", "/admin/projects/helpful/data/prompts/{prompt}/"),
    "reward_models": ("get", "/admin/projects/helpful/reward-models/"),
    "policies": ("get", "/admin/projects/helpful/policies/"),
    "try": ("get", "/admin/projects/helpful/try/"),
    "runs": ("get", "/admin/projects/helpful/runs/"),
    "settings": ("get", "/admin/projects/helpful/settings/"),
    "quality": ("get", "/admin/projects/helpful/quality/"),
    "people": ("get", "/admin/projects/helpful/people/"),
    "annotators": ("get", "/admin/projects/helpful/annotators/"),
    "flags": ("get", "/admin/projects/helpful/flags/"),
    "disagreements": ("get", "/admin/projects/helpful/disagreements/"),
    "withdrawals": ("get", "/admin/projects/helpful/withdrawals/"),
    "look": ("get", "/admin/projects/helpful/look/"),
    "webhooks": ("get", "/admin/projects/helpful/webhooks/"),
    "act": ("post", "/admin/projects/helpful/export/"),
    "run": ("get", "/admin/runs/{run}/"),
    "run_live": ("get", "/admin/runs/{run}/live/"),
    "run_answers": ("get", "/admin/runs/{run}/answers/"),
    "run_metrics": ("get", "/admin/runs/{run}/metrics/"),
    "run_log": ("get", "/admin/runs/{run}/log/"),
    "run_cancel": ("post", "/admin/runs/{run}/cancel/"),
    "run_again": ("post", "/admin/runs/{run}/again/"),
    "run_resume": ("post", "/admin/runs/{run}/resume/"),
    "run_note": ("post", "/admin/runs/{run}/note/"),
    "run_file": ("get", "/admin/runs/{run}/files/pairs.jsonl"),
    "run_rest": ("post", "/admin/runs/{run}/rest/"),
    "run_output": ("get", "/admin/runs/{run}/output/"),
}
INSIDERS = ("carol", "olivia")
OUTSIDERS = ("alice", "dave", None, "erin")


def make_row_of_every_table(project: Project) -> None:
    """At least one row of each of TABLES, all of ``project``."""
    texts: list[dict[str, Any]] = [{"text": "Blue.", "source": "m", "rank": 1}, {"text": "Red.", "rank": 2}]
    put(project, "rankings", {"prompt": "Name a colour.", "completions": texts, "annotator": "expert"})
    put(project, "ratings", {"prompt": "Name a colour.", "completion": "Blue.", "score": 1})
    put(project, "demonstrations", {"prompt": "Name a colour.", "completion": "Green."})
    make_tasks(project)
    taken(make_annotator(project))
    snapshot = make_snapshot(project, f"snapshot of {project.pk}")
    make_reward_model(project, project.pk, snapshot)
    make_policy(project, 1)


class World(NamedTuple):
    """Two projects with a row of every table, and of "helpful" the run of an export and a prompt's id."""

    cast: Cast
    run: int
    prompt: UUID


def make_world() -> World:
    cast = make_cast()
    for project in (cast.project, cast.other):
        make_row_of_every_table(project)
    run = make_transfer(cast.project).run
    return World(cast, run.pk, Prompt.objects.filter(project=cast.project).earliest("pk").public_id)


_rows, world = once_a_module(make_world)


@pytest.fixture
def cast(world: World) -> Cast:
    return world.cast


def visit(world: World, name: str | None, page: str) -> int:
    """The status of a page for one of the cast, or for a visitor who has not logged in."""
    client = Client()
    if name is not None:
        client.force_login(getattr(world.cast, name))
    method, path = PAGES[page]
    return int(getattr(client, method)(path.format(run=world.run, prompt=world.prompt)).status_code)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", INSIDERS)
def test_a_projects_researchers_and_administrators_may(world: World, page: str, name: str) -> None:
    # 400: an empty form, 404: an export without a file or a log yet, and no file to look at; all come after the check.
    moves = dict.fromkeys(("run_cancel", "run_rest", "run_again", "run_resume", "run_note"), 302)
    expected = {
        "act": 400,
        "data_flag": 302,
        "look": 400,
        "run_output": 404,
        "run_file": 404,
        "run_log": 404,
        **moves,
    }
    assert visit(world, name, page) == expected.get(page, 200)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", OUTSIDERS)
def test_nobody_else_may(world: World, page: str, name: str | None) -> None:
    # A researcher of another project may open the admin, so is told 404; the others are sent to the log-in page.
    runs = set(Run.objects.values_list("pk", "status"))
    assert visit(world, name, page) == (404 if name == "erin" else 302)
    assert set(Run.objects.values_list("pk", "status")) == runs


@pytest.mark.parametrize("name", ["alice", "dave", None])
def test_the_admin_is_closed_to_annotators_and_strangers(cast: Cast, name: str | None) -> None:
    client = Client()
    if name is not None:
        client.force_login(getattr(cast, name))
    paths = ["/admin/", *(f"/admin/{m._meta.app_label}/{m._meta.model_name}/" for m in TABLES)]
    assert {client.get(path).status_code for path in paths} == {302}


def project_of(row: Any) -> Project:
    """By the row's own fields, whatever the table's lookup says."""
    return row if isinstance(row, Project) else row.project


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
def test_tables_show_a_researcher_only_their_own_projects(cast: Cast, model: type[Any]) -> None:
    rows = list(model.objects.all())
    of_other = {row.pk for row in rows if project_of(row) == cast.other}
    assert {project_of(row) for row in rows} == {cast.project, cast.other}
    site_admin = admin.site._registry[model]
    request: Any = type("Request", (), {"user": cast.erin})()
    assert {row.pk for row in site_admin.get_queryset(request)} == of_other
    for change in ("has_add_permission", "has_change_permission", "has_delete_permission"):
        assert getattr(site_admin, change)(request) is False


def test_projects_are_made_by_administrators_alone(cast: Cast) -> None:
    for name, status in {"olivia": 200, "carol": 404, "alice": 302}.items():
        client = Client()
        client.force_login(getattr(cast, name))
        assert client.get("/admin/projects/").status_code == status
        before = Project.objects.count()
        client.post("/admin/projects/", {"name": "New", "completions_per_task": 4, "annotators_per_task": 1})
        assert Project.objects.count() - before == (name == "olivia")


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
        if isinstance(pattern, URLPattern) and str(pattern.pattern).startswith(("projects/<", "runs/<int"))
    }
    assert names == set(PAGES)


def every_row() -> dict[str, str | None]:
    """A digest of all that the database holds, table by table."""
    tables = [model._meta for model in apps.get_models()]
    digests = " UNION ALL ".join(
        f"SELECT '{table.label}', md5(string_agg(row::text, ' ' ORDER BY row::text)) FROM \"{table.db_table}\" AS row"
        for table in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(digests)
        return dict(cursor.fetchall())


@pytest.mark.parametrize("action", [*sorted(ACTIONS.keys() - {"forget"}), "no-such-action"])
def test_every_action_refuses_an_empty_form_and_changes_nothing(cast: Cast, action: str) -> None:
    client = Client()
    client.force_login(cast.carol)
    before = every_row()
    answer = client.post(f"/admin/projects/helpful/{action}/")
    assert answer.status_code == (404 if action == "no-such-action" else 400)
    assert every_row() == before


LOOKS = [name for name, (method, _) in PAGES.items() if method == "get"]
MOST_QUERIES = 30
# Totals of what is there already, which a look brings up to date.
WORKED_OUT = {"quality": {"annotation_staletask", "annotation_tally", "annotation_tasktally"}}


@pytest.mark.parametrize("page", LOOKS)
def test_a_look_changes_nothing_and_asks_thirty_queries_at_most(world: World, page: str) -> None:
    client = Client()
    client.force_login(world.cast.carol)
    path = PAGES[page][1].format(run=world.run, prompt=world.prompt)
    before = rows_written()
    with CaptureQueriesContext(connection) as queries:
        client.get(path)
    assert {table for table, _ in rows_written() ^ before} <= WORKED_OUT.get(page, set())
    sent = [one["sql"] for one in queries if not one["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert 0 < len(sent) <= MOST_QUERIES
