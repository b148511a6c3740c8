"""Who may call what, one row an endpoint: an endpoint that is not in the table fails the last test."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLResolver, get_resolver

from annotation.api.base import Endpoint
from annotation.models import (
    ApiToken,
    Assignment,
    Delivery,
    Flag,
    Invitation,
    Membership,
    Ranking,
    Task,
    Webhook,
    Withdrawal,
)
from console.api import schema
from runs.models import Run
from tests.api.world import SECRET, Program, World, program, wrong_with
from tests.pages.looking import rows_written

pytestmark = [pytest.mark.django_db, pytest.mark.long]
# The name of a row of the world in a body.
NAMED = re.compile(r"\{(\w+)\}")
P = "projects/{slug}/"
RESEARCHERS, MEMBERS, ITS_ANNOTATOR, ANYBODY = "researchers", "members", "own", "anybody"


class Row(NamedTuple):
    """An endpoint: who may, with which scope (any one of them), what to send, what comes back to whoever may."""

    who: str
    scopes: tuple[str, ...]
    status: int
    body: Any = None


READ, WRITE, RUNS, ANNOTATE, ADMINISTER = (("read",), ("write",), ("runs",), ("annotate",), ("administer",))
TASK = {"prompt": "New?", "completions": [{"text": "yes"}, {"text": "no"}]}
URL = "https://example.org/another"
INVITED = {"email": "new@example.org", "role": "annotator"}
SCORED = {"prompt": "Where?", "completion": "Here."}
FLAGGED = {"category": "private", "words": "It names a person."}
RANKS = {"ranks": {"A": 1, "B": 2, "C": 2}}
ENDPOINTS: dict[tuple[str, str], Row] = {
    ("GET", "projects/"): Row(ANYBODY, ("read", "annotate"), 200),
    ("POST", "projects/"): Row("administrators", ADMINISTER, 201, {"slug": "new"}),
    ("GET", P): Row(MEMBERS, ("read", "annotate"), 200),
    ("PATCH", P): Row(RESEARCHERS, WRITE, 200, {"guidelines": "Be kind."}),
    ("GET", P + "agreement/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "quality/"): Row(RESEARCHERS, READ, 200),
    ("POST", P + "tasks/make/"): Row(RESEARCHERS, WRITE, 201, {"kind": "rate", "prompts": 1}),
    ("GET", P + "annotators/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "annotators/{annotator}/figures/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "annotators/{annotator}/standing/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "members/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "members/{member}/"): Row(RESEARCHERS, READ, 200),
    ("PATCH", P + "members/{member}/"): Row(RESEARCHERS, ADMINISTER, 200, {"role": "researcher"}),
    ("DELETE", P + "members/{member}/"): Row(RESEARCHERS, ADMINISTER, 204),
    ("GET", P + "invitations/"): Row(RESEARCHERS, READ, 200),
    ("POST", P + "invitations/"): Row(RESEARCHERS, ADMINISTER, 201, INVITED),
    ("GET", P + "invitations/{invitation}/"): Row(RESEARCHERS, READ, 200),
    ("DELETE", P + "invitations/{invitation}/"): Row(RESEARCHERS, ADMINISTER, 204),
    ("POST", P + "invitations/{invitation}/again/"): Row(RESEARCHERS, ADMINISTER, 201),
    ("GET", P + "prompts/"): Row(RESEARCHERS, READ, 200),
    ("POST", P + "prompts/"): Row(RESEARCHERS, WRITE, 201, {"prompt": "New?"}),
    ("GET", P + "prompts/{prompt}/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "prompts/{prompt}/lineage/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "completions/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "completions/{completion}/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "completions/{completion}/lineage/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "tasks/"): Row(RESEARCHERS, READ, 200),
    ("POST", P + "tasks/"): Row(RESEARCHERS, WRITE, 201, TASK),
    ("GET", P + "tasks/{task}/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "tasks/{task}/lineage/"): Row(RESEARCHERS, READ, 200),
    ("PATCH", P + "tasks/{task}/"): Row(RESEARCHERS, WRITE, 200, {"priority": 3}),
    ("GET", P + "flags/"): Row(RESEARCHERS, READ, 200),
    ("POST", P + "flags/"): Row(RESEARCHERS, WRITE, 201, {**FLAGGED, "tasks": ["{task}"]}),
    ("GET", P + "flags/{flag}/"): Row(RESEARCHERS, READ, 200),
    ("POST", P + "flags/{flag}/resolve/"): Row(RESEARCHERS, WRITE, 200, {"resolution": "Rewritten."}),
    ("GET", P + "skips/"): Row(RESEARCHERS, READ, 200),
    ("POST", P + "gold/"): Row(RESEARCHERS, WRITE, 201, {"tasks": ["{ranked}"]}),
    ("DELETE", P + "gold/{task}/"): Row(RESEARCHERS, WRITE, 204),
    ("GET", P + "disagreements/"): Row(RESEARCHERS, READ, 200),
    ("POST", P + "tasks/{task}/decide/"): Row(RESEARCHERS, WRITE, 201, {"tiers": [1, 2, 2]}),
    ("POST", P + "annotators/{annotator}/pause/"): Row(RESEARCHERS, WRITE, 200, {"why": "Too fast."}),
    # Found, but never paused.
    ("POST", P + "annotators/{annotator}/resume/"): Row(RESEARCHERS, WRITE, 400, {"why": "Slower."}),
    ("GET", P + "snapshots/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "snapshots/{snapshot}/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "withdrawals/"): Row(RESEARCHERS, READ, 200),
    ("POST", P + "withdrawals/"): Row(RESEARCHERS, ADMINISTER, 201, {"prompt": "{prompt}"}),
    ("GET", P + "withdrawals/{withdrawal}/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "rankings/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "rankings/{ranking}/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "rankings/{ranking}/lineage/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "ratings/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "ratings/{rating}/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "ratings/{rating}/lineage/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "demonstrations/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "demonstrations/{demonstration}/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "demonstrations/{demonstration}/lineage/"): Row(RESEARCHERS, READ, 200),
    ("POST", P + "next/"): Row(MEMBERS, ANNOTATE, 200),
    ("GET", P + "assignments/"): Row(MEMBERS, ANNOTATE, 200),
    ("GET", P + "assignments/{assignment}/"): Row(ITS_ANNOTATOR, ANNOTATE, 200),
    ("PUT", P + "assignments/{assignment}/draft/"): Row(ITS_ANNOTATOR, ANNOTATE, 200, {"ranks": {"A": 1}}),
    ("POST", P + "assignments/{assignment}/submit/"): Row(ITS_ANNOTATOR, ANNOTATE, 200, RANKS),
    ("POST", P + "assignments/{assignment}/skip/"): Row(ITS_ANNOTATOR, ANNOTATE, 200, {"reason": "hard"}),
    ("POST", P + "assignments/{assignment}/release/"): Row(ITS_ANNOTATOR, ANNOTATE, 200),
    ("POST", P + "assignments/{assignment}/flag/"): Row(
        ITS_ANNOTATOR, ANNOTATE, 200, {"category": "harmful"}
    ),
    # It is a task to rank.
    ("POST", P + "assignments/{assignment}/rate/"): Row(ITS_ANNOTATOR, ANNOTATE, 400, {"scores": {}}),
    ("POST", P + "assignments/{assignment}/write/"): Row(
        ITS_ANNOTATOR, ANNOTATE, 400, {"text": "An answer."}
    ),
    # It is not submitted.
    ("POST", P + "assignments/{assignment}/revise/"): Row(ITS_ANNOTATOR, ANNOTATE, 400, RANKS),
    ("GET", P + "history/"): Row(MEMBERS, ANNOTATE, 200),
    ("GET", P + "progress/"): Row(MEMBERS, ANNOTATE, 200),
    ("POST", P + "reviews/next/"): Row(MEMBERS, ANNOTATE, 204),
    # It is accepted already.
    ("POST", P + "reviews/{demonstration}/accept/"): Row(MEMBERS, ANNOTATE, 400),
    ("POST", P + "reviews/{demonstration}/send-back/"): Row(MEMBERS, ANNOTATE, 400, {"comment": "Longer."}),
    ("GET", P + "webhooks/"): Row(RESEARCHERS, READ, 200),
    ("POST", P + "webhooks/"): Row(RESEARCHERS, ADMINISTER, 201, {"url": URL, "events": ["task.completed"]}),
    ("GET", P + "webhooks/{webhook}/"): Row(RESEARCHERS, READ, 200),
    ("PATCH", P + "webhooks/{webhook}/"): Row(RESEARCHERS, ADMINISTER, 200, {"active": False}),
    ("DELETE", P + "webhooks/{webhook}/"): Row(RESEARCHERS, ADMINISTER, 204),
    ("POST", P + "webhooks/{webhook}/secret/"): Row(RESEARCHERS, ADMINISTER, 200),
    ("POST", P + "webhooks/{webhook}/test/"): Row(RESEARCHERS, ADMINISTER, 202),
    ("GET", P + "deliveries/"): Row(RESEARCHERS, READ, 200),
    ("POST", P + "deliveries/{delivery}/again/"): Row(RESEARCHERS, ADMINISTER, 202),
    ("POST", P + "imports/"): Row(RESEARCHERS, WRITE, 202, {"kind": "prompts"}),
    ("POST", P + "imports/look/"): Row(RESEARCHERS, WRITE, 200, {}),
    ("POST", P + "exports/"): Row(RESEARCHERS, RUNS, 202, {"kind": "pairs"}),
    ("POST", P + "dataset-exports/"): Row(RESEARCHERS, RUNS, 202, {"license": "mit"}),
    ("GET", P + "export/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "runs/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "runs/{run}/"): Row(RESEARCHERS, READ, 200),
    ("PATCH", P + "runs/{run}/"): Row(RESEARCHERS, RUNS, 200, {"tags": ["good"]}),
    ("GET", P + "runs/{run}/metrics/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "runs/{run}/answers/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "runs/{run}/log/"): Row(RESEARCHERS, READ, 200),
    ("POST", P + "runs/{run}/cancel/"): Row(RESEARCHERS, RUNS, 200),
    ("POST", P + "runs/{run}/again/"): Row(RESEARCHERS, RUNS, 202),
    # Found, but it keeps no checkpoint.
    ("POST", P + "runs/{run}/resume/"): Row(RESEARCHERS, RUNS, 409),
    # Found, but it has no file yet; the message of the 404 is the same.
    ("GET", P + "runs/{run}/output/"): Row(RESEARCHERS, READ, 404),
    ("GET", P + "runs/{run}/files/"): Row(RESEARCHERS, READ, 200),
    # Found, but it keeps nothing; the message of the 404 is the same.
    ("GET", P + "runs/{run}/files/{file}/"): Row(RESEARCHERS, READ, 404),
    ("GET", P + "reward-models/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "reward-models/{number}/"): Row(RESEARCHERS, READ, 200),
    ("POST", P + "reward-models/{number}/activate/"): Row(RESEARCHERS, RUNS, 200),
    ("POST", P + "reward-models/{number}/export/"): Row(RESEARCHERS, RUNS, 202, {"license": "mit"}),
    ("GET", P + "reward-models/{number}/rewards/"): Row(RESEARCHERS, READ, 200),
    ("POST", P + "reward-models/{number}/rewards/"): Row(RESEARCHERS, RUNS, 202),
    ("POST", P + "fits/"): Row(RESEARCHERS, RUNS, 202),
    # Found, but none of its versions is active.
    ("POST", "score/"): Row(RESEARCHERS, READ, 409, {"project": "helpful", "items": [SCORED]}),
    # Found, but none of its versions is active.
    ("POST", P + "choice/"): Row(RESEARCHERS, RUNS, 409),
    ("DELETE", P + "choice/"): Row(RESEARCHERS, RUNS, 204),
    # Found, but it is no demo.
    ("POST", P + "simulate/"): Row(RESEARCHERS, WRITE, 400, {"preference": "length"}),
    ("GET", P + "contests/"): Row(RESEARCHERS, READ, 200),
    # Found, but there is one version.
    ("POST", P + "contests/"): Row(RESEARCHERS, RUNS, 409),
    ("GET", P + "activation/"): Row(RESEARCHERS, READ, 200),
    ("PATCH", P + "activation/"): Row(RESEARCHERS, RUNS, 200, {"activates": False}),
    ("GET", P + "retraining/"): Row(RESEARCHERS, READ, 200),
    ("PATCH", P + "retraining/"): Row(RESEARCHERS, RUNS, 200, {"retrain_hours": 24}),
    # Found, but no scorer runs.
    ("POST", "generate/"): Row(RESEARCHERS, READ, 503, {"project": "helpful", "prompts": ["Where?"]}),
    ("GET", P + "policies/"): Row(RESEARCHERS, READ, 200),
    ("GET", P + "policies/{number}/"): Row(RESEARCHERS, READ, 200),
    ("POST", P + "policies/{number}/make-current/"): Row(RESEARCHERS, RUNS, 200),
    ("POST", P + "policies/{number}/export/"): Row(RESEARCHERS, RUNS, 202),
    ("GET", P + "succession/"): Row(RESEARCHERS, READ, 200),
    ("PATCH", P + "succession/"): Row(RESEARCHERS, RUNS, 200, {"succession_prompts": 50}),
    ("POST", P + "trainings/"): Row(RESEARCHERS, RUNS, 202, {"algorithm": "sft"}),
    ("POST", P + "registrations/"): Row(RESEARCHERS, RUNS, 202, {"base": "name/model"}),
    ("POST", P + "samplings/"): Row(RESEARCHERS, RUNS, 202),
    ("POST", P + "evaluations/"): Row(RESEARCHERS, RUNS, 202, {"policies": [1, 2]}),
}
# What is left for Olivia after Carol has done it.
SECOND = {
    ("POST", P + "runs/{run}/cancel/"): 409,
    ("POST", P + "reward-models/{number}/rewards/"): 409,
    ("POST", P + "prompts/"): 200,
    ("POST", P + "tasks/"): 200,
    ("DELETE", P + "webhooks/{webhook}/"): 404,
    ("DELETE", P + "members/{member}/"): 404,
    ("DELETE", P + "invitations/{invitation}/"): 404,
    # The new one has another id.
    ("POST", P + "invitations/{invitation}/again/"): 404,
    ("POST", P + "deliveries/{delivery}/again/"): 400,
    ("POST", P + "gold/"): 400,
    ("POST", P + "tasks/{task}/decide/"): 400,
    ("POST", P + "annotators/{annotator}/pause/"): 400,
}
MAY: dict[str, Callable[[str], bool]] = {
    ANYBODY: lambda name: True,
    "administrators": lambda name: name == "olivia",
    RESEARCHERS: lambda name: name in {"carol", "olivia"},
    MEMBERS: lambda name: name in {"alice", "carol", "olivia"},
    ITS_ANNOTATOR: lambda name: name == "alice",
}
PEOPLE = ("alice", "bob", "carol", "dave", "erin", "olivia")


def with_ids(world: World, body: Any) -> Any:
    """With the ids of rows for their names, "{task}"."""
    return (
        None
        if body is None
        else json.loads(NAMED.sub(lambda name: str(world.ids[name[1]]), json.dumps(body)))
    )


def prepare(world: World, endpoint: tuple[str, str]) -> None:
    """What there has to be for it to be met."""
    if endpoint[1].startswith(P + "gold/{"):
        Task.objects.filter(public_id=world.ids["task"]).update(purpose="gold", gold_tiers=[1, 2, 3])


def call(
    world: World, who: Program, endpoint: tuple[str, str], and_field: str | None = None, **instead: Any
) -> Any:
    method, path = endpoint
    body = with_ids(world, ENDPOINTS[endpoint].body)
    if and_field is not None:
        body = {**(body or {}), and_field: 3}
    address = path.format(**{**world.ids, **instead})
    if path.endswith(("imports/", "imports/look/")):
        return who.ask(method, address, body, file=SimpleUploadedFile("new.jsonl", b'{"prompt": "New?"}\n'))
    prepare(world, endpoint)
    if endpoint == ("GET", P + "export/"):
        address += "?kind=prompts"
    return who.ask(method, address, body)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=" ".join)
def test_each_role_may_what_the_table_says_and_is_told_404_of_the_rest(
    world: World, endpoint: tuple[str, str]
) -> None:
    row = ENDPOINTS[endpoint]
    # Those who may not come first: what the others do must not hide that these did nothing.
    for name in sorted(PEOPLE, key=lambda name: MAY[row.who](name)):
        before = Run.objects.count(), Ranking.objects.count()
        # The scope that the table names is all that it takes.
        answer = call(world, program(world, name, row.scopes[0]), endpoint)
        refused = 403 if row.who == "administrators" else 404
        expected = row.status if MAY[row.who](name) else refused
        if name == "olivia":
            expected = SECOND.get(endpoint, expected)
        assert answer.status_code == expected, (name, answer.content)
        if not MAY[row.who](name):
            assert (Run.objects.count(), Ranking.objects.count()) == before
            assert answer.json()["code"] in {"not_found", "permission_denied"}


# How many requests an account has left, and totals of what is there already, which a look brings up to date.
COUNTED = {"annotation_requestrate"}
WORKED_OUT = {P + "quality/": {"annotation_staletask", "annotation_tally", "annotation_tasktally"}}


def test_a_look_changes_nothing_and_asks_thirty_queries_at_most(world: World) -> None:
    wrong = {}
    for method, path in ENDPOINTS:
        if method != "GET":
            continue
        row = ENDPOINTS[method, path]
        who = program(world, "alice" if row.who == ITS_ANNOTATOR else "carol", *row.scopes)
        who.ask("GET", "projects/")  # the first use of a token is noted
        before = rows_written()
        with CaptureQueriesContext(connection) as queries:
            answer = call(world, who, (method, path))
        written = {table for table, _ in rows_written() ^ before} - COUNTED - WORKED_OUT.get(path, set())
        sent = [one["sql"] for one in queries if not one["sql"].startswith(("SAVEPOINT", "RELEASE"))]
        if answer.status_code != row.status or written or len(sent) > 30:
            wrong[path] = (answer.status_code, written, len(sent))
    assert wrong == {}


def test_each_endpoint_that_changes_something_refuses_a_field_that_it_does_not_know(world: World) -> None:
    """Those that read no body too: whoever sends a field means something by it."""
    passed_over = {}
    for endpoint, row in ENDPOINTS.items():
        if endpoint[0] == "GET" or row.status == 400:
            continue
        who = program(world, "alice" if row.who == ITS_ANNOTATOR else "olivia", *row.scopes)
        with transaction.atomic():
            answer = call(world, who, endpoint, and_field="warmm")
            transaction.set_rollback(True)
        if answer.status_code != 400 or "#/warmm" not in wrong_with(answer):
            passed_over[endpoint] = answer.content
    assert passed_over == {}


def test_nobody_gets_in_without_a_token_or_a_session(world: World) -> None:
    for endpoint in ENDPOINTS:
        for who in (Program(), Program("concord_nonsense"), Program("")):
            answer = call(world, who, endpoint)
            assert answer.status_code == 401, endpoint
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="concord"'
            assert answer.json()["code"] in {"not_authenticated", "authentication_failed"}


def test_a_token_without_the_scope_is_told_which(world: World) -> None:
    for endpoint, row in ENDPOINTS.items():
        others = [scope for scope in ApiToken.SCOPES if scope not in row.scopes]
        name = "alice" if row.who == ITS_ANNOTATOR else "olivia"
        answer = call(world, program(world, name, *others), endpoint)
        error = answer.json()
        assert (answer.status_code, error["code"]) == (403, "missing_scope"), endpoint
        assert " or ".join(row.scopes) in error["detail"]


def test_each_of_the_scopes_of_which_one_is_needed_is_enough(world: World) -> None:
    several = {endpoint: row for endpoint, row in ENDPOINTS.items() if len(row.scopes) > 1}
    assert several
    for endpoint, row in several.items():
        for scope in row.scopes:
            assert call(world, program(world, "olivia", scope), endpoint).status_code == row.status, endpoint


def test_a_token_of_another_project_finds_nothing_even_for_an_administrator(world: World) -> None:
    stranger = program(world, "olivia", project=world.cast.other)
    for endpoint in ENDPOINTS:
        if endpoint[1] != "projects/":
            assert call(world, stranger, endpoint).status_code == 404, endpoint
    assert Assignment.objects.filter(public_id=world.ids["assignment"], status="open").exists()


def test_a_narrowed_token_lists_its_project_alone_and_makes_none(world: World) -> None:
    narrowed = program(world, "olivia", project=world.cast.other)
    assert [row["slug"] for row in narrowed.rows("projects/")] == ["haiku"]
    assert narrowed.ask("POST", "projects/", {"slug": "new"}).status_code == 403


# Of what a path names but the project, to which row of the world that leads.
BELOW_A_PROJECT = [
    endpoint for endpoint in ENDPOINTS if endpoint[1].startswith(P) and "{" in endpoint[1].removeprefix(P)
]


@pytest.mark.parametrize("endpoint", BELOW_A_PROJECT, ids=" ".join)
def test_no_row_of_another_project_is_there_under_ones_own(world: World, endpoint: tuple[str, str]) -> None:
    """CVE-2026-22033: an id of another project below a project that one may see, by whatever method."""
    prepare(world, endpoint)
    before = rows_of(world)
    for name in ("erin", "bob"):  # who research and annotate the other project
        answer = call(world, program(world, name), endpoint, slug="haiku")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), name
    assert rows_of(world) == before


@pytest.mark.parametrize(
    "endpoint", [one for one, row in ENDPOINTS.items() if NAMED.search(json.dumps(row.body))], ids=" ".join
)
def test_no_row_of_another_project_is_taken_in_a_body(world: World, endpoint: tuple[str, str]) -> None:
    before = rows_of(world)
    answer = call(world, program(world, "erin"), endpoint, slug="haiku")
    assert answer.status_code in {400, 404}
    assert rows_of(world) == before


def rows_of(world: World) -> list[Any]:
    """Every row of a few tables that some endpoint writes."""
    tables = (Assignment, Membership, Invitation, Task, Flag, Webhook, Delivery, Ranking, Run, Withdrawal)
    return [list(table.objects.order_by("pk").values()) for table in tables]


def test_who_has_left_may_no_more_with_the_token_they_had(world: World) -> None:
    alice = program(world, "alice")
    assert alice.ask("POST", "projects/helpful/next/").status_code == 200
    Membership.objects.filter(user=world.cast.alice).delete()
    assert alice.ask("POST", "projects/helpful/next/").status_code == 404
    world.cast.alice.is_active = False
    world.cast.alice.save()
    assert alice.ask("GET", "projects/").status_code == 401


def test_an_annotator_is_shown_no_source_no_setting_and_nothing_of_others(world: World) -> None:
    alice = program(world, "alice")
    answers = [
        alice.ask("GET", "projects/"),
        alice.ask("GET", "projects/helpful/"),
        alice.ask("POST", "projects/helpful/next/"),
        alice.ask("GET", "projects/helpful/assignments/"),
        alice.ask("GET", f"projects/helpful/assignments/{world.ids['assignment']}/"),
        alice.ask("GET", "projects/helpful/history/"),
        alice.ask("GET", "projects/helpful/progress/"),
    ]
    assert {answer.status_code for answer in answers} == {200}
    everything = " ".join(answer.content.decode() for answer in answers)
    for word in (SECRET, "carol", "gold", "purpose", str(world.ids["task"]), str(world.ids["completion"])):
        assert word not in everything, word
    assert "Answer a" in everything


def test_a_browsers_session_needs_the_csrf_token_to_change_anything(world: World) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(world.cast.carol)
    path = "/api/v1/projects/helpful/"
    assert browser.get(path).status_code == 200
    refused = browser.patch(path, {"name": "Taken"}, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    browser.get("/login/")
    browser.cookies["csrftoken"] = "a" * 32
    allowed = browser.patch(
        path, {"name": "Kept"}, content_type="application/json", headers={"X-CSRFToken": "a" * 32}
    )
    assert allowed.json()["name"] == "Kept"


def test_a_wrong_token_is_not_made_good_by_a_session(world: World) -> None:
    browser = Client()
    browser.force_login(world.cast.carol)
    assert browser.get("/api/v1/projects/", headers={"Authorization": "Bearer nonsense"}).status_code == 401


def test_every_endpoint_is_in_the_table() -> None:
    """By the addresses that there are, whatever the schema says of them."""
    names = {"id": "{id}", "number": "{number}"}
    of_rows = [*("prompt", "completion", "task", "assignment", "ranking", "rating", "demonstration", "run")]
    of_rows += ["webhook", "delivery", "invitation", "flag", "annotator", "withdrawal"]
    table = set()
    for method, path in ENDPOINTS:
        for name in of_rows:
            path = (
                path.replace(f"{{{name}}}", names["id"])
                .replace("{member}", "{username}")
                .replace("{snapshot}", "{digest}")
                .replace("{file}", "{name}")
            )
        table.add((method, path))
    assert set(mounted()) == table
    drawn = {
        (method.upper(), path.removeprefix("/api/v1/"))
        for path, operations in schema.document()["paths"].items()
        for method in operations
    }
    assert drawn == table


def mounted() -> Iterator[tuple[str, str]]:
    """Each method of each address below /api/v1/; the schema and its page have none of ours."""
    for pattern in urlpatterns_below(get_resolver("console.api.urls").url_patterns):
        view_class = getattr(pattern.callback, "view_class", None)
        address = re.sub(r"<\w+:(\w+)>", r"{\1}", str(pattern.pattern))
        if view_class is None or not issubclass(view_class, Endpoint):
            assert address in {"schema/", "docs/", ""}, address
            continue
        for method in ("get", "post", "put", "patch", "delete", "options", "trace"):
            if hasattr(view_class, method) and method in view_class.http_method_names:
                yield method.upper(), address


def urlpatterns_below(patterns: list[Any]) -> Iterator[Any]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            assert not str(pattern.pattern), "an address in two parts"
            yield from urlpatterns_below(pattern.url_patterns)
        else:
            yield pattern


def test_a_token_may_what_its_own_account_may(world: World) -> None:
    roles = {
        name: program(world, name).ask("GET", "projects/helpful/").json()
        for name in ("alice", "carol", "olivia")
    }
    assert {name: project["role"] for name, project in roles.items()} == {
        "alice": "annotator",
        "carol": "researcher",
        "olivia": "administrator",
    }
    assert roles["alice"]["settings"] is None
    assert roles["carol"]["settings"]["completions_per_task"] == 4
