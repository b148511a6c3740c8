"""The examples of the schema: valid by it, shown on its page, and taken and answered as they say."""

import html
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from openapi_schema_validator import OAS31Validator, oas31_format_checker

from annotation import people
from annotation.collecting import asking, flags, queue, ranking
from annotation.files import intake
from annotation.models import Annotator, Flag, Project, Task
from console.api import examples, schema
from rewardmodel import activation
from rewardmodel.models import Fit, RewardModelVersion
from runs.models import Run
from tests.annotation.factories import make_tasks, put
from tests.api.test_kinds import AXES, take, world_without_rankings
from tests.api.world import Program, World, program, token_of
from tests.worlds import once_a_module

pytestmark = [pytest.mark.django_db, pytest.mark.long]
PREFIX = "/api/v1/"
FILES = {
    "completions.jsonl": b'{"prompt": "Why?", "completions": [{"text": "a"}, {"text": "b"}]}\n',
    "answers.csv": b"question,answer\nWhy?,Because.\n",
}
# What was said before it is changed, by kind of task.
EARLIER: dict[str, tuple[str, dict[str, Any]]] = {
    "rank": ("submit", {"ranks": {"A": 1, "B": 2}}),
    "rate": ("rate", {"scores": {letter: {"helpful": 1, "honest": 1} for letter in "AB"}}),
    "demonstrate": ("write", {"text": "Air it is."}),
}
# Nothing answers here: that a request was understood is seen from its being passed on.
ASKS_THE_SCORER = {"score/", "generate/"}


def make_prepared() -> World:
    """What every example finds: two versions of each kind, the first reward model active, axes, reviews."""
    prepared = world_without_rankings()
    project = prepared.cast.project
    asking.change(
        project=project,
        rating_axes=AXES,
        ask_strength=True,
        review_demonstrations=True,
        demonstration_least_characters=5,
    )
    first = RewardModelVersion.objects.get()
    second = Fit.objects.create(run=Run.objects.create(kind="fit_reward_model"), project=project)
    RewardModelVersion.objects.create(
        project=project, number=2, fit=second, artifact=first.artifact, report={}
    )
    activation.activate(version=first, why="")
    # Some that are there yet.
    (task,) = make_tasks(project, 1)
    Task.objects.filter(pk=task.pk).update(public_id=examples.TASK_ID)
    prepared.ids["task"] = examples.TASK_ID
    carol = people.annotator_for(project=project, user=prepared.cast.carol)
    Annotator.objects.filter(pk=carol.pk).update(public_id=examples.ANNOTATOR_ID)
    flags.flag_tasks(tasks=Task.objects.filter(pk=task.pk), by=carol, category="broken")
    prepared.ids["flag"] = Flag.objects.get().pk
    return prepared


_rows, world = once_a_module(make_prepared)
SENT = [
    pytest.param(endpoint, one, id=f"{' '.join(endpoint)} {one.name}")
    for endpoint, several in examples.EXCHANGES.items()
    for one in several
    if one.sends is not None
]


def operations() -> Iterator[tuple[str, str, Any]]:
    """Method, address below /api/v1/ and what the schema says of it."""
    for path, methods in schema.document()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path.removeprefix(PREFIX), operation


def bodies(operation: Any) -> Iterator[tuple[Any, list[Any]]]:
    """Of each body that goes in or comes out: its schema, and the examples of it."""
    responses = [one for one in operation["responses"].values() if "$ref" not in one]
    for holder in (operation.get("requestBody", {}), *responses):
        for content in holder.get("content", {}).values():
            yield content["schema"], [one["value"] for one in content.get("examples", {}).values()]


def validate(value: Any, shape: Any) -> None:
    """Raises AssertionError; a field that the shape does not name is wrong too."""
    components = schema.document()["components"]
    whole = {"components": components, **shape, "unevaluatedProperties": False}
    wrong = OAS31Validator(whole, format_checker=oas31_format_checker).iter_errors(value)
    assert [f"{one.json_path}: {one.message}" for one in wrong] == [], value


def test_every_example_is_what_its_schema_says() -> None:
    seen = 0
    for _, _, operation in operations():
        for shape, values in bodies(operation):
            for value in values:
                validate(value, shape)
                seen += 1
    for response in schema.document()["components"]["responses"].values():
        (content,) = response["content"].values()
        validate(content["example"], content["schema"])
    # An example of an operation that is not there would be seen nowhere.
    exchanges = [one for several in examples.EXCHANGES.values() for one in several]
    assert seen == sum((one.sends is not None) + (one.gives is not None) for one in exchanges)


@pytest.mark.parametrize("wrong", [{"verdict": "nice"}, {"ranks": {"A": "first"}}, {"rank": {}}])
def test_an_example_that_is_not_what_its_schema_says_is_seen(wrong: Any) -> None:
    with pytest.raises(AssertionError):
        validate(wrong, {"$ref": "#/components/schemas/JudgementRequest"})


def test_everything_that_may_be_sent_has_an_example() -> None:
    lacking = [
        f"{method} {address}"
        for method, address, operation in operations()
        for content in operation.get("requestBody", {}).get("content", {}).values()
        if not content.get("examples")
    ]
    assert lacking == []


def test_the_page_shows_every_example() -> None:
    page = html.unescape(Client().get("/api/v1/docs/").content.decode())
    assert "export CONCORD=http://testserver/api/v1 TOKEN=" in page
    assert '"$CONCORD/projects/{slug}/tasks/"' in page
    for _, _, operation in operations():
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            for name, one in content["examples"].items():
                assert f"Example: {one.get('summary', name)}<" in page
                if kind == "application/json":
                    assert f"-d '{json.dumps(one['value'])}'" in page
        for response in operation["responses"].values():
            for one in response.get("content", {}).get("application/json", {}).get("examples", {}).values():
                assert json.dumps(one["value"], indent=2) in page


@pytest.mark.parametrize(("endpoint", "exchange"), SENT)
def test_each_is_taken_and_answered_as_it_says(
    world: World, endpoint: tuple[str, str], exchange: examples.Exchange
) -> None:
    method, address = endpoint
    who, where = prepare(world, address, exchange.sends)
    body = dict(exchange.sends)
    if "file" in body:
        name = body.pop("file")
        answer = who.ask(method, where, body, file=SimpleUploadedFile(name, FILES[name]))
    else:
        answer = who.ask(method, where, body)
    expected = 503 if address in ASKS_THE_SCORER else exchange.status
    assert answer.status_code == expected, answer.content
    if exchange.gives is not None and expected == exchange.status:
        answered = answer.json()
        assert answered.keys() == exchange.gives.keys()
        for name in ("kind", "queue", "status", "review", "judgement", "settings", "active"):
            if name in exchange.gives and not address.endswith("runs/{id}/"):
                assert same(answered[name], exchange.gives[name]), name


def same(answered: Any, example: Any) -> bool:
    """Of settings, those that were prepared differ: their names are looked at."""
    if isinstance(example, dict) and "rating_axes" in example:
        return bool(answered.keys() == example.keys())
    return bool(answered == example)


def prepare(world: World, address: str, sends: Any) -> tuple[Program, str]:
    """Who asks, and the address with what stands in it."""
    project = world.cast.project
    named = {"slug": project.slug, "number": 1, "username": world.ids["member"]}
    if address == "projects/":
        Project.objects.filter(pk=project.pk).update(slug="another")
        return program(world, "olivia"), address
    if "assignments/" in address:
        make_task_for(world, sends)
        alice = program(world, "alice")
        task = take(alice)
        if address.endswith("revise/"):
            what, earlier = EARLIER[task["kind"]]
            done = alice.ask("POST", f"projects/helpful/assignments/{task['id']}/{what}/", earlier)
            assert done.status_code == 200
        return alice, address.format(**named, id=task["id"])
    if "reviews/" in address:
        make_task_for(world, {"text": ""})
        alice, carol = program(world, "alice"), program(world, "carol")
        alice.ask("POST", f"projects/helpful/assignments/{take(alice)['id']}/write/", {"text": "Air it is."})
        answer = carol.ask("POST", "projects/helpful/reviews/next/").json()
        return carol, address.format(**named, id=answer["id"])
    ids = {"tasks": "task", "webhooks": "webhook", "flags": "flag", "runs": "run"}
    if address.endswith("gold/"):
        judge(world, [1, 2, 3])
    if address.endswith("decide/"):
        make_task_for(world, {"ranks": "AB"})
        return program(world, "carol"), address.format(**named, id=Task.objects.get().public_id)
    if "annotators/" in address:
        standing = "paused" if address.endswith("resume/") else "fine"
        Annotator.objects.filter(public_id=examples.ANNOTATOR_ID).update(standing=standing)
        return program(world, "carol"), address.format(**named, id=examples.ANNOTATOR_ID)
    if address.endswith("simulate/"):
        Project.objects.filter(pk=project.pk).update(is_demo=True)
    kept = [world.ids[name] for rows, name in ids.items() if f"/{rows}/{{id}}" in address]
    return program(world, "carol"), address.format(**named, id=kept[0] if kept else None)


def judge(world: World, ranks: list[int]) -> None:
    """Carol ranks the task that is there."""
    carol = Annotator.objects.get(public_id=examples.ANNOTATOR_ID)
    taken = queue.claim(annotator=carol)
    assert taken is not None
    ranking.submit(assignment=taken, annotator=carol, verdict="ranked", ranks=ranks)


def make_task_for(world: World, sends: Any) -> None:
    """The one task that is there asks for what is sent."""
    project = world.cast.project
    Task.objects.all().delete()
    if "text" in sends:
        put(project, "prompts", {"prompt": "Why is the sky blue?"})
        intake.create_tasks(project=project, kind=Task.Kind.DEMONSTRATE, prompts=1)
    elif "scores" in sends:
        intake.create_tasks(project=project, kind=Task.Kind.RATE, prompts=1, completions=2)
    else:
        make_tasks(project, 1, completions=max(2, len(sends.get("ranks", ()))))


def test_the_examples_of_errors_are_what_is_answered(world: World) -> None:
    carol, alice = program(world, "carol"), program(world, "alice")
    make_task_for(world, {})
    assignment = f"projects/helpful/assignments/{take(alice)['id']}/"
    alice.ask("POST", assignment + "release/")
    tasks, prompts = "projects/helpful/tasks/", "projects/helpful/prompts/"
    carol.ask("POST", prompts, {"prompt": "Why?"}, key="once")
    browser, path = Client(), PREFIX + "projects/helpful/"
    answers = [
        carol.ask("POST", tasks, {"prompt": "Why?", "completions": [{"text": "a"}, {"source": "b"}]}),
        Program("concord_nonsense").ask("GET", "projects/helpful/"),
        Program(token_of(world.cast.carol, "read")).ask("POST", prompts, {"prompt": "Why?"}),
        carol.ask("GET", "projects/nothing/"),
        browser.get(path, headers={**carol.headers, "Accept": "text/html"}),
        alice.ask("POST", assignment + "skip/", {"reason": "hard"}),
        browser.patch(
            path, {}, content_type="application/json", headers={**carol.headers, "If-Match": '"a"'}
        ),
        browser.patch(path, "a", content_type="text/plain", headers=carol.headers),
        carol.ask("POST", prompts, {"prompt": "Where?"}, key="once"),
        carol.ask("POST", "generate/", {"project": "helpful", "prompts": ["Why?"]}),
    ]
    problems = examples.problems()
    assert [one.json() for one in answers] == [problems[str(one.status_code)] for one in answers]
    # What is asked too often, and what is too large, have tests of their own.
    assert problems.keys() - {str(one.status_code) for one in answers} == {"413", "429"}
    assert problems.keys() == schema.ERRORS.keys()
