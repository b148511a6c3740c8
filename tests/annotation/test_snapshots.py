"""A snapshot is the comparisons table as it is now, in a file that says who judged and what each text's source is."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from annotation.collecting import queue
from annotation.collecting import ranking as rankings
from annotation.errors import NothingToSnapshot
from annotation.files import snapshots
from annotation.files.export import scope
from annotation.models import Comparison, Project, Prompt, Ranking, Snapshot, Withdrawal
from annotation.simulated import simulate
from annotation.withdrawal import erasure
from rewardmodel.bradley_terry.records import Record, read_snapshot
from runs import artifacts, preparing
from runs.errors import StoredUnderLock
from runs.folder.errors import Stopped
from runs.models import Artifact
from tests.annotation.factories import make_annotator, make_project, make_tasks, put, ranking
from tests.runs import slow_storage
from tests.runs.slow_storage import answered_at_once, in_thread, slow

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _storage(tmp_path: Path, settings: Any) -> None:
    folder = {**settings.STORAGES["artifacts"], "OPTIONS": {"location": tmp_path / "artifacts"}}
    settings.STORAGES = {**settings.STORAGES, "artifacts": folder}


def records(snapshot: Snapshot) -> list[Record]:
    """The snapshot as a fit reads it."""
    return read_snapshot(artifacts.local_folder(snapshot.artifact) / snapshots.FILE_NAME)


def judged(project: Project) -> None:
    """Rankings of every sort: ties, all bad, cannot tell, superseded, of nobody, a chat, a pair with strength."""
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Name a colour."}]
    put(
        project,
        "rankings",
        ranking("one", 2, 1, 2, annotator="alice", task="t"),
        ranking("one", 1, 1, 1, annotator="bob", task="t"),
        ranking("one", 3, 2, 1, annotator="alice", task="t"),
        ranking("two", 1, 2, annotator="bob", verdict="all_bad"),
        ranking("two", 1, 2, verdict="cannot_tell"),
        ranking(chat, 4, 3, 2, 1, annotator="bob", split="test"),
    )
    put(project, "pairs", {"prompt": "three", "chosen": "x", "rejected": "y", "strength": 3})


def test_a_snapshot_holds_the_comparisons_of_the_table_and_no_others() -> None:
    project = make_project()
    judged(project)
    judged(make_project())
    snapshot = snapshots.take(project=project)
    comparisons = set()
    for record in records(snapshot):
        ids = [completion.id for completion in record.completions]
        comparisons |= {(record.ranking, ids[i], ids[j], False) for i, j in record.pairs}
        comparisons |= {(record.ranking, ids[i], ids[j], True) for i, j in record.ties}
    table = Comparison.objects.filter(ranking__project=project).values_list(
        "ranking__public_id", "preferred__public_id", "rejected__public_id", "tie"
    )
    assert comparisons == {(str(r), str(i), str(j), tie) for r, i, j, tie in table}
    # 3 of alice's second, 3 of bob's, 6 of the chat's four, 1 pair.
    assert snapshot.comparisons == len(comparisons) == 13


def test_a_snapshot_holds_every_current_ranking_in_the_order_of_their_making() -> None:
    project = make_project()
    judged(project)
    snapshot = snapshots.take(project=project)
    current = Ranking.objects.current().filter(project=project).order_by("id")
    assert [r.ranking for r in records(snapshot)] == [str(r.public_id) for r in current]
    assert (snapshot.rankings, snapshot.last_ranking_id) == (6, current.reverse()[0].pk)


def test_a_record_says_what_was_judged_by_whom_and_how() -> None:
    project = make_project()
    judged(project)
    tied, changed, bad, unsure, chat, pair = records(snapshots.take(project=project))
    assert (tied.annotator, tied.tiers, tied.pairs) == ("bob", (1, 1, 1), ())
    assert (changed.annotator, changed.tiers, changed.pairs) == ("alice", (3, 2, 1), ((1, 0), (2, 0), (2, 1)))
    assert [(r.verdict, r.tiers, r.annotator) for r in (bad, unsure)] == [
        ("all_bad", (), "bob"),
        ("cannot_tell", (), None),
    ]
    assert (chat.form, chat.split, [m["role"] for m in chat.messages]) == ("chat", "test", ["system", "user"])
    assert (pair.strength, pair.texts, pair.completions[0].source) == (3.0, ["x", "y"], None)
    assert not any(record.simulated for record in (tied, changed, bad, unsure, chat, pair))


def test_equal_judgements_are_one_snapshot_and_a_change_makes_another() -> None:
    project = make_project()
    judged(project)
    first = snapshots.take(project=project)
    assert snapshots.take(project=project) == first
    old = Ranking.objects.current().filter(project=project, annotator__pseudonym="alice").get()
    new = rankings.revise(ranking=old, verdict="ranked", ranks=[1, 2, 3])
    second = snapshots.take(project=project)
    assert second.digest != first.digest
    assert str(new.public_id) in {record.ranking for record in records(second)}
    assert str(old.public_id) in {record.ranking for record in records(first)}


def test_simulated_rankings_enter_a_demo_marked_and_nothing_else() -> None:
    for is_demo in (True, False):
        project = make_project(is_demo=is_demo)
        put(project, "rankings", ranking("one", 1, 2, annotator="alice"))
        make_tasks(project, 2)
        simulate(project=project, judgements=2, preference="length", annotators=1)
        snapshot = snapshots.take(project=project)
        assert snapshot.simulated == (2 if is_demo else 0)
        marks = [record.simulated for record in records(snapshot)]
        assert marks == ([False, True, True] if is_demo else [False])


def test_a_project_without_a_comparison_has_nothing_to_train_on() -> None:
    project = make_project()
    with pytest.raises(NothingToSnapshot, match="rank some tasks or import"):
        snapshots.take(project=project)
    put(project, "rankings", ranking("one", 1, 2, verdict="all_bad"))
    with pytest.raises(NothingToSnapshot):
        snapshots.take(project=project)
    assert not Snapshot.objects.exists()


def test_demonstrations_and_prompts_are_written_as_runs_read_them(tmp_path: Path) -> None:
    project = make_project()
    put(project, "demonstrations", {"prompt": "one", "completion": "1"}, {"prompt": "two", "completion": "2"})
    path = tmp_path / "lines.jsonl"
    assert snapshots.write_demonstrations(project=project, path=path) == 2
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["prompt"], line["completion"]) for line in lines] == [
        ([{"role": "user", "content": "one"}], "1"),
        ([{"role": "user", "content": "two"}], "2"),
    ]
    assert snapshots.write_prompts(prompts=project.prompts.order_by("-id"), path=path) == 2
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["prompt"][0]["content"] for line in lines] == ["two", "one"]
    assert {line["form"] for line in lines} == {"text"}


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_while_a_snapshot_is_stored_and_what_is_withdrawn_meanwhile_is_not_in_it(
    settings: Any,
) -> None:
    project = make_project()
    put(project, "rankings", ranking("kept", 1, 2), ranking("taken back", 1, 2))
    make_tasks(project)
    annotator = make_annotator(project)
    withdrawn = project.prompts.get(messages__0__content="taken back")
    slow(settings)
    with in_thread(lambda: snapshots.take(project=project)) as taken:
        assert slow_storage.begun.wait(30)
        with answered_at_once():
            assert queue.claim(annotator=annotator) is not None
            erasure.withdraw_prompt(project=project, public_id=str(withdrawn.public_id))
    assert [list(record.texts) for record in records(taken[0])] == [["a", "b"]]
    assert taken[0].rankings == 1
    # The file that held it is gone, and so is its row.
    assert Artifact.objects.get() == taken[0].artifact
    place = Path(settings.STORAGES["artifacts"]["OPTIONS"]["location"])
    assert not [path for path in place.rglob("*") if path.is_file() and "taken back" in path.read_text()]


@pytest.mark.django_db(transaction=True)
def test_a_snapshot_is_not_taken_inside_a_transaction() -> None:
    project = make_project()
    put(project, "rankings", ranking("one", 1, 2))
    with transaction.atomic(), pytest.raises(StoredUnderLock):
        snapshots.take(project=project)


def test_what_is_new_is_counted_after_a_ranking_and_up_to_a_number() -> None:
    project = make_project()
    put(project, "rankings", *(ranking(f"{number}", 1, 2) for number in range(4)))
    put(make_project(), "rankings", ranking("other", 1, 2))
    first = Ranking.objects.filter(project=project).earliest("pk")
    assert [snapshots.new_since(project, *bounds) for bounds in ((0, 9), (0, 2), (first.pk, 9))] == [4, 2, 3]


def test_files_for_runs_hold_letters_as_they_are_written(tmp_path: Path) -> None:
    project = make_project()
    put(project, "demonstrations", {"prompt": "Où?", "completion": "Là-bas."})
    put(project, "rankings", ranking("Où?", 1, 2))
    snapshots.write_prompts(prompts=project.prompts.all(), path=tmp_path / "prompts")
    snapshots.write_demonstrations(project=project, path=tmp_path / "demonstrations")
    taken = snapshots.take(project=project)
    files = [tmp_path / "prompts", tmp_path / "demonstrations"]
    files.append(artifacts.local_folder(taken.artifact) / snapshots.FILE_NAME)
    assert ["Où?" in path.read_text(encoding="utf-8") for path in files] == [True] * 3


def test_a_file_that_was_written_just_before_a_withdrawal_is_removed_and_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project()
    judged(project)
    write = snapshots._write

    def and_then_alice_withdraws(project: Project, path: Path) -> snapshots.Counts:
        counts = write(project, path)
        if not Withdrawal.objects.exists():
            erasure.withdraw_annotator(project=project, pseudonym="alice")
        return counts

    monkeypatch.setattr(snapshots, "_write", and_then_alice_withdraws)
    snapshot = snapshots.take(project=project)
    assert Artifact.objects.get() == snapshot.artifact
    assert len(list((tmp_path / "artifacts").rglob(snapshots.FILE_NAME))) == 1
    assert "alice" not in {record.annotator for record in records(snapshot)}


@pytest.mark.parametrize("what", ["rankings", "demonstrations", "prompts"])
def test_writing_what_runs_train_on_stops_between_batches(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: str
) -> None:
    """Where one is wanted while the second of three batches of two is read, no third is."""
    monkeypatch.setattr(scope, "CHUNK", 2)
    project = make_project()
    for number in range(6):
        put(project, "rankings", ranking(f"Which {number}?", 2, 1))
        put(project, "demonstrations", {"prompt": f"What is {number}?", "completion": "one more"})
    path = tmp_path / "written.jsonl"
    writers: dict[str, Callable[[], object]] = {
        "rankings": lambda: snapshots.take(project=project),
        "demonstrations": lambda: snapshots.write_demonstrations(project=project, path=path),
        "prompts": lambda: snapshots.write_prompts(prompts=Prompt.objects.order_by("pk")[:6], path=path),
    }
    write = writers[what]
    looks: list[int] = []

    def is_wanted() -> bool:
        looks.append(1)
        return len(looks) == 2

    with preparing.stopped_by(is_wanted), pytest.raises(Stopped):
        write()
    assert len(looks) == 2
    assert not Snapshot.objects.exists()
    if what != "rankings":
        assert len(path.read_text().splitlines()) == 2
    write()  # by a command, which nobody stops
    if what != "rankings":
        assert len(path.read_text().splitlines()) == 6
