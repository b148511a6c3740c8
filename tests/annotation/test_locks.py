"""Who waits for whom: imports keep settings and annotators waiting for nothing, and what Postgres gave up begins again.

Every two writers at the same rows: test_pairs_of_writes.py.
"""

import ast
import gzip
import io
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from annotation import locks
from annotation.checking import control
from annotation.collecting import asking, queue, ranking
from annotation.errors import BadRequest, Busy, LeaseOver
from annotation.files import export, intake
from annotation.files.intake.files import BATCH_LINES
from annotation.models import Annotator, Assignment, Project, Ranking, Source
from annotation.withdrawal import erasure
from runs.writing import write
from tests import locking
from tests.annotation.factories import lines_of, make_annotator, make_project, make_tasks, make_user
from tests.annotation.judging import at_once, submit, taken

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 30


@contextmanager
def importing(project: Project, annotator: str) -> Iterator[None]:
    """An import in the midst of its transaction: it has stored 1,000 rankings of ``annotator`` and waits for more."""
    lines = [
        {
            "prompt": f"Imported {number}",
            "completions": [{"text": "a", "rank": 1}, {"text": "b", "rank": 2}],
            "annotator": annotator,
        }
        for number in range(BATCH_LINES)
    ]
    stored, let_go = threading.Event(), threading.Event()

    def watch(lines: int) -> None:
        stored.set()
        assert let_go.wait(SECONDS)

    job = threading.Thread(target=_import, args=(project, lines, watch))
    job.start()
    try:
        assert stored.wait(SECONDS)
        yield
    finally:
        let_go.set()
        job.join()
    assert Ranking.objects.filter(import_key__isnull=False).count() == len(lines)


def _import(project: Project, lines: list[dict[str, Any]], watch: Callable[[int], None]) -> None:
    try:
        intake.import_file(project=project, kind="rankings", stream=io.BytesIO(lines_of(lines)), watch=watch)
    finally:
        connection.close()


@contextmanager
def impatient() -> Iterator[None]:
    """Whatever waits for a lock in here is an error after two seconds."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '2s'")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 0")


def test_settings_and_annotators_wait_for_no_import() -> None:
    project = make_project(annotators_per_task=2)
    make_tasks(project, 3)
    alice = make_annotator(project)
    with importing(project, "somebody else"), impatient():
        intake.configure_project(project=project, guidelines="Shorter is better.", annotators_per_task=2)
        control.configure(project=project, least_checks=7)
        asking.change(
            project=project,
            rating_axes=project.rating_axes,
            ask_strength=True,
            review_demonstrations=True,
            demonstration_least_characters=1,
        )
        assignment = taken(alice)
        queue.renew(assignment=assignment, annotator=alice, draft={"verdict": "ranked"})
        submit(assignment, alice)
        queue.skip(assignment=taken(alice), annotator=alice, reason="Not mine.")
        assert queue.expire() == 0
    project.refresh_from_db()
    assert (project.guideline_version, project.least_checks, project.ask_strength) == (2, 7, True)


def test_settings_and_annotators_wait_for_no_export() -> None:
    """While one is being written, and while an answer of it is sent."""
    project = make_project(annotators_per_task=2)
    make_tasks(project, 3)
    alice, bob = make_annotator(project), make_annotator(project)
    submit(taken(bob), bob)
    (task, *_) = make_tasks(project, 1)
    acts = iter(
        (
            lambda: intake.configure_project(project=project, guidelines="Shorter.", annotators_per_task=3),
            lambda: erasure.withdraw_prompt(project=project, public_id=str(task.prompt.public_id)),
        )
    )

    def act(lines: int) -> None:
        with impatient():
            submit(taken(alice), alice)
            next(acts)()

    assert at_once([lambda: _exported(project, lambda lines: _beside(act, lines))]) == [1]
    sent = export.streamed(project=project, kind="rankings")
    assert next(sent)
    at_once([lambda: act(0)])
    sent.close()  # type: ignore[attr-defined]
    connection.close()


def _exported(project: Project, watch: Callable[[int], None]) -> int:
    return export.write(project=project, kind="rankings", out=io.StringIO(), watch=watch).lines


def _beside(act: Callable[[int], None], lines: int) -> None:
    """In a thread with a connection of its own, to its end."""
    assert at_once([lambda: act(lines)]) == [None]


@pytest.fixture
def _briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "PATIENCE", "200ms")


@pytest.mark.long
@pytest.mark.usefixtures("_briefly")
def test_who_would_wait_for_an_import_is_told_so_and_changes_nothing() -> None:
    project = make_project()
    (task, *_) = make_tasks(project, 2)
    public_id = str(task.prompt.public_id)
    bob = make_annotator(project)
    submit(taken(bob), bob)
    acts = (
        lambda: erasure.withdraw_prompt(project=project, public_id=public_id),
        lambda: erasure.withdraw_annotator(project=project, pseudonym=bob.pseudonym),
        lambda: control.mark_gold(project=project, from_annotator=bob.pseudonym),
        lambda: intake.create_tasks(project=project, kind="demonstrate"),
    )
    with importing(project, "somebody else"):
        for act in acts:
            with pytest.raises(Busy, match="try again when it has ended"):
                act()
    task.prompt.refresh_from_db()
    assert task.prompt.withdrawn_at is None
    assert len(control.mark_gold(project=project, from_annotator=bob.pseudonym)) == 1


@pytest.mark.long
def test_a_deadlock_begins_again_and_nobody_hears_of_it(caplog: pytest.LogCaptureFixture) -> None:
    project = make_project()
    alice, bob = make_annotator(project), make_annotator(project)
    both = threading.Barrier(2)
    tries: list[int] = []

    @write
    def in_order(*order: Annotator) -> str:
        tries.append(1)
        locks.annotator(order[0])
        if len(tries) <= 2:  # the first time of both
            both.wait(SECONDS)
        locks.annotator(order[1])
        Annotator.objects.filter(pk=order[0].pk).update(anonymous=True)
        return "done"

    with caplog.at_level(logging.WARNING, "concord.writing"):
        answers = at_once([lambda: in_order(alice, bob), lambda: in_order(bob, alice)])
    assert answers == ["done", "done"]
    assert len(tries) == 3
    assert "begins again: deadlock detected" in caplog.text


class Pipe(io.BytesIO):
    """What cannot be read again."""

    def seekable(self) -> bool:
        return False


@contextmanager
def in_the_way(row: Annotator | Source) -> Iterator[None]:
    """Somebody has this row, and wants the project's desk as soon as its holder wants the row: a circle.

    It is the other one that Postgres ends, after five seconds.
    """
    has_the_row = threading.Event()

    def close_the_circle() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL deadlock_timeout = '60s'")
            type(row)._default_manager.select_for_update().get(pk=row.pk)
            has_the_row.set()
            for _ in range(SECONDS * 100):
                cursor.execute("SELECT FROM pg_locks WHERE NOT granted")
                if cursor.fetchone() is not None:
                    break
                time.sleep(0.01)
            locks.desk(row.project, patient=True)

    with ThreadPoolExecutor(1) as pool:
        circle = pool.submit(close_the_circle)
        assert has_the_row.wait(SECONDS)
        with connection.cursor() as cursor:
            cursor.execute("SET deadlock_timeout = '5s'")
        yield
        circle.result(SECONDS)
        pool.submit(lambda: connection.close()).result()


def ranked(count: int) -> bytes:
    completions = [{"text": text, "rank": rank, "source": "m"} for rank, text in enumerate("ab", start=1)]
    line = {"completions": completions, "annotator": "ann"}
    return lines_of([{**line, "prompt": f"Imported {number}"} for number in range(count)])


def waited_for(project: Project) -> dict[str, Annotator | Source]:
    """What an import of these lines waits for: by a statement, and by a COPY in the thread that writes behind."""
    source = Source.objects.create(project=project, kind=Source.Kind.IMPORT, name="m")
    ann = Annotator.objects.create(project=project, pseudonym="ann", user=make_user("ann"))
    return {"statement": ann, "copy": source}


@pytest.mark.long
@pytest.mark.parametrize(("waits", "pack"), [("statement", bytes), ("copy", gzip.compress)])
def test_an_import_begins_again_after_a_deadlock_with_its_first_line(
    waits: str, pack: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    project = make_project()
    # Some batches, of which others are read ahead when it is ended; and it does not begin where the file does.
    count = 3 * BATCH_LINES + 5
    stream = io.BytesIO(b"before" + pack(ranked(count)))
    stream.seek(len(b"before"))
    with in_the_way(waited_for(project)[waits]):
        report = intake.import_file(project=project, kind="rankings", stream=stream)
    assert "begins again: deadlock detected" in caplog.text
    assert (report.lines, report.added, report.already) == (count, count, 0)
    assert Ranking.objects.filter(annotator__pseudonym="ann").count() == count


@pytest.mark.long
def test_an_import_of_what_cannot_be_read_again_says_that_nothing_is_stored() -> None:
    project = make_project()
    with (
        in_the_way(waited_for(project)["statement"]),
        pytest.raises(BadRequest, match="cannot be read again"),
    ):
        intake.import_file(project=project, kind="rankings", stream=Pipe(ranked(5)))
    assert not Ranking.objects.exists()


def test_what_opens_a_file_while_others_wait_for_its_rows_is_seen(tmp_path: Path) -> None:
    """That nothing else does is looked at after every test (tests/conftest.py)."""

    def opens() -> None:
        (tmp_path / "file").write_text("")

    opens()
    assert locking.seen() == []
    write(opens)()
    (seen,) = locking.seen()
    assert str(tmp_path) in seen


def test_what_is_wrong_otherwise_is_tried_once() -> None:
    project = make_project()
    alice = make_annotator(project)
    tries: list[int] = []

    @write
    def twice_the_same() -> None:
        tries.append(1)
        Annotator.objects.create(project=project, pseudonym=alice.pseudonym)

    with pytest.raises(IntegrityError):
        twice_the_same()
    assert len(tries) == 1


def test_a_repeat_whose_lease_had_ended_takes_no_judgement_after_its_prompt_was_withdrawn() -> None:
    project = make_project()
    make_tasks(project, 6, completions=2)
    control.configure(project=project, repeat_every=1)
    alice = make_annotator(project)
    while (assignment := taken(alice)).task.purpose != "repeat":
        ranking.submit(assignment=assignment, annotator=alice, verdict="ranked", ranks=[1, 2])
    Assignment.objects.filter(pk=assignment.pk).update(expires_at="2026-01-01T00:00Z")
    assert queue.expire() == 1
    erasure.withdraw_prompt(project=project, public_id=str(assignment.task.prompt.public_id))
    with pytest.raises(LeaseOver, match="A researcher has withdrawn this task"):
        ranking.submit(assignment=assignment, annotator=alice, verdict="ranked", ranks=[1, 2])
    assert not Ranking.objects.current().filter(task__prompt=assignment.task.prompt).exists()


def test_whoever_was_withdrawn_gets_nothing_more() -> None:
    project = make_project()
    make_tasks(project, 3)
    alice = make_annotator(project)
    submit(taken(alice), alice)
    erasure.withdraw_annotator(project=project, pseudonym=alice.pseudonym)
    with pytest.raises(BadRequest, match="was taken back"):
        queue.claim(annotator=alice)
    assert not Assignment.objects.open().exists()


def test_no_lock_of_rows_keeps_rows_from_pointing_at_them() -> None:
    """FOR UPDATE makes an insert that points at the row wait; nothing here changes a key."""
    places = []
    for path in _modules():
        text = path.read_text()
        places += [f"{path}:{line}" for line in _keys_locked(ast.parse(text))]
        places += re.findall(r"FOR UPDATE OF \w+|FOR UPDATE\"", text)
    assert places == []


# Transactions of another kind than ``write``'s, which begins again where Postgres gave it up.
OTHER_TRANSACTIONS = {
    "annotation/files/export/files.py": "reads",
    "annotation/files/snapshots.py": "reads",
    "annotation/files/dataset/folder.py": "reads",
    "annotation/quality/agreement.py": "reads",
    "annotation/patience.py": "reads",
    "rewardmodel/choosing.py": "reads",
    "runs/artifacts.py": "asks whether there is one",
    "runs/ends.py": "a savepoint: what a listener cannot do is logged",
}


def test_whatever_writes_begins_again_after_a_deadlock() -> None:
    names = {
        str(path.relative_to(settings.BASE_DIR))
        for path in _modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr == "atomic"
        and isinstance(node.value, ast.Name)
        and node.value.id == "transaction"
    }
    assert names == {*OTHER_TRANSACTIONS, "runs/writing.py"}


def _modules() -> list[Path]:
    folders = ("annotation", "rewardmodel", "rltrainer", "runs", "config", "console", "demo")
    return [path for folder in folders for path in sorted(Path(settings.BASE_DIR, folder).rglob("*.py"))]


def _keys_locked(module: ast.Module) -> Iterator[int]:
    """The lines on which rows are locked for a change of their keys."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            keyed = not any(one.arg == "no_key" for one in node.keywords)
            if node.func.attr == "select_for_update" and keyed:
                yield node.lineno
