"""What a program writes: projects, prompts, tasks, files; by the same functions as pages and commands."""

import gzip
import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from annotation.models import Completion, Project, Prompt, Slot, Task, Transfer
from rltrainer.models import Evaluation, Sampling, Training
from runs.models import Run
from tests.annotation.factories import out
from tests.api.world import SECRET, World, program, wrong_with

pytestmark = pytest.mark.django_db
HELPFUL = "projects/helpful/"


def test_other_guidelines_are_their_next_version_and_settings_reach_the_project(world: World) -> None:
    carol = program(world, "carol")
    changed = carol.ask("PATCH", HELPFUL, {"guidelines": "Be brief."}).json()
    assert changed["guideline_version"] == 2
    again = carol.ask("PATCH", HELPFUL, {"guidelines": "Be brief.", "name": "Brief"}).json()
    assert (again["guideline_version"], again["name"]) == (2, "Brief")
    settings = {"annotators_per_task": 3, "gold_every": 10, "least_gold_score": 0.6}
    assert carol.ask("PATCH", HELPFUL, {"settings": settings}).status_code == 200
    project = Project.objects.get(slug="helpful")
    assert (project.annotators_per_task, project.gold_every, project.least_gold_score) == (3, 10, 0.6)
    assert (project.completions_per_task, project.guidelines) == (4, "Be brief.")


@pytest.mark.parametrize(
    "settings",
    [{"completions_per_task": 10}, {"annotators_per_task": 0}, {"gold_every": -1}, {"least_gold_score": 2}],
)
def test_a_setting_out_of_range_changes_nothing(world: World, settings: dict[str, float]) -> None:
    answer = program(world, "carol").ask("PATCH", HELPFUL, {"name": "Taken", "settings": settings})
    assert answer.status_code == 400
    assert Project.objects.get(slug="helpful").name == "Helpful answers"


def test_what_is_not_to_be_set_is_not_set(world: World) -> None:
    # Mass assignment: fields of the row that no serializer names.
    body = {"is_demo": True, "slug": "taken", "guideline_version": 9, "settings": {"is_demo": True}}
    assert program(world, "carol").ask("PATCH", HELPFUL, body).status_code == 400
    project = Project.objects.get(slug="helpful")
    assert (project.is_demo, project.guideline_version) == (False, 1)


def test_a_prompt_is_added_once(world: World) -> None:
    carol = program(world, "carol")
    body = {
        "prompt": [{"role": "user", "content": "Hello?"}],
        "id": "mine-1",
        "split": "test",
        "metadata": {"a": 1},
    }
    first, second = (carol.ask("POST", HELPFUL + "prompts/", body) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    stored = Prompt.objects.get(external_id="mine-1")
    assert (stored.form, stored.split, stored.metadata, stored.sampled) == ("chat", "test", {"a": 1}, True)


def test_a_task_of_new_completions_gets_its_slots_and_priority(world: World) -> None:
    Project.objects.filter(slug="helpful").update(annotators_per_task=2)
    body = {
        "prompt": "New?",
        "completions": [{"text": "yes", "source": "me"}, {"text": "no", "sampling": {"temperature": 0.7}}],
        "priority": 5,
    }
    carol = program(world, "carol")
    answer = carol.ask("POST", HELPFUL + "tasks/", body)
    assert answer.status_code == 201
    task = Task.objects.get(public_id=answer.json()["id"])
    assert list(Slot.objects.filter(task=task).values_list("priority", flat=True)) == [5, 5]
    texts = [str(one) for one in task.entries.order_by("position").values_list("completion__text", flat=True)]
    assert texts == ["yes", "no"]
    assert carol.ask("POST", HELPFUL + "tasks/", body).status_code == 200
    assert Task.objects.filter(prompt=task.prompt).count() == 1


def test_a_task_of_stored_completions_makes_no_other_completions(world: World) -> None:
    carol = program(world, "carol")
    prompt = Prompt.objects.get(messages__0__content="Question 2")
    stored = Completion.objects.filter(prompt=prompt).order_by("id")
    ids = [str(one.public_id) for one in stored]
    before = Completion.objects.count()
    answer = carol.ask("POST", HELPFUL + "tasks/", {"completion_ids": ids[:2], "priority": -1})
    assert (answer.status_code, answer.json()["completions"], answer.json()["priority"]) == (201, ids[:2], -1)
    assert Completion.objects.count() == before
    # All three are the task that is there already, with its source.
    assert carol.ask("POST", HELPFUL + "tasks/", {"completion_ids": ids}).status_code == 200
    assert {one.source.name for one in stored} == {SECRET}


def test_completions_of_two_prompts_or_of_another_project_make_no_task(world: World) -> None:
    carol, olivia = program(world, "carol"), program(world, "olivia")
    completion_id = Completion.objects.get(text="Answer a1").public_id
    other = Completion.objects.get(text="Answer a2").public_id
    for ids in (
        [completion_id, other],
        [completion_id, "00000000-0000-4000-8000-000000000000"],
        [completion_id],
        [completion_id, completion_id],
    ):
        answer = carol.ask(
            "POST", HELPFUL + "tasks/", {"completion_ids": [str(public_id) for public_id in ids]}
        )
        assert answer.status_code == 400
    answer = olivia.ask("POST", "projects/haiku/tasks/", {"completion_ids": [str(completion_id), str(other)]})
    assert wrong_with(answer) == ["#/completion_ids"]
    both = {
        "prompt": "x",
        "completions": [{"text": "a"}, {"text": "b"}],
        "completion_ids": [str(completion_id), str(completion_id)],
    }
    assert carol.ask("POST", HELPFUL + "tasks/", both).status_code == 400
    assert Task.objects.count() == 4


def test_the_highest_priority_is_ranked_next(world: World) -> None:
    carol, alice = program(world, "carol"), program(world, "alice")
    assert alice.ask("POST", HELPFUL + f"assignments/{world.ids['assignment']}/release/").status_code == 200
    last = Task.objects.order_by("-pk").first()
    assert last is not None
    path = HELPFUL + f"tasks/{last.public_id}/"
    assert carol.ask("PATCH", path, {"priority": 9}).json()["priority"] == 9
    assert alice.ask("POST", HELPFUL + "next/").json()["prompt"][0]["content"] == "Question 3"


def test_an_import_is_a_run_with_its_file(world: World) -> None:
    carol = program(world, "carol")
    lines = gzip.compress(b'{"prompt": "From a file"}\n')
    file = SimpleUploadedFile("../../prompts.jsonl.gz", lines)
    answer = carol.ask("POST", HELPFUL + "imports/", {"kind": "prompts", "skip_bad": "true"}, file=file)
    assert (answer.status_code, answer.json()["status"], answer.json()["kind"]) == (202, "queued", "import")
    transfer = Transfer.objects.get(run=answer.json()["id"])
    with transfer.file.open("rb") as stored:
        assert (transfer.kind, transfer.skip_bad, stored.read()) == ("prompts", True, lines)
    assert transfer.run.created_by == world.cast.carol


@pytest.mark.parametrize("kind", ["prompts", "completions", "demonstrations", "rankings", "pairs", "ratings"])
def test_a_streamed_export_is_the_commands_file(world: World, kind: str) -> None:
    answer = program(world, "carol").ask("GET", HELPFUL + f"export/?kind={kind}")
    assert answer.headers["Content-Type"] == "application/jsonl"
    assert b"".join(answer.streaming_content) == out(world.cast.project, kind)


def test_a_streamed_export_is_narrowed_and_refuses_what_it_cannot_write(world: World) -> None:
    carol = program(world, "carol")
    narrowed = b"".join(carol.ask("GET", HELPFUL + "export/?kind=prompts&split=train").streaming_content)
    assert [json.loads(line)["prompt"] for line in io.BytesIO(narrowed)] == ["Question 0"]
    for query in ("", "?kind=nothing", "?kind=prompts&split=half"):
        assert carol.ask("GET", HELPFUL + "export/" + query).status_code == 400


def test_runs_of_every_stage_are_started_with_what_was_asked(world: World) -> None:
    carol = program(world, "carol")
    fit = carol.ask("POST", HELPFUL + "fits/", {"config": {"base": "scratch"}}).json()
    assert Run.objects.get(pk=fit["id"]).fit.base == "scratch"
    carol.ask("POST", HELPFUL + "reward-models/1/activate/")
    trained = carol.ask("POST", HELPFUL + "trainings/", {"algorithm": "ppo", "start": 1}).json()
    training = Training.objects.get(run=trained["id"])
    assert (training.algorithm, training.start.number if training.start else None) == ("ppo", 1)
    assert training.reward_model is not None
    sampled = carol.ask("POST", HELPFUL + "samplings/", {"policy": 2, "prompts": 3}).json()
    sampling = Sampling.objects.get(run=sampled["id"])
    assert (sampling.policy.number, sampling.prompts) == (2, 3)
    compared = carol.ask("POST", HELPFUL + "evaluations/", {"policies": [2, 1]}).json()
    versions = Evaluation.objects.get(run=compared["id"]).policies.order_by("number")
    assert [version.number for version in versions] == [1, 2]
    listed = [row["id"] for row in carol.rows(HELPFUL + "runs/?status=queued")]
    assert {fit["id"], trained["id"], sampled["id"], compared["id"]} <= set(listed)
    assert listed == sorted(listed, reverse=True)


def test_a_version_that_is_activated_takes_the_place_of_the_other(world: World) -> None:
    carol = program(world, "carol")
    assert [row["current"] for row in carol.rows(HELPFUL + "policies/")] == [True, False]
    assert carol.ask("POST", HELPFUL + "policies/1/make-current/").json()["current"] is True
    assert [row["current"] for row in carol.rows(HELPFUL + "policies/")] == [False, True]
    assert carol.ask("POST", HELPFUL + "reward-models/1/activate/").json()["active"] is True
    assert carol.ask("POST", HELPFUL + "reward-models/7/activate/").status_code == 404
