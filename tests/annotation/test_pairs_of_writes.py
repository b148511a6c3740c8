"""Every two functions of the write path that touch a task or an annotator, at the same rows at the same moment.

Each pair runs at ``CONCORD_PAIR_ROUNDS`` places (tests.annotation.places; one in the suite, many by hand). A function
may be refused in words; it may not fail in any other way, nor wait in a circle. What must hold afterwards is asked of
the whole project. A new function joins ``WRITES``, or says in ``ELSEWHERE`` why it need not.
"""

import ast
import logging
import os
import random
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from annotation import members, people
from annotation.checking import adjudication, control, standing
from annotation.collecting import asking, demonstrating, flags, queue, ranking, rating
from annotation.errors import AnnotationError
from annotation.files import intake
from annotation.files.intake import single
from annotation.files.intake.sampled import SampledPrompt
from annotation.files.intake.tasks import set_priorities
from annotation.files.splitting import split_prompts
from annotation.models import Demonstration, Membership, Project, Task
from annotation.withdrawal import erasure
from tests.annotation.judging import Job, beside_each_other
from tests.annotation.places import Scene, Untouched, make_places

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = int(os.environ.get("CONCORD_PAIR_ROUNDS", "1"))


def _scores(place: Scene) -> list[dict[str, int | None]]:
    axes = rating.axes_of(place.project)
    return [{axis.name: axis.most for axis in axes} for _ in range(2)]


def _again(place: Scene) -> Demonstration:
    return Demonstration.objects.get(pk=place.waiting.pk)


def _ranks(place: Scene, annotator: str) -> dict[str, Any]:
    """A line of rankings by one of the cast, of the first task."""
    completions = [{**value, "rank": 2 - n} for n, value in enumerate(place.line["completions"])]
    line = {name: place.line[name] for name in ("prompt", "task")}
    return {**line, "completions": completions, "annotator": place.people[annotator].pseudonym}


WRITES: dict[str, Callable[[Scene], object]] = {
    "claim, reopening": lambda p: queue.claim(annotator=p.people["alice"]),
    "claim": lambda p: queue.claim(annotator=p.people["judy"]),
    "claim, maybe a check": lambda p: queue.claim(annotator=p.people["frank"]),
    "reserve": lambda p: queue.reserve(annotator=p.people["alice"]),
    "renew": lambda p: queue.renew(
        assignment=p.in_hand, annotator=p.people["alice"], draft={"verdict": "ranked"}
    ),
    "submit": lambda p: ranking.submit(
        assignment=p.in_hand, annotator=p.people["alice"], verdict="ranked", ranks=[2, 1]
    ),
    "submit, late": lambda p: ranking.submit(
        assignment=p.ended, annotator=p.people["erin"], verdict="ranked", ranks=[1, 1]
    ),
    "submit and go on": lambda p: queue.answer_and_claim(
        lambda: ranking.submit.inside(
            assignment=p.in_hand, annotator=p.people["alice"], verdict="ranked", ranks=[1, 2]
        )
    ),
    "submit late and go on": lambda p: queue.answer_and_claim(
        lambda: ranking.submit.inside(
            assignment=p.ended, annotator=p.people["erin"], verdict="ranked", ranks=[2, 1]
        )
    ),
    "rate and go on": lambda p: queue.answer_and_claim(
        lambda: rating.submit.inside(assignment=p.to_rate, annotator=p.people["grace"], scores=_scores(p))[0]
    ),
    "revise": lambda p: ranking.revise(ranking=p.ranked, verdict="ranked", ranks=[2, 1]),
    "skip": lambda p: queue.skip(assignment=p.in_hand, annotator=p.people["alice"], reason="Not mine."),
    "release": lambda p: queue.release(assignment=p.in_hand, annotator=p.people["alice"]),
    "expire": lambda p: queue.expire(),
    "flag": lambda p: flags.raise_flag(
        assignment=p.in_hand, annotator=p.people["alice"], category="other", words="odd", passing=True
    ),
    "flag many": lambda p: flags.flag_tasks(
        tasks=Task.objects.filter(project=p.project), by=p.people["bob"], category="private"
    ),
    "resolve": lambda p: flags.resolve(flags=[p.flag], resolution="Seen.", by=p.carol),
    "mark gold": lambda p: control.mark_gold(
        project=p.project, tasks=[p.task.key], from_annotator=p.people["bob"].pseudonym
    ),
    "unmark gold": lambda p: control.unmark_gold(project=p.project, tasks=[p.gold]),
    "adjudicate": lambda p: adjudication.decide(project=p.project, task=p.task, user=p.carol, ranks=[1, 2]),
    "configure": lambda p: control.configure(project=p.project, least_checks=random.randint(1, 9)),
    "change project": lambda p: people.change_project(project=p.project, guidelines=f"{random.random()}"),
    "change overlap, if unchanged": lambda p: intake.configure_project(
        project=p.project, annotators_per_task=random.randint(1, 4), name="Kind", check=lambda project: None
    ),
    "change what is asked": lambda p: asking.change(
        project=p.project,
        rating_axes=p.project.rating_axes,
        ask_strength=True,
        review_demonstrations=True,
        demonstration_least_characters=1,
    ),
    "pause": lambda p: standing.pause(annotator=p.people["alice"], why="Slowly.", by=p.carol),
    "resume": lambda p: standing.resume(annotator=p.people["alice"], why="Go on.", by=p.carol),
    "review standing": lambda p: standing.review(annotator=p.people["bob"]),
    "rate": lambda p: rating.submit(assignment=p.to_rate, annotator=p.people["grace"], scores=_scores(p)),
    "rate again": lambda p: rating.revise(assignment=p.rated, annotator=p.people["ivan"], scores=_scores(p)),
    "write": lambda p: demonstrating.submit(assignment=p.to_write, annotator=p.people["heidi"], text="Mine."),
    "write again": lambda p: demonstrating.revise(
        demonstration=_again(p), annotator=p.people["frank"], text="Better."
    ),
    "review": lambda p: demonstrating.claim_review(reviewer=p.people["ivan"]),
    "accept": lambda p: demonstrating.accept(
        demonstration=_again(p), reviewer=p.people["ivan"], text="Edited."
    ),
    "send back": lambda p: demonstrating.send_back(
        demonstration=_again(p), reviewer=p.people["ivan"], comment="Say more."
    ),
    "demonstrate": lambda p: intake.add_demonstration(
        prompt=p.task.prompt, annotator=p.people["frank"], text="Also."
    ),
    "remove a member": lambda p: members.remove(
        membership=Membership(project=p.project, user=p.people["alice"].user)
    ),
    "withdraw who has it": lambda p: erasure.withdraw_annotator(
        project=p.project, pseudonym=f"alice-{_number(p)}"
    ),
    "withdraw who ranked": lambda p: erasure.withdraw_annotator(
        project=p.project, pseudonym=f"bob-{_number(p)}"
    ),
    "withdraw who wrote": lambda p: erasure.withdraw_annotator(
        project=p.project, pseudonym=f"frank-{_number(p)}"
    ),
    "withdraw the prompt": lambda p: erasure.withdraw_prompt(
        project=p.project, public_id=str(p.task.prompt.public_id)
    ),
    "import her ranking": lambda p: intake.import_values(
        project=p.project, kind="rankings", values=[_ranks(p, "alice")]
    ),
    "import his ranking": lambda p: intake.import_values(
        project=p.project, kind="rankings", values=[_ranks(p, "bob")]
    ),
    "import a task": lambda p: single.add_task(project=p.project, line=p.line),
    "import a prompt": lambda p: single.add_prompt(project=p.project, line={"prompt": "New."}),
    "sample": lambda p: intake.add_sampled_completions(
        project=p.project,
        source=p.source,
        samples=[SampledPrompt(p.task.prompt, [f"{random.random()}", f"{random.random()}"], {})],
    ),
    "ask for ratings": lambda p: intake.create_tasks(project=p.project, kind="rate", prompts=2),
    "split": lambda p: split_prompts(project=p.project, by=random.choice(["opening", "prompt"])),
    "prioritise": lambda p: set_priorities(
        project=p.project, priorities={p.task.pk: random.randint(2, 9), p.gold.pk: 3}
    ),
}
# Functions of the write path that touch neither a task nor an annotator, or are a part of those above.
ELSEWHERE = {
    "annotation.checking.adjudication._decide": "decide",
    "annotation.api.idempotency.kept": "a request, by which it calls them",
    "annotation.api.projects.patch": "configure_project, which compares; then others of the project's row",
    "annotation.configuring.configure": "configure_project; then others of the project's row",
    "annotation.configuring.create": "nobody knows the project yet",
    "annotation.api.members.patch": "memberships",
    "annotation.api.judging._drafted": "renew; the annotator's row comes first",
    "annotation.api.tasks.patch": "set_priorities; the desk comes first",
    "annotation.api.webhooks.patch": "webhooks",
    "annotation.api.revising._revised": "revise, of each kind, by which it calls them; the annotator's row comes first",
    "annotation.api.settings.patch": "settings of later stages, each in a row of its own",
    "annotation.files.intake.files._import": "import_values",
    "annotation.files.intake.overlap.change_overlap": "configure_project",
    "annotation.people.create_project": "nobody knows the project yet",
    "annotation.members.invite": "invitations",
    "annotation.members.accept": "memberships",
    "annotation.members.accept_as_newcomer": "memberships",
    "annotation.members.revoke": "invitations",
    "annotation.members.invite_again": "invitations",
    "annotation.members.change_role": "memberships",
    "annotation.tokens.create_token": "tokens",
    "annotation.files.transfers._queue_import": "a run that will import",
    "annotation.files.transfers.request_export": "a run that reads",
    "annotation.files.transfers.request_dataset": "a run that reads",
    "annotation.files.transfers._dataset_again": "request_dataset",
    "annotation.files.snapshots._name": "reads judgements; snapshots and withdrawals exclude each other",
    "annotation.withdrawal.erasure._name_snapshot": "snapshots",
    "annotation.quality.upkeep.rebuild": "totals",
    "annotation.quality.upkeep._count_batch": "totals, under a lock of their own",
    "annotation.webhooks.sending._take": "deliveries",
    "annotation.webhooks.subscribing.create": "webhooks",
    "annotation.webhooks.subscribing.change": "webhooks",
    "annotation.webhooks.subscribing.send_test": "deliveries",
}


def _number(place: Scene) -> str:
    return place.task.key.rpartition("-")[2]


@pytest.mark.long
@pytest.mark.parametrize("one", WRITES, ids=lambda name: name.replace(" ", "_"))
def test_two_writers_at_the_same_rows_wait_for_each_other_and_never_in_a_circle(
    one: str, caplog: pytest.LogCaptureFixture
) -> None:
    names = list(WRITES)
    wrong = {}
    untouched = Untouched(make_places(ROUNDS))
    with beside_each_other(2) as run, caplog.at_level(logging.WARNING, "concord.writing"):
        for other in names[names.index(one) :]:
            caplog.clear()
            complaints = [
                *_meet(untouched.places(), one, other, run),
                *(f"it began again: {record.message}" for record in caplog.records),
            ]
            if complaints:
                wrong[other] = complaints
    assert wrong == {}


def _meet(
    places: list[Scene], one: str, other: str, run: Callable[[Sequence[Job]], list[object]]
) -> list[str]:
    """What is wrong after the two met at some places of a project."""
    wrong = []
    for place in places:
        answers = run([partial(WRITES[name], place) for name in (one, other)])
        failed = [a for a in answers if isinstance(a, Exception) and not isinstance(a, AnnotationError)]
        wrong += [f"it failed: {error!r}" for error in failed]
    return wrong + [f"it does not hold that {name}: {pk}" for name, pk in _not_holding(places[0].project)]


def _not_holding(project: Project) -> list[tuple[str, int]]:
    """What does not hold in a project, each with a row of which it does not."""
    with connection.cursor() as cursor:
        cursor.execute(_FAULTS, {"project": project.pk})
        return [(list(HOLDS)[number], pk) for number, pk in cursor.fetchall()]


# Statements that find rows of which it is not so.
HOLDS = {
    "a slot is held by somebody who has the task or has judged it": """
        SELECT slot.id FROM annotation_slot slot
        WHERE slot.project_id = %(project)s AND slot.annotator_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM annotation_assignment held
            WHERE held.task_id = slot.task_id AND held.annotator_id = slot.annotator_id
            AND held.status IN ('open', 'submitted'))
    """,
    "who has a task with slots, or has judged it, holds one": """
        SELECT held.id FROM annotation_assignment held
        JOIN annotation_annotator annotator ON annotator.id = held.annotator_id
        WHERE held.project_id = %(project)s AND held.status IN ('open', 'submitted')
        AND annotator.withdrawn_at IS NULL
        AND EXISTS (SELECT FROM annotation_slot slot WHERE slot.task_id = held.task_id)
        AND NOT EXISTS (
            SELECT FROM annotation_slot slot
            WHERE slot.task_id = held.task_id AND slot.annotator_id = held.annotator_id)
    """,
    "nobody judges beside the slots of a task that is collected": """
        SELECT held.id FROM annotation_assignment held
        JOIN annotation_task task ON task.id = held.task_id JOIN annotation_prompt prompt ON prompt.id = task.prompt_id
        WHERE held.project_id = %(project)s AND held.status = 'open' AND task.purpose = 'collect'
        AND NOT EXISTS (
            SELECT FROM annotation_slot slot
            WHERE slot.task_id = held.task_id AND slot.annotator_id = held.annotator_id)
    """,
    "gold has no slots": """
        SELECT slot.id FROM annotation_slot slot JOIN annotation_task task ON task.id = slot.task_id
        WHERE slot.project_id = %(project)s AND task.purpose <> 'collect'
    """,
    "a slot has its task's priority": """
        SELECT slot.id FROM annotation_slot slot JOIN annotation_task task ON task.id = slot.task_id
        WHERE slot.project_id = %(project)s AND task.priority <> slot.priority
    """,
    "who has submitted a ranking has one that stands, but of what was withdrawn": """
        SELECT held.id FROM annotation_assignment held
        JOIN annotation_task task ON task.id = held.task_id JOIN annotation_prompt prompt ON prompt.id = task.prompt_id
        JOIN annotation_annotator annotator ON annotator.id = held.annotator_id
        WHERE held.project_id = %(project)s AND held.status = 'submitted' AND task.kind = 'rank'
        AND prompt.withdrawn_at IS NULL AND annotator.withdrawn_at IS NULL
        AND 1 <> (SELECT count(*) FROM annotation_ranking said
            WHERE said.task_id = held.task_id AND said.annotator_id = held.annotator_id AND said.is_current)
        AND NOT EXISTS (
            SELECT FROM annotation_taskcompletion entry JOIN annotation_completion text ON text.id = entry.completion_id
            JOIN annotation_source wrote ON wrote.id = text.source_id
            JOIN annotation_annotator author ON author.id = wrote.annotator_id
            WHERE entry.task_id = task.id AND author.withdrawn_at IS NOT NULL)
    """,
    "a chain of rankings has one end": """
        SELECT supersedes_id FROM annotation_ranking WHERE project_id = %(project)s AND supersedes_id IS NOT NULL
        GROUP BY supersedes_id HAVING count(*) > 1
    """,
    "the comparisons of a ranking that stands are the pairs of its tiers, and of another there are none": """
        SELECT said.id FROM annotation_ranking said WHERE said.project_id = %(project)s AND (
            SELECT array_agg(ARRAY[preferred_id, rejected_id, tie::int] ORDER BY preferred_id, rejected_id)
            FROM annotation_comparison WHERE ranking_id = said.id
        ) IS DISTINCT FROM (
            SELECT array_agg(ARRAY[better.completion_id, worse.completion_id, (one.tier = other.tier)::int]
                ORDER BY better.completion_id, worse.completion_id)
            FROM unnest(said.tiers) WITH ORDINALITY one (tier, place)
            JOIN unnest(said.tiers) WITH ORDINALITY other (tier, place)
                ON one.tier < other.tier OR one.tier = other.tier AND one.place < other.place
            JOIN annotation_taskcompletion better
                ON better.task_id = said.task_id AND better.position = one.place - 1
            JOIN annotation_taskcompletion worse
                ON worse.task_id = said.task_id AND worse.position = other.place - 1
            WHERE said.is_current)
    """,
    "nothing that was withdrawn is judged or asked": """
        SELECT task.id FROM annotation_task task JOIN annotation_prompt prompt ON prompt.id = task.prompt_id
        WHERE task.project_id = %(project)s AND prompt.withdrawn_at IS NOT NULL AND (
            EXISTS (SELECT FROM annotation_ranking said WHERE said.task_id = task.id AND said.is_current)
            OR EXISTS (SELECT FROM annotation_slot slot WHERE slot.task_id = task.id AND slot.annotator_id IS NULL)
            OR EXISTS (SELECT FROM annotation_assignment held
                WHERE held.task_id = task.id AND held.status IN ('open', 'expired')))
    """,
    "nothing that was withdrawn can be read": """
        SELECT text.id FROM annotation_completion text JOIN annotation_prompt prompt ON prompt.id = text.prompt_id
        WHERE prompt.project_id = %(project)s AND prompt.withdrawn_at IS NOT NULL AND text.text <> ''
        UNION ALL
        SELECT written.id FROM annotation_demonstration written
        JOIN annotation_prompt prompt ON prompt.id = written.prompt_id
        LEFT JOIN annotation_annotator author ON author.id = written.author_id
        WHERE prompt.project_id = %(project)s AND written.text <> ''
        AND (prompt.withdrawn_at IS NOT NULL OR author.withdrawn_at IS NOT NULL)
    """,
    "who was withdrawn has nothing in hand, and nothing of theirs stands": """
        SELECT annotator.id FROM annotation_annotator annotator
        WHERE annotator.project_id = %(project)s AND annotator.withdrawn_at IS NOT NULL AND (
            EXISTS (SELECT FROM annotation_assignment held
                WHERE held.annotator_id = annotator.id AND held.status IN ('open', 'expired'))
            OR EXISTS (SELECT FROM annotation_ranking said WHERE said.annotator_id = annotator.id AND said.is_current))
    """,
}
_FAULTS = " UNION ALL ".join(
    f"SELECT {number}, fault.* FROM ({select}) fault" for number, select in enumerate(HOLDS.values())
)


def test_every_function_of_the_write_path_is_in_the_table_or_says_why_not() -> None:
    named = set(ELSEWHERE)
    for call in WRITES.values():
        named |= _called(call)
    assert set(_written()) == named & set(_written()), set(_written()) - named
    assert set(ELSEWHERE) <= set(_written())


def _called(call: Callable[[Scene], object]) -> set[str]:
    """The functions of annotation whose names stand in a row of the table."""
    names = set(call.__code__.co_names)
    called = set()
    for name in _written():
        _, *rooms, function = name.split(".")
        if function in names and (names & set(rooms) or globals().get(function)):
            called.add(name)
    return called


@cache
def _written() -> dict[str, ast.FunctionDef]:
    functions = {}
    for path in sorted(Path(settings.BASE_DIR, "annotation").rglob("*.py")):
        module = ".".join(path.relative_to(settings.BASE_DIR).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and any(
                isinstance(mark, ast.Name) and mark.id == "write" for mark in node.decorator_list
            ):
                functions[f"{module}.{node.name}"] = node
    return functions
