"""Lists: every row once, however many are added meanwhile; and filters by named parameters alone."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation.collecting import queue, ranking
from annotation.files import transfers
from annotation.models import Assignment, Prompt, Ranking
from console.api.schema import document
from runs.models import RunAnswer, RunMetric
from tests.annotation.factories import make_annotator, make_project, make_tasks, put
from tests.api.world import Program, World, make_world, program, token_of, wrong_with

pytestmark = [pytest.mark.django_db, pytest.mark.long]


@pytest.fixture
def world() -> World:
    return make_world()


def test_a_walk_over_the_pages_gives_every_row_once_though_rows_are_added(world: World) -> None:
    carol = program(world, "carol")
    put(world.cast.project, "prompts", *({"prompt": f"More {number}"} for number in range(20)))
    there = [str(one) for one in Prompt.objects.order_by("id").values_list("public_id", flat=True)]
    page = carol.ask("GET", "projects/helpful/prompts/?page_size=7").json()
    put(world.cast.project, "prompts", {"prompt": "Added meanwhile"})
    ids = [row["id"] for row in page["results"]]
    assert len(ids) == 7
    while page["next"]:
        page = carol.ask("GET", page["next"]).json()
        ids += [row["id"] for row in page["results"]]
    assert ids[: len(there)] == there
    assert len(ids) == len(there) + 1
    # And back again from the last page.
    assert carol.ask("GET", page["previous"]).json()["results"][-1]["id"] == ids[-1 - len(page["results"])]


def test_metrics_are_read_since_a_step(world: World) -> None:
    run = transfers.request_export(project=world.cast.project, kind="pairs")
    RunMetric.objects.bulk_create(
        RunMetric(run=run, step=step, figures={"loss": 1 / step}) for step in (1, 2, 5)
    )
    carol, address = program(world, "carol"), f"projects/helpful/runs/{run.pk}/metrics/"
    for since, steps in (("", [1, 2, 5]), ("?since=2", [5]), ("?since=5", []), ("?since=99999999999999", [])):
        assert [row["step"] for row in carol.ask("GET", address + since).json()["results"]] == steps
    assert carol.ask("GET", address + "?since=soon").status_code == 400


def test_watched_answers_are_read_since_a_step(world: World) -> None:
    run, other = (transfers.request_export(project=world.cast.project, kind="pairs") for _ in range(2))
    prompt = uuid4()
    RunAnswer.objects.bulk_create(
        RunAnswer(run=of, step=step, prompt_id=prompt, answer=f"After {step}", reward=reward)
        for of, step, reward in ((run, 0, 0.5), (other, 1, 0.5), (run, 2, None))
    )
    carol, address = program(world, "carol"), f"projects/helpful/runs/{run.pk}/answers/"
    first, last = (
        {"step": step, "prompt_id": str(prompt), "answer": f"After {step}", "reward": reward}
        for step, reward in ((0, 0.5), (2, None))
    )
    for since, rows in (("", [first, last]), ("?since=0", [last]), ("?since=2", [])):
        assert carol.ask("GET", address + since).json()["results"] == rows
    assert carol.ask("GET", "projects/helpful/runs/0/answers/").status_code == 404


def test_a_page_holds_two_hundred_rows_at_most(world: World) -> None:
    put(world.cast.project, "prompts", *({"prompt": f"More {number}"} for number in range(210)))
    page = program(world, "carol").ask("GET", "projects/helpful/prompts/?page_size=100000").json()
    assert len(page["results"]) == 200


@pytest.mark.parametrize(
    "query",
    [
        "user__password__startswith=a",
        "project__slug=haiku",
        "ordering=password",
        "annotator__user__email=x",
        "id=1",
        "format=api",
    ],
)
def test_no_parameter_but_the_named_ones_is_taken(world: World, query: str) -> None:
    # CVE-2023-47117: a lookup of the ORM that the client names.
    carol = program(world, "carol")
    for path in ("rankings/", "tasks/", "prompts/", "annotators/", "runs/"):
        answer = carol.ask("GET", f"projects/helpful/{path}?{query}")
        assert wrong_with(answer) == [query.partition("=")[0]], path


@pytest.mark.parametrize(
    "query", ["task=1", "current=maybe", "verdict=good", "annotator=%00", "task=", "order="]
)
def test_a_filters_value_must_be_what_it_may_be(world: World, query: str) -> None:
    answer = program(world, "carol").ask("GET", f"projects/helpful/rankings/?{query}")
    assert wrong_with(answer) == [query.partition("=")[0]]


def test_filters_keep_the_rows_that_they_name(world: World) -> None:
    carol = program(world, "carol")
    project = "projects/helpful/"
    assert len(carol.rows(project + "prompts/?split=test")) == 3
    assert len(carol.rows(project + "prompts/?split=train&form=text")) == 1
    assert carol.rows(project + "prompts/?form=chat") == []
    (ranked,) = carol.rows(project + "rankings/?current=true")
    assert carol.rows(project + "rankings/?current=false") == []
    assert carol.rows(project + f"rankings/?task={ranked['task']}&verdict=ranked") == [ranked]
    (task,) = carol.rows(project + "tasks/?state=complete")
    assert task["id"] == ranked["task"]
    assert len(carol.rows(project + "tasks/?state=incomplete")) == 3
    # Three of the task, and the one that came under a rating without a source.
    assert len(carol.rows(project + f"completions/?prompt={task['prompt']}")) == 4
    # Alice, Carol, and whoever made the rating that names nobody.
    assert len(carol.rows(project + "annotators/?simulated=false")) == 3


def test_a_ranking_reads_as_it_was_made(world: World) -> None:
    stored = Ranking.objects.get()
    row = program(world, "carol").ask("GET", f"projects/helpful/rankings/{stored.public_id}/").json()
    places = stored.task.entries.order_by("position").values_list("completion__public_id", flat=True)
    # make_world ranks the completions in the order of their places.
    assert (row["tiers"], row["completions"]) == ([1, 2, 3], [str(one) for one in places])
    assert (row["verdict"], row["rationale"], row["current"], row["supersedes"]) == (
        "ranked",
        "carol's reason",
        True,
        None,
    )
    assert sorted(row["order_shown"]) == [0, 1, 2]


def test_a_task_shows_each_of_its_slots() -> None:
    project = make_project(annotators_per_task=3)
    (task,) = make_tasks(project, 1, completions=2)
    first, second = make_annotator(project), make_annotator(project)
    taken = queue.claim(annotator=first)
    assert taken is not None
    ranking.submit(assignment=taken, annotator=first, verdict="ranked", ranks=[1, 2])
    assert queue.claim(annotator=second) is not None
    admin = Program(token_of(User.objects.create_superuser("root")))
    row = admin.ask("GET", f"projects/{project.slug}/tasks/{task.public_id}/").json()
    states = sorted((slot["state"], slot["annotator"]) for slot in row["slots"] if slot["annotator"])
    assert states == [("open", str(second.public_id)), ("submitted", str(first.public_id))]
    assert [slot["state"] for slot in row["slots"]].count("free") == 1
    assert row["complete"] is False
    assert Assignment.objects.count() == 2


def test_a_list_takes_as_many_queries_for_many_rows_as_for_few(world: World) -> None:
    carol = program(world, "carol")
    make_tasks(world.cast.project, 30, completions=4)
    carol.ask("GET", "projects/helpful/")  # the first use of a token is noted
    counts = []
    for size in (2, 30):
        for path in ("tasks/", "completions/", "rankings/", "prompts/"):
            with CaptureQueriesContext(connection) as caught:
                carol.ask("GET", f"projects/helpful/{path}?page_size={size}")
            counts.append(len(caught))
    assert counts[:4] == counts[4:]


def lists() -> list[str]:
    """The paths of all lists of the schema that a researcher may read, for the project helpful."""
    return [
        path.removeprefix("/api/v1/").replace("{slug}", "helpful").replace("{number}", "1")
        for path, operations in document()["paths"].items()
        if any(one["name"] == "fields" for one in operations.get("get", {}).get("parameters", ()))
        and "{id}" not in path
        and "assignments" not in path  # an annotator's own
    ]


def test_rows_have_the_fields_that_are_asked_for_and_a_type_of_their_own(world: World) -> None:
    carol = program(world, "carol")
    put(world.cast.project, "prompts", *({"prompt": f"More {number}"} for number in range(5)))
    whole = carol.ask("GET", "projects/helpful/prompts/?page_size=4")
    sparse = carol.ask("GET", "projects/helpful/prompts/?page_size=4&fields=split,id")
    assert (whole["Content-Type"], sparse["Content-Type"]) == (
        "application/json",
        "application/vnd.concord.sparse+json",
    )
    expected = [{"id": row["id"], "split": row["split"]} for row in whole.json()["results"]]
    assert sparse.json()["results"] == expected
    following = carol.ask("GET", sparse.json()["next"]).json()["results"]
    assert following
    assert {tuple(sorted(row)) for row in following} == {("id", "split")}
    assert (
        carol.ask("GET", whole.json()["next"]).json()["results"][0].keys()
        == whole.json()["results"][0].keys()
    )


def test_every_list_can_be_asked_for_some_fields_and_names_those_that_there_are(world: World) -> None:
    carol = program(world, "carol")
    assert len(lists()) > 12
    for path in lists():
        refused = carol.ask("GET", f"{path}?fields=id,password")
        assert wrong_with(refused) == ["fields"], path
        names = refused.json()["errors"][0]["detail"].partition("there are ")[2].rstrip(".").split(", ")
        for row in carol.ask("GET", path).json()["results"]:
            assert set(row) == set(names), path
        for row in carol.ask("GET", f"{path}?fields={names[-1]}").json()["results"]:
            assert list(row) == [names[-1]], path
