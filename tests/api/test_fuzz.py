"""Every operation of the schema with what schemathesis makes of it: what the schema allows, and what it does not.

Nothing is answered by 500 or otherwise than the schema says, and nobody meets what is another project's. Of each
operation a few examples, always the same; ``python -m benchmarks.api_fuzz`` asks for as many as one likes, and for
others each time. What an example does is undone after it; runs are rows that nothing takes up.
"""

import copy
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import islice, pairwise
from typing import Any, NamedTuple

import hypothesis
import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from django.test import override_settings
from hypothesis import HealthCheck, Phase
from pytest_django import DjangoDbBlocker
from schemathesis import Case, GenerationMode
from schemathesis.config import (
    ChecksConfig,
    NotAServerErrorConfig,
    PositiveDataAcceptanceConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
    SimpleCheckConfig,
)
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.stateful import run_state_machine_as_test
from schemathesis.specs.openapi.checks import negative_data_rejection

from annotation import people
from annotation.collecting import queue
from annotation.models import Completion, Project, Prompt, Task
from console.api.schema import document
from tests.annotation.factories import put
from tests.api.world import make_world, token_of

pytestmark = [pytest.mark.django_db, pytest.mark.long]
# As many an operation, and others each time; without it a few, and always the same.
EXAMPLES = int(os.environ.get("CONCORD_FUZZ_EXAMPLES", "0"))
# Who asks: a researcher, an annotator (alice) or an administrator (olivia), each narrowed to the project.
WHO = os.environ.get("CONCORD_FUZZ_AS", "carol")
# Of the many cases at the bounds of the schema, every so many-th.
EVERY = 1 if EXAMPLES else 12
SETTINGS = hypothesis.settings(
    max_examples=EXAMPLES or 3,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    stateful_step_count=6,
)
STRANGER = "what only the other project holds"
CHECKS = ChecksConfig(
    # 503 is in the schema: no scorer runs here.
    not_a_server_error=NotAServerErrorConfig(expected_statuses=["2xx", "3xx", "4xx", "503"]),
    # A schema cannot say everything that must be so (which letters were shown, which fields a base's config has).
    positive_data_acceptance=PositiveDataAcceptanceConfig(enabled=False),
    # It calls every operation twice more; test_permissions.py asks each without a token and with a wrong one.
    ignored_auth=SimpleCheckConfig(enabled=False),
    # What is a researcher's is not there for an annotator, by any method.
    unsupported_method=SimpleCheckConfig(enabled=WHO != "alice"),
)
# What a step of an address is called in the world's ids, by the step before it.
NAMES = {
    "prompts": "prompt",
    "completions": "completion",
    "tasks": "task",
    "assignments": "assignment",
    "reviews": "demonstration",
    "flags": "flag",
    "gold": "task",
    "annotators": "annotator",
    "snapshots": "snapshot",
    "withdrawals": "withdrawal",
    "rankings": "ranking",
    "ratings": "rating",
    "demonstrations": "demonstration",
    "members": "member",
    "invitations": "invitation",
    "webhooks": "webhook",
    "deliveries": "delivery",
    "runs": "run",
    "files": "file",
    "reward-models": "number",
    "policies": "number",
}


class Fuzzed(NamedTuple):
    """The API, who asks it, and what there is by name: in their project, and in another one."""

    api: Any
    headers: dict[str, str]
    ids: dict[str, Any]
    strange: dict[str, Any]


@pytest.fixture(scope="module")
def fuzzed(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Fuzzed]:
    """A project, in which who asks has a task in hand, beside one that is nobody's of it."""
    with (
        django_db_blocker.unblock(),
        transaction.atomic(),
        override_settings(API_RATE=10**9),
        one_connection(),
    ):
        world = make_world()
        user = getattr(world.cast, WHO)
        in_hand = queue.claim(annotator=people.annotator_for(project=world.cast.project, user=user))
        assert in_hand is not None
        token = token_of(user, project=world.cast.project)
        yield Fuzzed(
            load(),
            {"Authorization": f"Bearer {token}"},
            {**world.ids, "assignment": in_hand.public_id},
            make_strange(world.cast.other),
        )
        transaction.set_rollback(True)


@contextmanager
def one_connection() -> Iterator[None]:
    """A request ends as those of Django's own test client do, with the connection open."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def make_strange(project: Project) -> dict[str, Any]:
    """A task of the other project."""
    completions = [{"text": f"{STRANGER}, {letter}"} for letter in "ab"]
    put(project, "completions", {"prompt": STRANGER, "completions": completions})
    return {
        "prompt": Prompt.objects.get(project=project).public_id,
        "completion": Completion.objects.filter(prompt__project=project).first().public_id,  # type: ignore[union-attr]
        "task": Task.objects.get(project=project).public_id,
    }


def load() -> Any:
    """The schema, bound to the application itself: nothing goes over a network."""
    config = SchemathesisConfig(seed=1, projects=ProjectsConfig(default=ProjectConfig(checks=CHECKS)))
    api = schemathesis.openapi.from_dict(copy.deepcopy(document()), config=config)
    api.app = WSGIHandler()
    return api


@cache
def operations() -> list[str]:
    return [f"{method.upper()} {path}" for path, methods in document()["paths"].items() for method in methods]


def places(path: str, ids: dict[str, Any]) -> dict[str, str]:
    """What stands in the address of something that is there."""
    named = {"slug": "helpful"} if "{slug}" in path else {}
    for before, step in pairwise(path.strip("/").split("/")):
        if step.startswith("{") and step != "{slug}":
            named[step[1:-1]] = str(ids[NAMES[before]])
    return named


def ask(fuzzed: Fuzzed, case: "Case[Any]") -> None:
    """Ask, and look at the answer in every way that schemathesis has."""
    with transaction.atomic():
        answer = case.call(headers=fuzzed.headers)
        check(fuzzed, case, answer)
        transaction.set_rollback(True)


def check(fuzzed: Fuzzed, case: "Case[Any]", answer: Any) -> None:
    assert STRANGER not in answer.text, case
    components = case.meta.components if case.meta is not None else {}
    body = components.get(ParameterLocation.BODY)
    # Of a body JSON's own types are read as widely as those of a form: 1 is a text, and 0 is false. What is wrong
    # with parameters is refused.
    lenient = body is not None and body.mode == GenerationMode.NEGATIVE
    case.validate_response(
        answer,
        excluded_checks=[negative_data_rejection] if lenient else [],
        headers=fuzzed.headers,
        transport_kwargs={"headers": fuzzed.headers},
    )


@pytest.mark.parametrize("label", operations())
def test_data_that_the_schema_allows_and_data_that_it_does_not(fuzzed: Fuzzed, label: str) -> None:
    operation = fuzzed.api.find_operation_by_label(label)
    there = places(operation.path, fuzzed.ids)
    for mode in GenerationMode:

        @SETTINGS
        @hypothesis.given(case=operation.as_strategy(mode, path_parameters=there))
        def send_case(case: "Case[Any]") -> None:
            ask(fuzzed, case)

        try:
            send_case()
        except hypothesis.errors.Unsatisfiable:
            # There is nothing that could be wrong with a request that takes nothing.
            assert mode == GenerationMode.NEGATIVE


@pytest.mark.parametrize("label", operations())
def test_the_bounds_of_what_the_schema_allows_and_methods_that_it_does_not(
    fuzzed: Fuzzed, label: str
) -> None:
    operation = fuzzed.api.find_operation_by_label(label)
    settings = fuzzed.api.config.generation_for(operation=operation, phase="coverage")
    cases = fuzzed.api.iter_coverage_cases(
        operation, generation_modes=list(GenerationMode), generation_config=settings
    )
    for case in islice(cases, hash_of(label) % EVERY, None, EVERY):
        path = case.meta.components.get(ParameterLocation.PATH)
        if path is not None and path.mode == GenerationMode.POSITIVE:
            case.path_parameters.update(places(operation.path, fuzzed.ids))
        ask(fuzzed, case)


def hash_of(label: str) -> int:
    """The same in every process."""
    return sum(label.encode())


@pytest.mark.parametrize(
    "label",
    [
        one
        for one in operations()
        if any(f"/{rows}/{{id}}/" in one for rows in ("prompts", "completions", "tasks"))
    ],
)
def test_what_is_another_projects_is_not_there(fuzzed: Fuzzed, label: str) -> None:
    operation = fuzzed.api.find_operation_by_label(label)
    there = places(operation.path, {**fuzzed.ids, **fuzzed.strange})

    @hypothesis.settings(SETTINGS, max_examples=1)
    @hypothesis.given(case=operation.as_strategy(path_parameters=there))
    def send_case(case: "Case[Any]") -> None:
        with transaction.atomic():
            assert case.call(headers=fuzzed.headers).status_code == 404
            transaction.set_rollback(True)

    send_case()


@pytest.mark.skipif(WHO == "alice", reason="Annotators change none of it")
@pytest.mark.parametrize("label", [one for one in operations() if one.startswith("PATCH ")])
def test_of_what_changes_in_part_a_request_may_change_nothing(fuzzed: Fuzzed, label: str) -> None:
    """The schema requires no field of such a body."""
    operation = fuzzed.api.find_operation_by_label(label)
    with transaction.atomic():
        case = operation.Case(
            path_parameters=places(operation.path, fuzzed.ids), body={}, media_type="application/json"
        )
        answer = case.call(headers=fuzzed.headers)
        assert answer.status_code == 200, answer.text
        transaction.set_rollback(True)


def test_one_request_after_another_with_what_the_one_before_answered(fuzzed: Fuzzed) -> None:
    class Program(fuzzed.api.as_state_machine()):  # type: ignore[misc]
        """Chains by the links that schemathesis reads off the schema: an id of an answer is asked for next."""

        def setup(self) -> None:
            self.undone = transaction.atomic()
            self.undone.__enter__()

        def teardown(self) -> None:
            transaction.set_rollback(True)
            self.undone.__exit__(None, None, None)

        def before_call(self, case: "Case[Any]") -> None:
            if "slug" in case.path_parameters:
                case.path_parameters["slug"] = "helpful"

        def get_call_kwargs(self, case: "Case[Any]") -> dict[str, Any]:
            return {"headers": fuzzed.headers}

        def validate_response(self, response: Any, case: "Case[Any]", **kwargs: Any) -> None:
            check(fuzzed, case, response)

    run_state_machine_as_test(Program, settings=hypothesis.settings(SETTINGS, max_examples=EXAMPLES or 8))
