"""Withdrawal: no text of a person or a prompt is left, in rows or files; ids and digests are; nothing happens twice."""

import io
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import connection

from annotation.checking import control, standing
from annotation.collecting import demonstrating, flags, progress, queue, ranking
from annotation.errors import BadRequest, NothingToSnapshot
from annotation.files import intake, snapshots, transfers
from annotation.files.intake import add_demonstration
from annotation.models import (
    Annotator,
    Assignment,
    Comparison,
    Completion,
    Demonstration,
    Project,
    Prompt,
    Ranking,
    Snapshot,
    Source,
    Task,
    Withdrawal,
)
from annotation.withdrawal import erasure
from annotation.withdrawal.lines import erase
from rewardmodel.bradley_terry.records import read_snapshot
from runs import artifacts, lifecycle
from runs.execution import folder_of
from runs.models import Run, RunAnswer
from tests.annotation.factories import make_annotator, make_project, make_tasks, out_values, put
from tests.annotation.judging import at_once, submit, taken
from tests.pages.factories import make_transfer

pytestmark = pytest.mark.django_db
SECRET = "Secret"  # stands in every text that has to go, and in none that may stay


@pytest.fixture(autouse=True)
def _homes(tmp_path: Path, settings: Any) -> None:
    for name in ("artifacts", "default"):
        folder = {**settings.STORAGES[name], "OPTIONS": {"location": tmp_path / name}}
        settings.STORAGES = {**settings.STORAGES, name: folder}
    settings.RUNS_DIR = tmp_path / "runs"


@pytest.fixture
def project() -> Project:
    return make_project(annotators_per_task=2)


def texts_of_database() -> str:
    """Every text and JSON value in annotation's tables."""
    tables = [name for name in connection.introspection.table_names() if name.startswith("annotation_")]
    with connection.cursor() as cursor:
        texts = []
        for table in tables:
            cursor.execute(f"SELECT row_to_json(t)::text FROM {table} t")
            texts += [row[0] for row in cursor.fetchall()]
    return "\n".join(texts)


def texts_of_files(folder: Path) -> str:
    return "\n".join(path.read_text() for path in sorted(folder.rglob("*")) if path.is_file())


def judged(project: Project) -> Annotator:
    """Alice said and wrote much; Bob ranked the same tasks."""
    alice, bob = make_annotator(project), make_annotator(project)
    make_tasks(project, 3)
    for number in range(2):
        for one, words in ((alice, SECRET), (bob, "Plain")):
            ranking.submit(
                assignment=taken(one),
                annotator=one,
                verdict="ranked",
                ranks=[1, 2, 3] if number else [2, 2, 1],
                rationale=words,
            )
    in_hand = taken(alice)
    flags.raise_flag(assignment=in_hand, annotator=alice, category="other", words=SECRET)
    queue.renew(assignment=in_hand, annotator=alice, draft={"rationale": SECRET})
    standing.pause(annotator=alice, why=SECRET, by=None)
    add_demonstration(prompt=in_hand.task.prompt, annotator=alice, text=f"{SECRET} answer.")
    return alice


def with_prompt(project: Project) -> Prompt:
    """A prompt with everything under it, and another that has nothing to do with it."""
    texts = [{"text": f"{SECRET} {letter}", "sampling": {"note": SECRET}} for letter in "abc"]
    put(
        project,
        "completions",
        {"prompt": f"{SECRET} question", "completions": texts, "note": SECRET, "id": SECRET},
    )
    ranks = [{"text": f"{SECRET} {letter}", "rank": 1 + i} for i, letter in enumerate("abc")]
    put(
        project,
        "rankings",
        {"prompt": f"{SECRET} question", "completions": ranks, "rationale": SECRET, "extra": SECRET},
        {"prompt": "Plain question", "completions": [{"text": "a", "rank": 1}, {"text": "b", "rank": 2}]},
    )
    put(project, "demonstrations", {"prompt": f"{SECRET} question", "completion": SECRET, "annotator": "x"})
    Demonstration.objects.filter(project=project).update(comment=SECRET)
    put(
        project,
        "ratings",
        {"prompt": f"{SECRET} question", "completion": f"{SECRET} a", "score": 1, "n": SECRET, "id": SECRET},
    )
    alice = make_annotator(project)
    in_hand = taken(alice)
    queue.renew(assignment=in_hand, annotator=alice, draft={"rationale": SECRET})
    flags.raise_flag(assignment=in_hand, annotator=alice, category="other", words=SECRET)
    return Prompt.objects.get(project=project, messages__0__content=f"{SECRET} question")


def test_what_a_person_wrote_is_gone_and_the_rest_stays(project: Project) -> None:
    alice = judged(project)
    name, user = alice.pseudonym, alice.user
    Annotator.objects.filter(pk=alice.pk).update(pseudonym=f"{SECRET} {name}")
    Source.objects.filter(annotator=alice).update(name=f"person:{SECRET}")
    before = {
        kind: set(kind._default_manager.values_list("public_id", flat=True))
        for kind in (Ranking, Prompt, Completion, Demonstration, Task, Annotator)
    }
    erasure.withdraw_annotator(project=project, pseudonym=f"{SECRET} {name}")
    assert SECRET not in texts_of_database()
    alice.refresh_from_db()
    assert (alice.user, alice.pseudonym) == (None, f"withdrawn-{alice.public_id}")
    assert user is not None
    for kind, ids in before.items():
        assert set(kind._default_manager.values_list("public_id", flat=True)) == ids, kind
    assert set(Ranking.objects.current().values_list("rationale", flat=True)) == {"Plain"}
    assert not Comparison.objects.filter(ranking__annotator=alice).exists()
    assert len(out_values(project, "rankings")) == 2
    assert out_values(project, "demonstrations") == []
    assert not Assignment.objects.open().exists()


def test_rankings_of_a_text_that_a_withdrawn_person_wrote_go_with_it(project: Project) -> None:
    alice, bob = make_annotator(project), make_annotator(project)
    put(project, "prompts", {"prompt": "Name a colour."})
    add_demonstration(prompt=Prompt.objects.get(project=project), annotator=alice, text=SECRET)
    source = Source.objects.get(annotator=alice).name
    line = {"prompt": "Name a colour.", "completions": [{"text": SECRET, "source": source}, {"text": "Red."}]}
    put(project, "completions", line)
    ranking.submit(assignment=taken(bob), annotator=bob, verdict="ranked", ranks=[1, 2])
    erasure.withdraw_annotator(project=project, pseudonym=alice.pseudonym)
    assert SECRET not in texts_of_database()
    assert not Ranking.objects.current().exists()
    with pytest.raises(NothingToSnapshot):
        snapshots.take(project=project)
    # The slot that was left is nobody's any more.
    assert queue.claim(annotator=make_annotator(project)) is None


def test_a_prompt_and_all_under_it_is_gone(project: Project) -> None:
    prompt = with_prompt(project)
    digest, rankings = prompt.digest, Ranking.objects.count()
    erasure.withdraw_prompt(project=project, public_id=str(prompt.public_id))
    assert SECRET not in texts_of_database()
    prompt.refresh_from_db()
    assert (prompt.digest, [m["content"] for m in prompt.messages]) == (digest, [""])
    assert Ranking.objects.count() == rankings
    for kind, lines in {
        "prompts": 1,
        "completions": 1,
        "rankings": 1,
        "demonstrations": 0,
        "ratings": 0,
    }.items():
        assert len(out_values(project, kind)) == lines, kind
    assert not Assignment.objects.open().exists()
    bob = make_annotator(project)
    assert (queue.claim(annotator=bob), progress.of(bob).left) == (None, 0)


def test_no_import_brings_a_withdrawn_prompt_back(project: Project) -> None:
    prompt = with_prompt(project)
    erasure.withdraw_prompt(project=project, public_id=str(prompt.public_id))
    lines: dict[str, dict[str, Any]] = {
        "prompts": {},
        "completions": {"completions": [{"text": "new"}, {"text": "newer"}]},
        "demonstrations": {"completion": "new"},
        "ratings": {"completion": "new", "score": 1},
        "pairs": {"chosen": "new", "rejected": "newer"},
    }
    for kind, fields in lines.items():
        report = put(project, kind, {"prompt": f"{SECRET} question", **fields}, skip_bad=True)
        assert (report.bad, report.bad_lines[0].reason) == (
            1,
            "was withdrawn from this project, so it stays out",
        ), kind
    sampled = intake.SampledPrompt(prompt, ["one", "two"], {})
    source = intake.source_for(project=project, kind="policy", name="policy v1")
    assert intake.add_sampled_completions(project=project, source=source, samples=[sampled]) == []
    assert SECRET not in texts_of_database()


def test_files_lose_the_text_and_keep_ids_and_a_form_that_a_fit_reads(
    project: Project, tmp_path: Path
) -> None:
    prompt = with_prompt(project)
    snapshot = snapshots.take(project=project)
    other = make_project()
    put(
        other,
        "rankings",
        {"prompt": "x", "completions": [{"text": "a", "rank": 1}, {"text": "b", "rank": 2}]},
    )
    untouched = snapshots.take(project=other)
    before = [record.ranking for record in records(snapshot)]
    run = make_transfer(project).run
    folder = folder_of(run)
    folder.make()
    lines = [
        {
            "id": str(prompt.public_id),
            "form": "text",
            "prompt": [{"role": "user", "content": SECRET}],
            "split": "train",
        }
    ]
    (folder.inputs / "prompts.jsonl").write_text(json.dumps(lines[0]) + "\n")
    sample = {
        "prompt_id": str(prompt.public_id),
        "completions": [{"text": SECRET, "finished": True, "tokens": 3}],
    }
    (folder.output / "samples.jsonl").write_text(json.dumps(sample) + "\n")
    snapshots.write_demonstrations(project=project, path=folder.inputs / "demonstrations.jsonl")
    untouched_run = folder_of(make_transfer(other).run)
    untouched_run.make()
    for place in (folder, untouched_run):
        place.origin_file.write_text("{}")
    withdrawal = erasure.withdraw_prompt(project=project, public_id=str(prompt.public_id))
    assert SECRET in texts_of_files(tmp_path)
    assert erasure.finish(withdrawal=withdrawal)
    assert SECRET not in texts_of_files(tmp_path)
    # So that what was learnt of it is not gone on with (lm.origin)
    assert [place.origin_file.exists() for place in (folder, untouched_run)] == [False, True]
    snapshot.refresh_from_db()
    untouched.refresh_from_db()
    assert (snapshot.reproducible, untouched.reproducible) == (False, True)
    kept = records(snapshot)
    assert [record.ranking for record in kept] == before
    assert [(record.verdict, record.pairs) for record in kept] == [("cannot_tell", ()), ("ranked", ((0, 1),))]
    report = erasure.answer(withdrawal=withdrawal)
    assert (report["snapshots"], report["runs"]) == ([snapshot.digest], [run.pk])
    assert report["erased"] == {"rankings": 1, "completions": 3, "demonstrations": 1, "prompts": 1}


def records(snapshot: Snapshot) -> Any:
    """As a fit reads it."""
    return read_snapshot(artifacts.local_folder(snapshot.artifact) / snapshots.FILE_NAME)


def test_a_persons_rankings_leave_old_snapshots_and_others_stay(project: Project) -> None:
    alice = judged(project)
    snapshot = snapshots.take(project=project)
    size = snapshot.artifact.total_bytes
    withdrawal = erasure.withdraw_annotator(project=project, pseudonym=alice.pseudonym)
    erasure.finish(withdrawal=withdrawal)
    of_alice = {str(r.public_id) for r in Ranking.objects.filter(annotator=alice)}
    by = {record.ranking: (record.annotator, record.verdict) for record in records(snapshot)}
    assert {by[name] for name in of_alice} == {(None, "cannot_tell")}
    assert {verdict for name, (_, verdict) in by.items() if name not in of_alice} == {"ranked"}
    snapshot.artifact.refresh_from_db()
    path = artifacts.local_folder(snapshot.artifact) / snapshots.FILE_NAME
    assert snapshot.artifact.total_bytes == path.stat().st_size != size
    later = snapshots.take(project=project)
    assert (later.rankings, later.reproducible, later.digest != snapshot.digest) == (2, True, True)


def test_uploads_and_exports_of_ended_runs_are_dropped(project: Project, tmp_path: Path) -> None:
    prompt = with_prompt(project)
    ended, waiting = make_transfer(project), make_transfer(project)
    for transfer in (ended, waiting):
        transfer.file.save("upload.jsonl", ContentFile(SECRET.encode()))
        folder = folder_of(transfer.run)
        folder.make()
        (folder.output / "helpful-pairs.jsonl").write_text(SECRET)
    as_dataset = transfers.request_dataset(project=project)
    written = folder_of(as_dataset).output / "helpful-judgements" / "pairs" / "train.parquet"
    written.parent.mkdir(parents=True)
    written.write_text(SECRET)
    lifecycle.cancel(run=as_dataset)
    lifecycle.cancel(run=ended.run)
    withdrawal = erasure.withdraw_prompt(project=project, public_id=str(prompt.public_id))
    erasure.finish(withdrawal=withdrawal)
    assert texts_of_files(tmp_path).count(SECRET) == 2  # of the run that waits
    lifecycle.cancel(run=waiting.run)
    erasure.finish(withdrawal=withdrawal)
    assert SECRET not in texts_of_files(tmp_path)


def test_withdrawing_again_gives_the_same_answer(project: Project) -> None:
    alice = judged(project)
    snapshots.take(project=project)
    answers = []
    for _ in range(2):
        out = io.StringIO()
        call_command("withdraw", project=project.slug, annotator=alice.pseudonym, stdout=out)
        answers.append(json.loads(out.getvalue()))
    assert answers[0] == answers[1]
    assert answers[0]["files_done"] is True
    assert len(answers[0]["snapshots"]) == 1
    assert Withdrawal.objects.count() == 1
    assert alice.pseudonym not in texts_of_database()


def test_files_that_a_crash_left_are_done_by_the_sweep(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = with_prompt(project)
    first = snapshots.take(project=project)
    put(project, "pairs", {"prompt": "more", "chosen": "a", "rejected": "b"})
    second = snapshots.take(project=project)
    withdrawal = erasure.withdraw_prompt(project=project, public_id=str(prompt.public_id))
    seen = []

    def fails_at_the_second(path: Path, gone: Any) -> None:
        seen.append(path)
        if len(seen) == 2:
            raise OSError("the disk is full")
        erase(path, gone)

    monkeypatch.setattr("annotation.withdrawal.erasure.erase", fails_at_the_second)
    with pytest.raises(OSError, match="full"):
        erasure.finish(withdrawal=withdrawal)
    monkeypatch.undo()
    withdrawal.refresh_from_db()
    assert withdrawal.files_done_at is None
    assert not Snapshot.objects.filter(project=project, reproducible=True).exists()
    assert erasure.finish_all() == 1
    assert erasure.finish_all() == 0
    for snapshot in (first, second):
        path = artifacts.local_folder(snapshot.artifact) / snapshots.FILE_NAME
        assert SECRET not in path.read_text()
    assert erasure.answer(withdrawal=withdrawal)["snapshots"] == [first.digest, second.digest]


def test_a_withdrawal_is_done_when_the_runs_that_were_at_work_are(project: Project) -> None:
    prompt = with_prompt(project)
    run = make_transfer(project).run
    Run.objects.filter(pk=run.pk).update(
        status="running", started_at="2020-01-01T00:00Z", heartbeat_at="2020-01-01T00:00Z"
    )
    withdrawal = erasure.withdraw_prompt(project=project, public_id=str(prompt.public_id))
    assert not erasure.finish(withdrawal=withdrawal)
    folder = folder_of(run)
    folder.make()
    line = {
        "id": str(prompt.public_id),
        "form": "text",
        "prompt": [{"role": "user", "content": SECRET}],
        "split": "train",
    }
    (folder.inputs / "prompts.jsonl").write_text(json.dumps(line) + "\n")  # it had read the rows before
    (folder.checkpoint / "policy_0.json").write_text(json.dumps({"answers": [SECRET]}))
    assert erasure.finish_all() == 0
    Run.objects.filter(pk=run.pk).update(status="failed", finished_at="2020-01-01T00:00Z")
    assert erasure.finish_all() == 1
    assert SECRET not in texts_of_files(folder.path)


@pytest.mark.django_db(transaction=True)
def test_two_who_withdraw_the_same_at_once_make_one_withdrawal(project: Project) -> None:
    alice = judged(project)

    def withdraw() -> Withdrawal:
        return erasure.withdraw_annotator(project=project, pseudonym=alice.pseudonym)

    withdrawal = at_once([withdraw] * 4)
    assert {one.pk for one in withdrawal if isinstance(one, Withdrawal)} == {Withdrawal.objects.get().pk}
    assert not [one for one in withdrawal if isinstance(one, Exception)]


def test_what_is_not_there_cannot_be_withdrawn(project: Project) -> None:
    prompt = with_prompt(make_project(annotators_per_task=2))
    for arguments, words in (
        ({"annotator": "nobody"}, "no annotator 'nobody'"),
        ({"prompt": "7"}, "no prompt's public id"),
        ({"prompt": str(prompt.public_id)}, "has no prompt"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("withdraw", project=project.slug, **arguments)
    with pytest.raises(BadRequest):
        erasure.withdraw_annotator(project=project, pseudonym="nobody")
    assert not Withdrawal.objects.exists()


def test_what_a_withdrawn_person_holds_goes_back_to_the_queue(project: Project) -> None:
    alice, bob = make_annotator(project), make_annotator(project)
    make_tasks(project, 1)
    in_hand = taken(alice)
    erasure.withdraw_annotator(project=project, pseudonym=alice.pseudonym)
    in_hand.refresh_from_db()
    assert in_hand.status == Assignment.Status.RELEASED
    submit(taken(bob), bob)
    assert taken(make_annotator(project)).task == in_hand.task


def test_whoever_has_withdrawn_is_given_nothing_to_review(project: Project) -> None:
    alice = make_annotator(project)
    erasure.withdraw_annotator(project=project, pseudonym=alice.pseudonym)
    with pytest.raises(BadRequest):
        demonstrating.claim_review(reviewer=alice)


def test_a_withdrawn_prompt_keeps_neither_id_nor_metadata_and_is_not_sampled(project: Project) -> None:
    put(project, "prompts", {"prompt": f"{SECRET} question", "note": SECRET, "id": SECRET})
    prompt = Prompt.objects.get(project=project)
    assert (prompt.metadata, prompt.external_id) == ({"note": SECRET}, SECRET)
    erasure.withdraw_prompt(project=project, public_id=str(prompt.public_id))
    prompt.refresh_from_db()
    assert (prompt.metadata, prompt.external_id, prompt.sampled) == ({}, "", False)


def test_what_asked_a_withdrawn_prompt_again_is_still_a_repeat(project: Project) -> None:
    (task,) = make_tasks(project, 1)
    again = control.asked_again(task_id=task.pk, purpose=Task.Purpose.REPEAT)
    erasure.withdraw_prompt(project=project, public_id=str(task.prompt.public_id))
    again.refresh_from_db()
    assert again.purpose == Task.Purpose.REPEAT


def test_the_answer_names_runs_in_their_order_and_each_withdrawal_its_own_beginning(project: Project) -> None:
    first, second = make_transfer(project).run, make_transfer(project).run
    people = [make_annotator(project) for _ in range(2)]
    one, other = (
        erasure.withdraw_annotator(project=project, pseudonym=person.pseudonym) for person in people
    )
    one.runs.add(second)
    one.runs.add(first)
    assert erasure.answer(withdrawal=one)["runs"] == sorted([first.pk, second.pk])
    erasure.finish(withdrawal=one)
    for withdrawal in (one, other):
        withdrawal.refresh_from_db()
    begun = one.files_begun_at
    assert (begun is not None, other.files_begun_at) == (True, None)
    erasure.finish(withdrawal=one)
    one.refresh_from_db()
    assert one.files_begun_at == begun


def test_withdrawing_a_prompt_again_gives_the_same_withdrawal(project: Project) -> None:
    prompt = with_prompt(project)
    withdrawal = [erasure.withdraw_prompt(project=project, public_id=str(prompt.public_id)) for _ in range(2)]
    assert withdrawal == [Withdrawal.objects.get()] * 2


def test_what_runs_made_and_told_of_a_prompt_loses_its_text_and_the_rest_stays(project: Project) -> None:
    prompt = with_prompt(project)
    run, other = make_transfer(project).run, make_transfer(project).run
    quoted = {"gain": 1, "examples": [{"prompt_id": str(prompt.public_id), "text": SECRET}]}
    silent = {"gain": 1, "examples": [{"prompt_id": str(prompt.public_id), "text": ""}]}
    Run.objects.filter(pk=run.pk).update(result=quoted)
    Run.objects.filter(pk=other.pk).update(result={"rows": 3})
    folder = folder_of(run)
    folder.make()
    (folder.inputs / "report.json").write_text(json.dumps(quoted))
    answers = [
        {"step": 3, "prompt_id": prompt_id, "answer": SECRET, "reward": 0.5}
        for prompt_id in (str(prompt.public_id), str(uuid4()))
    ]
    folder.watched_file.write_text("".join(json.dumps(line) + "\n" for line in answers))
    RunAnswer.objects.bulk_create(RunAnswer(run=run, **line) for line in answers)
    artifact = artifacts.store(folder=folder.inputs, kind="policy", run=run)
    withdrawal = erasure.withdraw_prompt(project=project, public_id=str(prompt.public_id))
    erasure.finish(withdrawal=withdrawal)
    assert Run.objects.get(pk=run.pk).result == silent
    assert Run.objects.get(pk=other.pk).result == {"rows": 3}
    assert json.loads((artifacts.local_folder(artifact) / "report.json").read_text()) == silent
    written = [json.loads(line)["answer"] for line in folder.watched_file.read_text().splitlines()]
    assert written == ["", SECRET]
    assert list(RunAnswer.objects.values_list("answer", flat=True)) == ["", SECRET]
