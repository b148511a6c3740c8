"""Ratings, demonstrations with review, pairs with strength and webhooks through a program."""

from typing import Any

import pytest

from annotation.collecting import asking
from annotation.files import intake
from annotation.models import Annotator, Assignment, Demonstration, Ranking, Rating, Task, Webhook
from tests.annotation.factories import make_tasks, put
from tests.api.world import Program, World, make_world, program, wrong_with
from tests.worlds import once_a_module

pytestmark = pytest.mark.django_db
HELPFUL = "projects/helpful/"
AXES = [
    {"name": "helpful", "least": 1, "most": 5},
    {"name": "honest", "least": 1, "most": 5, "required": False},
]


def world_without_rankings() -> World:
    """Nothing to rank is left: what a test makes comes next."""
    world = make_world()
    Assignment.objects.all().delete()
    Ranking.objects.all().delete()
    Task.objects.all().delete()
    asking.change(
        project=world.cast.project,
        rating_axes=AXES,
        ask_strength=True,
        review_demonstrations=True,
        demonstration_least_characters=5,
    )
    return world


def take(who: Program) -> dict[str, Any]:
    answer = who.ask("POST", HELPFUL + "next/")
    assert answer.status_code == 200
    return dict(answer.json())


def send(who: Program, task: dict[str, Any], what: str, body: dict[str, Any], method: str = "POST") -> Any:
    return who.ask(method, HELPFUL + f"assignments/{task['id']}/{what}/", body)


_rows, world = once_a_module(world_without_rankings)


@pytest.fixture
def rated(world: World) -> World:
    intake.create_tasks(project=world.cast.project, kind="rate", prompts=1, completions=2)
    return world


def test_scores_by_letter_are_kept_as_a_draft_and_submitted(rated: World) -> None:
    alice = program(rated, "alice")
    task = take(alice)
    assert (task["kind"], [axis["name"] for axis in task["axes"]]) == ("rate", ["helpful", "honest"])
    some: dict[str, dict[str, int | None]] = {"A": {"helpful": 4, "honest": None}}
    assert send(alice, task, "draft", {"scores": some}, "PUT").json()["judgement"] == {"scores": some}
    scores: dict[str, dict[str, int | None]] = {**some, "B": {"helpful": 1, "honest": 5}}
    done = send(alice, task, "rate", {"scores": scores}).json()
    assert (done["status"], done["judgement"]) == ("submitted", {"scores": scores})
    texts = {one["letter"]: one["text"] for one in task["completions"]}
    stored = {(r.completion.text, r.axis): r.score for r in Rating.objects.filter(assignment__isnull=False)}
    assert stored == {
        (texts[letter], axis): score for letter, by_axis in scores.items() for axis, score in by_axis.items()
    }
    assert send(alice, task, "rate", {"scores": scores}).status_code == 200
    assert Rating.objects.filter(assignment__isnull=False).count() == 4


@pytest.mark.parametrize(
    "scores",
    [
        {},
        {"A": {"helpful": 4}},
        {"A": {"helpful": 4, "honest": 1}, "B": {"helpful": 9, "honest": 1}},
        {"A": {"helpful": None, "honest": 1}, "B": {"helpful": 1, "honest": 1}},
        {"A": {"kind": 4}},
        {"Z": {"helpful": 4}},
        {"A": 4},
    ],
)
def test_scores_that_are_not_whole_are_not_stored(rated: World, scores: Any) -> None:
    alice = program(rated, "alice")
    task = take(alice)
    assert send(alice, task, "rate", {"scores": scores}).status_code == 400
    assert not Rating.objects.filter(assignment__isnull=False).exists()
    assert Assignment.objects.get(public_id=task["id"]).status == "open"


def test_a_judgement_of_another_kind_is_refused(rated: World) -> None:
    alice = program(rated, "alice")
    task = take(alice)
    for what, body in (("submit", {"ranks": {"A": 1, "B": 2}}), ("write", {"text": "An answer."})):
        answer = send(alice, task, what, body)
        assert (answer.status_code, "another kind" in answer.json()["detail"]) == (400, True)


def test_an_answer_is_written_sent_back_and_accepted_with_edits(world: World) -> None:
    put(world.cast.project, "prompts", {"prompt": "What is rain?"})
    intake.create_tasks(project=world.cast.project, kind="demonstrate", prompts=1)
    alice, carol = program(world, "alice"), program(world, "carol")
    task = take(alice)
    assert (task["kind"], task["completions"]) == ("demonstrate", [])
    kept = send(alice, task, "draft", {"text": "Wat"}, "PUT").json()["judgement"]
    assert kept["text"] == "Wat"
    assert send(alice, task, "write", {"text": "Wat"}).json()["code"] == "bad_text"
    done = send(alice, task, "write", {"text": "Water that falls."}).json()
    assert (done["status"], done["judgement"]["text"]) == ("submitted", "Water that falls.")

    assert alice.ask("POST", HELPFUL + "reviews/next/").status_code == 204, "nobody reviews their own"
    to_review = carol.ask("POST", HELPFUL + "reviews/next/").json()
    assert (to_review["text"], to_review["review"]) == ("Water that falls.", "waiting")
    mine = alice.ask("POST", HELPFUL + f"reviews/{to_review['id']}/accept/")
    assert mine.status_code == 404
    edited = carol.ask(
        "POST", HELPFUL + f"reviews/{to_review['id']}/accept/", {"text": "Water that falls down."}
    )
    assert (edited.json()["review"], edited.json()["edited"]) == ("accepted", True)
    assert Demonstration.objects.accepted().filter(text="Water that falls down.").exists()
    rows = carol.rows(HELPFUL + "demonstrations/?current=true&review=accepted")
    assert "Water that falls down." in [row["text"] for row in rows]


def test_an_answer_is_sent_back_with_a_comment_alone(world: World) -> None:
    put(world.cast.project, "prompts", {"prompt": "What is rain?"})
    intake.create_tasks(project=world.cast.project, kind="demonstrate", prompts=1)
    alice, carol = program(world, "alice"), program(world, "carol")
    task = take(alice)
    mine, to_change = f"{HELPFUL}assignments/{task['id']}/", HELPFUL + "assignments/?sent_back=true"
    send(alice, task, "write", {"text": "Water that falls."})
    assert (alice.ask("GET", mine).json()["sent_back"], alice.rows(to_change)) == ("", [])
    to_review = carol.ask("POST", HELPFUL + "reviews/next/").json()
    path = HELPFUL + f"reviews/{to_review['id']}/send-back/"
    assert wrong_with(carol.ask("POST", path, {})) == ["#/comment"]
    assert carol.ask("POST", path, {"comment": "From where?"}).json()["review"] == "sent_back"
    assert Demonstration.objects.get(public_id=to_review["id"]).comment == "From where?"
    # Its author hears of it, and of why, until it is written anew.
    assert [row["id"] for row in alice.rows(to_change)] == [task["id"]]
    assert alice.ask("GET", mine).json()["sent_back"] == "From where?"
    assert send(alice, task, "revise", {"text": "Water that falls from clouds."}).json()["sent_back"] == ""
    assert alice.rows(to_change) == []


def test_a_pair_says_how_much_better_one_is(world: World) -> None:
    make_tasks(world.cast.project, 1, completions=2)
    alice = program(world, "alice")
    task = take(alice)
    tied = send(alice, task, "submit", {"ranks": {"A": 1, "B": 1}, "strength": 2})
    assert tied.json()["code"] == "bad_ranking"
    assert send(alice, task, "submit", {"ranks": {"A": 2, "B": 1}, "strength": 3}).status_code == 200
    assert Ranking.objects.get(annotator=Annotator.objects.get(user=world.cast.alice)).strength == 3


def test_a_webhooks_secret_is_in_the_answer_that_makes_it_alone(world: World) -> None:
    carol = program(world, "carol")
    body = {"url": "https://example.org/new", "events": ["task.completed"]}
    created = carol.ask("POST", HELPFUL + "webhooks/", body).json()
    hook = Webhook.objects.get(public_id=created["id"])
    assert created["secret"] == hook.secret
    turned = carol.ask("POST", HELPFUL + f"webhooks/{created['id']}/secret/").json()["secret"]
    hook.refresh_from_db()
    assert turned == hook.secret != created["secret"]
    for path in ("webhooks/", f"webhooks/{created['id']}/", "deliveries/"):
        assert "whsec_" not in carol.ask("GET", HELPFUL + path).content.decode()


@pytest.mark.parametrize(
    "body",
    [
        {"url": "http://example.org/", "events": ["run.ended"]},
        {"url": "https://example.org/", "events": []},
        {"url": "https://example.org/", "events": ["all"]},
        {"events": ["run.ended"]},
    ],
)
def test_a_webhook_that_could_not_work_is_refused(world: World, body: dict[str, Any]) -> None:
    before = Webhook.objects.count()
    assert program(world, "carol").ask("POST", HELPFUL + "webhooks/", body).status_code == 400
    assert Webhook.objects.count() == before


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254"])
def test_a_webhook_into_the_own_network_is_refused_where_it_is_written(
    world: World, settings: Any, host: str
) -> None:
    carol, inside = program(world, "carol"), {"url": f"https://{host}/"}
    for method, path, body in (
        ("POST", "webhooks/", inside | {"events": ["run.ended"]}),
        ("PATCH", f"webhooks/{world.ids['webhook']}/", inside),
    ):
        answer = carol.ask(method, HELPFUL + path, body)
        assert wrong_with(answer) == ["#/url"]
        assert "private network" in answer.json()["errors"][0]["detail"]
    assert not Webhook.objects.filter(url=inside["url"]).exists()
    settings.WEBHOOKS_PRIVATE = True
    hook = carol.ask("PATCH", f"{HELPFUL}webhooks/{world.ids['webhook']}/", inside)
    assert (hook.status_code, hook.json()["url"]) == (200, inside["url"])
    # One that was allowed once can still be paused.
    settings.WEBHOOKS_PRIVATE = False
    paused = carol.ask("PATCH", f"{HELPFUL}webhooks/{world.ids['webhook']}/", {"active": False})
    assert (paused.status_code, paused.json()["active"]) == (200, False)


def test_settings_of_the_kinds_are_changed_together_with_the_others(world: World) -> None:
    carol = program(world, "carol")
    body = {"settings": {"rating_axes": AXES[:1], "random_share": 0.25, "gold_every": 9}}
    settings = carol.ask("PATCH", HELPFUL, body).json()["settings"]
    assert [axis["name"] for axis in settings["rating_axes"]] == ["helpful"]
    assert (settings["random_share"], settings["gold_every"], settings["ask_strength"]) == (0.25, 9, True)
    bad = carol.ask("PATCH", HELPFUL, {"settings": {"gold_every": 3, "rating_axes": [{"name": "No!"}]}})
    assert bad.status_code == 400
    assert carol.ask("GET", HELPFUL).json()["settings"]["gold_every"] == 9


def test_tasks_of_other_kinds_are_made_of_prompts(world: World) -> None:
    carol = program(world, "carol")
    path = HELPFUL + "tasks/make/"
    assert carol.ask("POST", path, {"kind": "rate", "prompts": 2, "completions": 2}).json() == {"tasks": 2}
    assert carol.ask("POST", path, {"kind": "rank", "prompts": 2}).status_code == 400
    assert [len(row["completions"]) for row in carol.rows(HELPFUL + "tasks/?kind=rate")] == [2, 2]
    assert take(program(world, "alice"))["kind"] == "rate"


def test_quality_tells_what_its_page_shows(world: World) -> None:
    project = world.cast.project
    project.annotators_per_task = 2
    project.save()
    make_tasks(project, 3, completions=3)
    for name in ("alice", "carol"):
        who = program(world, name)
        for _ in range(3):
            task = take(who)
            by_text = {one["letter"]: int(one["text"].split()[-1]) + 1 for one in task["completions"]}
            assert send(who, task, "submit", {"ranks": by_text, "active_seconds": 0}).status_code == 200
    quality = program(world, "carol").ask("GET", HELPFUL + "quality/").json()
    assert (quality["tasks"], quality["counts"]["rankings"], quality["uncounted"]) == (3, 6.0, 0)
    assert quality["figures"]["pairwise_agreement"]["value"] == 1.0
    assert sorted(one["counts"]["rankings"] for one in quality["annotators"]) == [3.0, 3.0]
    assert [pair["tasks"] for pair in quality["pairs"]] == [3]
    assert len(quality["weeks"]) == 1
