"""The schema is valid, says what the views do, and a client that is generated from it works."""

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

import openapi_spec_validator
import pytest
from django.conf import settings
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema

from annotation.models import Ranking
from console.api import meanings, schema
from tests.api.world import make_world, token_of


@pytest.fixture(scope="module")
def drawn() -> dict[str, Any]:
    schema.document.cache_clear()
    GENERATOR_STATS.reset()
    with redirect_stderr(StringIO()) as warnings:
        document = schema.document()
        GENERATOR_STATS.emit_summary()
    assert warnings.getvalue() == ""
    return document


def test_it_is_drawn_without_a_warning_and_valid(drawn: dict[str, Any]) -> None:
    validate_schema(drawn)  # type: ignore[no-untyped-call]
    openapi_spec_validator.validate(drawn)
    assert drawn["openapi"].startswith("3.1")


KEEP_NOTHING = ("/api/v1/score/", "/api/v1/generate/", "/api/v1/projects/{slug}/imports/look/")


def test_every_operation_says_what_it_does_its_scope_and_its_errors(drawn: dict[str, Any]) -> None:
    for path, operations in drawn["paths"].items():
        for method, operation in operations.items():
            assert len(operation["summary"]) >= 8, (method, path)
            assert "\n\nScope: `" in operation["description"], (method, path)
            assert {"400", "401", "403", "404", "429"} <= set(operation["responses"])
            keyed = "Idempotency-Key" in [one["name"] for one in operation.get("parameters", ())]
            assert keyed == (method == "post" and path not in KEEP_NOTHING)
            assert operation["security"]
            answers = [
                one for status, one in operation["responses"].items() if status in ("200", "201", "202")
            ]
            assert all(("Idempotency-Replayed" in one.get("headers", {})) == keyed for one in answers), path
    for status, header in {"401": "WWW-Authenticate", "429": "Retry-After", "503": "Retry-After"}.items():
        assert drawn["components"]["responses"][f"Problem{status}"]["headers"][header]["required"]


def test_a_body_holds_what_is_named_and_an_answer_may_come_to_hold_more(drawn: dict[str, Any]) -> None:
    shapes = {name: one for name, one in drawn["components"]["schemas"].items() if "properties" in one}
    bodies = {name: one for name, one in shapes.items() if name.endswith("Request")}
    assert {"NewTaskRequest", "NewCompletionRequest", "MessageRequest", "DraftRequest"} < set(bodies)
    assert all(one.get("additionalProperties") is False for one in bodies.values())
    assert not any("additionalProperties" in one for name, one in shapes.items() if name not in bodies)


def test_every_field_and_parameter_says_what_it_is_for(drawn: dict[str, Any]) -> None:
    shapes = {
        name: one
        for name, one in drawn["components"]["schemas"].items()
        if "properties" in one and not name.startswith("Paginated")
    }
    fields = {
        (name, field): one for name, shape in shapes.items() for field, one in shape["properties"].items()
    }
    assert [place for place, one in fields.items() if not one.get("description")] == []
    # What names the field alone says nothing of it.
    words = {"the", "a", "an", "its", "name", "id"}
    trivial = [
        place
        for place, one in fields.items()
        if set(re.findall("[a-z]+", one["description"].lower())) <= words | set(place[1].split("_"))
    ]
    assert trivial == []
    parameters = [
        (method, path, one)
        for path, operations in drawn["paths"].items()
        for method, operation in operations.items()
        for one in operation.get("parameters", ())
    ]
    assert [
        (method, path, one["name"]) for method, path, one in parameters if not one.get("description")
    ] == []


def test_each_meaning_is_of_a_field(drawn: dict[str, Any]) -> None:
    """What is written of a field that there is not any more, or that its serializer explains, is read by nobody."""
    written = {
        (name, field): one.get("description")
        for name, shape in drawn["components"]["schemas"].items()
        for field, one in shape.get("properties", {}).items()
    }
    for name, meaning in meanings.FIELDS.items():
        places = [place for place in written if name in (f"{place[0]}.{place[1]}", place[1])]
        assert any(written[place] == meaning for place in places), name


@pytest.mark.django_db
def test_it_is_served_to_everybody(drawn: dict[str, Any]) -> None:
    assert json.loads(Client().get("/api/v1/schema/").content) == drawn


@pytest.mark.django_db
def test_the_page_shows_every_operation_and_shape(drawn: dict[str, Any]) -> None:
    page = Client().get("/api/v1/docs/").content.decode()
    for operations in drawn["paths"].values():
        for operation in operations.values():
            assert f'id="{operation["operationId"]}"' in page
    for name in drawn["components"]["schemas"]:
        if not name.startswith("Paginated"):
            assert f'id="{name}"' in page
    assert "<script>" not in page
    assert "style=" not in page


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, drawn: dict[str, Any]) -> Iterator[Any]:
    """The client that docs/api.md tells to generate."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "schema.json").write_text(json.dumps(drawn))
    generator = Path(sys.executable).with_name("openapi-python-client")
    config = Path(settings.BASE_DIR) / "docs" / "openapi-client.yaml"
    command = [str(generator), "generate", "--path", "schema.json", "--config", str(config), "--meta", "none"]
    done = subprocess.run(
        [*command, "--output-path", "generated_client", "--fail-on-warning"],
        cwd=folder,
        env={**os.environ, "PATH": f"{generator.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    yield importlib.import_module("generated_client")
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.startswith("generated_client")]:
        del sys.modules[name]


def operation(name: str) -> Any:
    return importlib.import_module(f"generated_client.api.{name}")


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_a_generated_client_judges_a_task_on_a_live_server(client: Any, live_server: Any) -> None:
    world = make_world()
    models = importlib.import_module("generated_client.models")
    with client.AuthenticatedClient(base_url=live_server.url, token=token_of(world.cast.alice)) as alice:
        task = operation("judging.projects_next_create").sync("helpful", client=alice)
        assert [message.content for message in task.prompt] == ["Question 1"]
        ranks = models.JudgementRequestRanks.from_dict({one.letter: 1 for one in task.completions})
        done = operation("judging.projects_assignments_submit_create").sync(
            "helpful", task.id, client=alice, body=models.JudgementRequest(ranks=ranks)
        )
        assert done.status == models.AssignmentStatus.SUBMITTED
    assert Ranking.objects.get(assignment__public_id=task.id).tiers == [1, 1, 1]
    with client.AuthenticatedClient(base_url=live_server.url, token=token_of(world.cast.carol)) as carol:
        page = operation("judgements.projects_rankings_list").sync("helpful", client=carol, page_size=1)
        assert (len(page.results), page.results[0].tiers) == (1, [1, 2, 3])
        assert page.next_ is not None
        refused = operation("projects.projects_retrieve").sync("haiku", client=carol)
        assert refused.code == "not_found"
