"""What measures annotators, what researchers decided and what was flagged or skipped: exported, and read back whole."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from annotation.checking import adjudication, control
from annotation.collecting import flags, queue, ranking
from annotation.errors import BadFile
from annotation.files.intake import create_tasks
from annotation.models import Annotator, Assignment, Flag, Membership, Project, Ranking, Slot, Task, Transfer
from annotation.withdrawal import erasure
from tests.annotation.factories import (
    Values,
    emptied,
    make_annotator,
    make_member,
    make_project,
    make_tasks,
    out,
    out_values,
    put,
    put_bytes,
    without_concord,
)
from tests.annotation.judging import taken

pytestmark = [pytest.mark.django_db, pytest.mark.long]
Purpose = Task.Purpose
KINDS = [kind for kind in Transfer.Kind.values if kind != "pairs"]
OWN_KINDS = ["gold", "gold_rankings", "repeats", "adjudications", "flags", "skips"]
ORDER = [3, 1, 2]


def rank_next(annotator: Annotator, ranks: list[int]) -> Ranking:
    return ranking.submit(assignment=taken(annotator), annotator=annotator, verdict="ranked", ranks=ranks)


def named(annotator: Annotator, pseudonym: str) -> Annotator:
    annotator.pseudonym = pseudonym
    annotator.save()
    return annotator


def make_everything() -> Project:
    """One task each that is gold, asked again, decided, flagged and skipped, by way of the queue."""
    project = make_project(annotators_per_task=2)
    alice, bob = (named(make_annotator(project), name) for name in ("alice", "bob"))
    carol = make_member(project, "researcher", "carol")
    expert = make_tasks(project)[0]
    rank_next(alice, ORDER)
    control.mark_gold(project=project, tasks=[str(expert.public_id)])
    control.configure(project=project, gold_every=1)
    make_tasks(project, 3)
    assert rank_next(bob, [1, 2, 2]).task == expert
    control.configure(project=project, gold_every=0)
    first = rank_next(alice, [1, 2, 3]).task
    rank_next(bob, [3, 2, 1])
    control.configure(project=project, repeat_every=1)
    rank_next(alice, [1, 1, 2])
    assert rank_next(alice, [2, 1, 3]).task.purpose == Purpose.REPEAT
    control.configure(project=project, repeat_every=0)
    decision = adjudication.decide(
        project=project, task=first, user=carol, ranks=[2, 3, 1], rationale="clearer"
    )
    named(decision.annotator, "carol")
    (broken,) = make_tasks(project, priority=9)
    in_hand = taken(bob)
    assert in_hand.task == broken
    flag = flags.raise_flag(assignment=in_hand, annotator=bob, category="broken", words="cut off")
    flags.resolve(flags=[flag], resolution="Mended.", by=carol)
    flags.raise_flag(assignment=in_hand, annotator=bob, category="harmful", passing=True)
    names_its_model = {"text": "As ChatGPT, I like blue."}
    put(
        project,
        "completions",
        {"prompt": "Who are you?", "completions": [names_its_model, {"text": "Nobody."}]},
    )
    flags.resolve(flags=list(Flag.objects.filter(category="names_model")), resolution="Known.", by=carol)
    return project


def rows(project: Project) -> dict[str, Any]:
    """What must come back, by public ids."""
    tasks = Task.objects.filter(project=project).order_by("public_id")
    of_rankings = Ranking.objects.filter(project=project).order_by("public_id")
    concerns = Flag.objects.filter(project=project).order_by("created_at", "category")
    passed = Assignment.objects.filter(project=project, status="skipped")
    return {
        "tasks": list(tasks.values_list("public_id", "key", "purpose", "gold_tiers", "repeats__public_id")),
        "rankings": list(
            of_rankings.values_list(
                "public_id", "task__public_id", "annotator__pseudonym", "tiers", "order_shown", "rationale"
            )
        ),
        "comparisons": sorted(
            of_rankings.values_list("public_id", "comparisons__preferred__text", "comparisons__tie")
        ),
        "flags": list(
            concerns.values_list(
                "task__public_id",
                "completion__text",
                "annotator__pseudonym",
                "category",
                "words",
                "created_at",
                "resolution",
                "resolved_at",
                "resolved_by__username",
            )
        ),
        "skips": list(
            passed.values_list(
                "public_id", "task__public_id", "annotator__pseudonym", "reason", "order_shown", "closed_at"
            )
        ),
    }


def moved(project: Project) -> Project:
    """Everything exported, and imported where nothing of it is; the researcher is a member there too."""
    files = {kind: out(project, kind) for kind in KINDS}
    carol = Membership.objects.get(project=project, role="researcher").user
    again = emptied(project)
    Membership.objects.create(project=again, user=carol, role="researcher")
    for kind, data in files.items():
        put_bytes(again, kind, data)
    assert {kind: out(again, kind) for kind in KINDS} == files
    return again


def test_everything_is_exported_and_comes_back_as_the_same_rows() -> None:
    project = make_everything()
    before = rows(project)
    assert [len(out_values(project, kind)) for kind in OWN_KINDS] == [1, 2, 1, 1, 3, 1]
    assert rows(moved(project)) == before


def test_importing_everything_into_its_own_project_adds_nothing() -> None:
    project = make_everything()
    before = rows(project)
    for kind in KINDS:
        data = out(project, kind)
        assert put_bytes(project, kind, data).added == 0
        assert out(project, kind) == data
    assert rows(project) == before


def test_what_a_trainer_loads_holds_none_of_it() -> None:
    project = make_everything()
    for kind in ("rankings", "pairs"):
        ids = {line["concord"]["task"] for line in out_values(project, kind)}
        others = Task.objects.exclude(purpose=Purpose.COLLECT).values_list("public_id", flat=True)
        assert ids
        assert not ids & {str(one) for one in others}
        assert not any("purpose" in line["concord"] for line in out_values(project, kind))
    assert len(out_values(project, "rankings")) == 3


def test_lines_say_what_they_measure_and_which_task_they_ask_again() -> None:
    project = make_everything()
    (gold,), (repeat,), (decision,) = (
        out_values(project, kind) for kind in ("gold", "repeats", "adjudications")
    )
    assert [item["rank"] for item in gold["completions"]] == ORDER
    assert {line["concord"]["purpose"] for line in out_values(project, "gold_rankings")} == {"gold"}
    decided = [line for line in out_values(project, "rankings") if line["task"] == decision["task"]]
    assert [[item["rank"] for item in line["completions"]] for line in decided] == [[1, 2, 3], [3, 2, 1]]
    assert [item["rank"] for item in decision["completions"]] == [2, 3, 1]
    assert (decision["annotator"], decision["rationale"]) == ("carol", "clearer")
    assert repeat["concord"]["purpose"] == "repeat"
    assert repeat["task"] in {line["task"] for line in out_values(project, "rankings")}
    assert repeat["concord"]["again"] != repeat["concord"]["task"]


def test_another_project_of_the_database_gets_tasks_of_its_own() -> None:
    project, other = make_everything(), make_project()
    before = rows(project)
    for kind in KINDS:
        put_bytes(other, kind, out(project, kind))
    for kind in ("gold", "gold_rankings", "repeats", "adjudications", "skips"):
        assert without_concord(out_values(other, kind)) == without_concord(out_values(project, kind))
    again = Task.objects.get(project=other, purpose=Purpose.REPEAT)
    assert again.repeats is not None
    assert (again.repeats.project, again.key) == (other, f"repeat:{again.repeats.public_id}")
    assert not Flag.objects.filter(project=other, resolved_by__isnull=False).exists()  # Carol is nobody there
    assert rows(project) == before


def test_a_task_that_waits_becomes_gold_by_a_file_whatever_the_order_of_its_completions() -> None:
    project = make_project()
    (task,) = make_tasks(project)
    (line,) = out_values(project, "completions")
    texts = [
        {"text": item["text"], "rank": rank} for item, rank in zip(line["completions"], ORDER, strict=True)
    ]
    gold = {"prompt": line["prompt"], "completions": texts[::-1], "task": line["task"]}
    assert put(project, "gold", gold).added == 1
    assert put(project, "gold", gold).added == 0
    task.refresh_from_db()
    assert (task.purpose, task.gold_tiers) == (Purpose.GOLD, ORDER)
    assert not Slot.objects.exists()
    assert queue.claim(annotator=make_annotator(project)) is None


@pytest.mark.parametrize("kind", OWN_KINDS)
def test_command_page_and_api_offer_it_alike(kind: str, tmp_path: Path) -> None:
    project = make_everything()
    data = out(project, kind)
    written = StringIO()
    call_command("export_jsonl", project=project.slug, kind=kind, stdout=written, stderr=StringIO())
    assert written.getvalue().encode() == data
    client = Client()
    client.force_login(User.objects.get(username="carol"))
    answer = client.get(f"/api/v1/projects/{project.slug}/export/", {"kind": kind})
    assert b"".join(answer.streaming_content) == data  # type: ignore[attr-defined]
    queued = client.post(f"/api/v1/projects/{project.slug}/exports/", {"kind": kind}, "application/json")
    assert queued.status_code == 202
    at = f"/admin/projects/{project.slug}/"
    assert client.get(at).content.decode().count(f'<option value="{kind}">') == 2  # import and export
    sent = client.post(f"{at}export/", {"export-kind": kind})
    assert Transfer.objects.filter(kind=kind, direction="export").count() == 2, sent.content
    before = rows(project)
    (tmp_path / "file.jsonl").write_bytes(data)
    output = StringIO()
    call_command("import_jsonl", tmp_path / "file.jsonl", project=project.slug, kind=kind, stdout=output)
    assert json.loads(output.getvalue())["added"] == 0
    assert rows(project) == before


def judged(*ranks: int | None, **fields: Any) -> Values:
    completions = [
        {"text": "ab"[place], **({"rank": rank} if rank else {})} for place, rank in enumerate(ranks)
    ]
    return {"prompt": "Which?", "completions": completions, "task": "t", "annotator": "bob", **fields}


@pytest.mark.parametrize(
    ("kind", "line", "reason"),
    [
        ("gold", {**judged(1, 1), "annotator": None}, "the same throughout"),
        ("gold", {**judged(1, 2), "task": "g"}, "another expert's order"),
        ("gold_rankings", judged(1, 2), "import kind gold first"),
        ("rankings", judged(1, 2, concord={"purpose": "repeat"}), "imported as another kind"),
        ("repeats", judged(1, 2, concord={"purpose": "adjudication"}), "imported as another kind"),
        ("repeats", judged(1, 2, task="repeat"), "asks another task again"),
        ("adjudications", judged(1, 2, task="decided", annotator="eve"), "decided already"),
        ("flags", judged(None, None), "category: is missing"),
        ("flags", judged(None, None, category="dull"), "must be one of"),
        ("flags", judged(None, None, category="broken", annotator=None), "annotator: is missing"),
        ("flags", judged(None, None, category="broken", resolution="Mended."), "resolved_at"),
        ("flags", judged(None, None, category="broken", mood="low"), "not a field of this kind"),
        ("skips", judged(None, None, annotator=None), "annotator: is missing"),
    ],
)
def test_what_cannot_be_is_a_bad_line(kind: str, line: Values, reason: str) -> None:
    project = make_project()
    put(project, "gold", {**judged(2, 1), "task": "g", "annotator": None})
    put(project, "adjudications", judged(1, 2, task="decided"))
    put(project, "repeats", judged(1, 2, task="asked"))
    Task.objects.filter(project=project, purpose=Purpose.REPEAT).update(key="repeat")
    with pytest.raises(BadFile, match=reason):
        put(project, kind, line)


def test_the_same_order_said_again_is_a_judgement_of_its_own() -> None:
    project = make_project()
    assert put(project, "rankings", judged(1, 2)).added == 1
    assert put(project, "repeats", judged(1, 2)).added == 1
    assert put(project, "repeats", judged(1, 2)).added == 0
    assert Ranking.objects.current().count() == 2
    assert Ranking.objects.current().collected().count() == 1


def test_a_flag_of_a_task_that_asks_for_an_answer_comes_back_with_it() -> None:
    project = make_project()
    put(project, "prompts", {"prompt": "Write a haiku."})
    create_tasks(project=project, kind="demonstrate")
    alice = make_annotator(project, "alice")
    flags.raise_flag(assignment=taken(alice), annotator=alice, category="other", words="in English?")
    first = out(project, "flags")
    again = emptied(project)
    put_bytes(again, "flags", first)
    assert out(again, "flags") == first
    assert Task.objects.get(project=again).kind == Task.Kind.DEMONSTRATE


@pytest.mark.parametrize("who", ["alice", "bob", "carol"])
def test_what_a_person_took_back_never_comes_out(who: str) -> None:
    project = make_everything()
    erasure.withdraw_annotator(project=project, pseudonym=who)
    lines = [line for kind in KINDS for line in out_values(project, kind)]
    assert not [
        line for line in lines if line.get("annotator") == who or "withdrawn" in str(line.get("annotator"))
    ]


def test_what_was_said_of_a_withdrawn_prompt_never_comes_out() -> None:
    project = make_everything()
    for task in Task.objects.filter(project=project):
        erasure.withdraw_prompt(project=project, public_id=str(task.prompt.public_id))
    assert [out_values(project, kind) for kind in OWN_KINDS] == [[]] * len(OWN_KINDS)


def test_what_was_decided_on_a_withdrawn_text_never_comes_out() -> None:
    project = make_project()
    put(
        project,
        "completions",
        {"prompt": "Which?", "completions": [{"text": "a"}, {"text": "b", "source": "person:bob"}]},
    )
    put(project, "demonstrations", {"prompt": "Other", "completion": "x", "annotator": "bob"})
    (task,) = Task.objects.filter(project=project)
    carol = make_member(project, "researcher")
    adjudication.decide(project=project, task=task, user=carol, ranks=[1, 2])
    assert len(out_values(project, "adjudications")) == 1
    erasure.withdraw_annotator(project=project, pseudonym="bob")
    assert out_values(project, "adjudications") == []
