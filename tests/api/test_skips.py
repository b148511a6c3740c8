"""Skips through a program: what was passed over, by whom and why, narrowed and in the order in which it happened."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from annotation import counting
from annotation.collecting import flags, queue
from annotation.models import Annotator, Assignment, Flag, Project, Prompt, Task
from annotation.withdrawal import erasure
from tests.annotation.factories import make_annotator, make_tasks, put
from tests.annotation.judging import taken
from tests.api.world import Program, token_of, wrong_with
from tests.pages.cast import Cast, make_cast
from tests.pages.looking import rows_read
from tests.worlds import once_a_module

pytestmark = pytest.mark.django_db
SKIPS = "projects/helpful/skips/"
LONG_AGO = datetime(2020, 2, 3, 23, 59, tzinfo=UTC)


def taking(project: Project, **annotator: Any) -> Assignment:
    """A task in the hands of a new annotator."""
    who = make_annotator(project)
    Annotator.objects.filter(pk=who.pk).update(**annotator)
    return taken(who)


def skip(assignment: Assignment, reason: str) -> Assignment:
    queue.skip(assignment=assignment, annotator=assignment.annotator, reason=reason)
    assignment.refresh_from_db()
    return assignment


def make_skipped() -> Cast:
    """Of people and of a rule, of several kinds, new and old, with a flag, withdrawn, and of another project."""
    cast = make_cast()
    Project.objects.filter(pk=cast.project.pk).update(annotators_per_task=1)
    cast.project.refresh_from_db()
    make_tasks(cast.project, 6)
    put(cast.project, "prompts", {"prompt": "Write about pears.", "split": "train"})
    ann, ben, cid = (taking(cast.project, pseudonym=name) for name in ("ann", "ben", "cid"))
    rule = taking(cast.project, simulated=True, user=None)
    skips = [
        skip(ann, "Too long."),
        skip(ben, "Ich verstehe es nicht: 損失."),
        skip(rule, "By chance."),
        skip(cid, "Not mine."),
    ]
    flagging = make_annotator(cast.project)
    flags.raise_flag(
        assignment=taken(flagging), annotator=flagging, category="harmful", words="A name", passing=True
    )
    (written,) = Task.objects.bulk_create(
        [Task(project=cast.project, prompt=Prompt.objects.latest("pk"), kind="demonstrate", key="k")]
    )
    Assignment.objects.filter(pk=skips[3].pk).update(task=written)
    Prompt.objects.filter(project=cast.project).update(split="train")
    Prompt.objects.filter(tasks=ann.task).update(split="test")
    # The one that was taken first was skipped last but one, and two at the same moment.
    now = skips[3].closed_at
    assert now is not None
    for row, closed in zip(skips, (now, LONG_AGO, now - timedelta(days=30), now), strict=True):
        Assignment.objects.filter(pk=row.pk).update(closed_at=closed)
    gone = skip(taking(cast.project, pseudonym="gone"), "A secret.")
    erasure.withdraw_annotator(project=cast.project, pseudonym=gone.annotator.pseudonym)
    make_tasks(cast.other, 1)
    skip(taking(cast.other), "Of another project.")
    taken(make_annotator(cast.project))
    return cast


_rows, cast = once_a_module(make_skipped)


def carol(cast: Cast) -> Program:
    return Program(token_of(cast.carol))


def expected(cast: Cast, keep: Callable[[Assignment], bool]) -> list[str]:
    """By a look at every row, the oldest first; of one moment the newest row."""
    rows = [
        row
        for row in Assignment.objects.select_related("annotator", "task__prompt")
        if (row.project, row.status, row.annotator.withdrawn_at) == (cast.project, "skipped", None)
        and keep(row)
    ]
    rows.sort(key=lambda row: (row.closed_at, -row.pk))
    return [str(row.public_id) for row in rows]


def test_a_skip_says_who_passed_what_over_and_why(cast: Cast) -> None:
    stored = Assignment.objects.select_related("task__prompt", "annotator").get(annotator__pseudonym="ben")
    (row,) = carol(cast).rows(f"{SKIPS}?annotator=ben")
    assert row == {
        "id": str(stored.public_id),
        "task": str(stored.task.public_id),
        "prompt": str(stored.task.prompt.public_id),
        "annotator": str(stored.annotator.public_id),
        "pseudonym": "ben",
        "reason": "Ich verstehe es nicht: 損失.",
        "opened_at": row["opened_at"],
        "skipped_at": "2020-02-03T23:59:00Z",
    }
    assert datetime.fromisoformat(row["opened_at"]) == stored.opened_at


def flagged() -> list[Task | None]:
    return [flag.task for flag in Flag.objects.select_related("task")]


@pytest.mark.parametrize(
    ("query", "keep"),
    [
        ("", lambda row: True),
        ("annotator=ann", lambda row: row.annotator.pseudonym == "ann"),
        ("simulated=true", lambda row: row.annotator.simulated),
        ("simulated=false", lambda row: not row.annotator.simulated),
        ("until=2020-02-03", lambda row: row.closed_at == LONG_AGO),
        ("since=2020-02-04", lambda row: row.closed_at != LONG_AGO),
        ("within=week", lambda row: (datetime.now(UTC) - row.closed_at).days < 7),
        ("kind=demonstrate", lambda row: row.task.kind == "demonstrate"),
        ("purpose=collect&split=train", lambda row: row.task.prompt.split == "train"),
        ("flagged=true", lambda row: row.task in flagged()),
        ("flagged=false&kind=rank", lambda row: row.task not in flagged() and row.task.kind == "rank"),
    ],
)
def test_they_are_narrowed_by_the_words_of_other_lists(
    cast: Cast, query: str, keep: Callable[[Assignment], bool]
) -> None:
    every, kept = expected(cast, lambda row: True), expected(cast, keep)
    assert len(every) == 5
    assert kept
    assert (len(kept) < len(every)) == bool(query)
    for size in (1, 2, 200):
        rows = carol(cast).rows(f"{SKIPS}?{query}&page_size={size}" if query else f"{SKIPS}?page_size={size}")
        assert [row["id"] for row in rows] == kept


def test_those_of_one_task_are_listed_and_another_projects_names_are_unknown(cast: Cast) -> None:
    task = Assignment.objects.get(annotator__pseudonym="ann").task
    rows = carol(cast).rows(f"{SKIPS}?task={task.public_id}")
    assert {row["task"] for row in rows} == {str(task.public_id)}
    stranger = Assignment.objects.get(project=cast.other).annotator
    assert wrong_with(carol(cast).ask("GET", f"{SKIPS}?annotator={stranger.public_id}")) == ["annotator"]
    assert wrong_with(carol(cast).ask("GET", f"{SKIPS}?order=slowest")) == ["order"]


def test_whoever_reads_on_comes_to_what_is_skipped_meanwhile_though_it_was_taken_before(cast: Cast) -> None:
    in_hand = Assignment.objects.get(project=cast.project, status="open")
    program = carol(cast)
    page = program.ask("GET", f"{SKIPS}?page_size=4").json()
    queue.skip(assignment=in_hand, annotator=in_hand.annotator, reason="At last.")
    rows = page["results"] + program.rows(page["next"])
    assert len({row["id"] for row in rows}) == len(rows) == 6
    assert rows[-1]["reason"] == "At last."
    newest_first = program.rows(f"{SKIPS}?order=newest&page_size=2")
    assert newest_first[0] == rows[-1]
    moments = [row["skipped_at"] for row in newest_first]
    assert moments == sorted(moments, reverse=True)
    assert len(moments) == 6


def test_few_skips_are_found_among_many_assignments_by_their_index(cast: Cast) -> None:
    one = Assignment.objects.filter(project=cast.project, status="open").latest("pk")
    others = Annotator.objects.bulk_create(
        Annotator(project=cast.project, pseudonym=f"other {number}") for number in range(2000)
    )
    Assignment.objects.bulk_create(
        Assignment(
            project=cast.project,
            task=one.task,
            annotator=annotator,
            status="submitted",
            order_shown=one.order_shown,
            expires_at=LONG_AGO,
            closed_at=LONG_AGO,
        )
        for annotator in others
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "ANALYZE annotation_assignment, annotation_annotator, annotation_task, annotation_prompt"
        )
    client = Client()
    client.force_login(cast.carol)
    for path in ("/api/v1/" + SKIPS, "/admin/projects/helpful/flags/?show=skips", "/admin/projects/helpful/"):
        before = rows_read("annotation_assignment")
        assert client.get(path).status_code == 200
        assert rows_read("annotation_assignment") - before < 100, path


def test_no_row_is_counted_beyond_the_bound_and_no_page_reaches_there(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("console.counting.bounded", "console.pages.flags.bounded"):
        monkeypatch.setattr(module, lambda rows: counting.of(rows[:3].count(), 2))
    monkeypatch.setattr("console.pages.flags.A_PAGE", 1)
    client = Client()
    client.force_login(cast.carol)
    page = client.get("/admin/projects/helpful/flags/?show=skips&page=9").content.decode()
    assert "skips (2+)" in page
    assert "page 2 of 2+" in page
