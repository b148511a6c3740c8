"""The database holds the invariants: each named constraint of annotation refuses the row that breaks it."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils import timezone

from annotation.collecting import queue, ranking
from annotation.models import (
    Annotator,
    ApiToken,
    Assignment,
    Completion,
    Delivery,
    Demonstration,
    Flag,
    GuidelineVersion,
    KeptAnswer,
    Membership,
    Project,
    Prompt,
    Ranking,
    Rating,
    Slot,
    Snapshot,
    Source,
    StandingChange,
    Tally,
    Task,
    TaskCompletion,
    Transfer,
    Webhook,
    Withdrawal,
)
from runs.models import Artifact, Run
from tests.annotation.factories import make_annotator, make_project, make_tasks, make_user, put
from tests.annotation.judging import taken
from tests.worlds import once_a_module

pytestmark = pytest.mark.django_db
Status = Assignment.Status


@dataclass
class World:
    """Alice has ranked the first of two tasks of three completions, and Bob holds the second."""

    project: Project
    alice: Annotator
    bob: Annotator
    task: Task
    other: Task
    ranking: Ranking
    in_hand: Assignment


def make_world() -> World:
    project = make_project()
    alice, bob = make_annotator(project), make_annotator(project)
    put(project, "ratings", {"prompt": "Rate.", "completion": "a", "score": 1, "annotator": "carol"})
    put(project, "demonstrations", {"prompt": "Write.", "completion": "a", "annotator": "carol"})
    task, other = make_tasks(project, 2, completions=3)
    ranked = ranking.submit(assignment=taken(alice), annotator=alice, verdict="ranked", ranks=[1, 2, 2])
    return World(project, alice, bob, task, other, ranked, taken(bob))


_rows, world = once_a_module(make_world)


def again(row: Model, **changes: Any) -> Model:
    """Insert a copy of ``row`` with ``changes``, and nothing else in the way."""
    fields = {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields if not f.primary_key}
    if "public_id" in fields:
        fields["public_id"] = uuid.uuid4()
    return type(row)._default_manager.create(**{**fields, **changes})


def assign(w: World, task: Task, annotator: Annotator, status: str, **fields: Any) -> None:
    now = timezone.now()
    Assignment.objects.create(
        task=task,
        project=w.project,
        annotator=annotator,
        status=status,
        expires_at=now,
        order_shown=[0, 1, 2],
        **{"closed_at": None if status == Status.OPEN else now, **fields},
    )


def snapshot(w: World) -> None:
    artifact = Artifact.objects.create(digest="a" * 64, kind="snapshot", files={})
    for _ in range(2):
        Snapshot.objects.create(
            project=w.project, digest="d", artifact=artifact, rankings=1, comparisons=1, last_ranking_id=1
        )


def flag(w: World, **fields: Any) -> Flag:
    values = {"task": w.task, "annotator": w.alice, "prompt": w.task.prompt, "category": "broken", **fields}
    return Flag.objects.create(project=w.project, **values)


def tally(w: World, **fields: Any) -> Tally:
    fields = {"kind": "habits", "annotator": w.alice, "tasks": 1, "sums": [], "products": [], **fields}
    return Tally.objects.create(project=w.project, **fields)


def twice(model: Any) -> Callable[[World], object]:
    return lambda w: again(model.objects.filter(project=w.project).exclude(import_key=None).get())


def doubled(model: Any, w: World) -> None:
    """Two current answers of one assignment."""
    row = model.objects.get()
    for _ in range(2):
        again(row, assignment_id=w.in_hand.pk, import_key=None)


CASES: dict[str, Callable[[World], object]] = {
    "project_ranks_2_to_9": lambda w: Project.objects.filter(pk=w.project.pk).update(completions_per_task=10),
    "project_someone_annotates": lambda w: Project.objects.update(annotators_per_task=0),
    "membership_one_role_a_project": lambda w: again(
        Membership.objects.get(user=w.alice.user), role="researcher"
    ),
    "guideline_version_once": lambda w: again(
        GuidelineVersion.objects.create(project=w.project, number=9, text="Be kind.")
    ),
    "annotator_pseudonym_once": lambda w: again(w.alice, user_id=None),
    "annotator_account_once": lambda w: again(w.alice, pseudonym="Alice again"),
    "annotator_simulated_has_no_account": lambda w: again(
        w.alice, pseudonym="robot", user_id=make_user().pk, simulated=True
    ),
    "source_name_once": lambda w: again(Source.objects.get(project=w.project, name="import")),
    "source_only_a_person_is_an_annotator": lambda w: Source.objects.create(
        project=w.project, kind="import", name="mine", annotator=w.alice
    ),
    "prompt_once": lambda w: again(Prompt.objects.get(tasks=w.task)),
    "completion_once_a_source": lambda w: again(Completion.objects.filter(entries__task=w.task)[0]),
    "snapshot_once": snapshot,
    "task_key_once": lambda w: again(w.task),
    "entry_position_once": lambda w: again(
        w.task.entries.all()[0], completion_id=w.other.entries.all()[0].completion_id
    ),
    "entry_completion_once": lambda w: again(w.task.entries.all()[0], position=9),
    "slot_number_once": lambda w: again(Slot.objects.get(task=w.task), annotator_id=None),
    "slot_annotator_once_a_task": lambda w: again(Slot.objects.get(task=w.task), number=8),
    "assignment_one_open": lambda w: assign(w, w.task, w.bob, Status.OPEN),
    "assignment_once_a_task": lambda w: assign(w, w.task, w.alice, Status.SKIPPED),
    "assignment_closed_has_a_time": lambda w: assign(w, w.other, w.alice, Status.RELEASED, closed_at=None),
    "ranking_one_current": lambda w: again(w.ranking, assignment_id=None),
    "ranking_imported_once": lambda w: [
        again(w.ranking, assignment_id=None, is_current=False, import_key="k") for _ in range(2)
    ],
    "ranking_tiers_exactly_when_ranked": lambda w: again(
        w.ranking, assignment_id=None, is_current=False, verdict="all_bad"
    ),
    "ranking_active_seconds_not_negative": lambda w: again(
        w.ranking, assignment_id=None, is_current=False, active_seconds=-0.001
    ),
    "comparison_once": lambda w: again(w.ranking.comparisons.all()[0], tie=True),
    "comparison_of_two": lambda w: w.ranking.comparisons.update(
        rejected=w.task.entries.all()[0].completion_id, preferred=w.task.entries.all()[0].completion_id
    ),
    "task_measures_by_ranking": lambda w: Task.objects.filter(pk=w.task.pk).update(
        kind="rate", purpose="gold", gold_tiers=[1, 2, 2]
    ),
    "task_kind_known": lambda w: Task.objects.filter(pk=w.task.pk).update(kind="paint"),
    "rating_imported_once": twice(Rating),
    "rating_one_current": lambda w: doubled(Rating, w),
    "rating_active_seconds_not_negative": lambda w: Rating.objects.update(active_seconds=-0.001),
    "demonstration_one_current": lambda w: doubled(Demonstration, w),
    "demonstration_reviewed_by_another": lambda w: Demonstration.objects.update(
        author=w.alice, reviewer=w.alice
    ),
    "demonstration_sent_back_says_why": lambda w: Demonstration.objects.update(
        review="sent_back", reviewer=w.bob
    ),
    "demonstration_waits_for_a_reviewer": lambda w: Demonstration.objects.update(
        review="waiting", reviewer=w.bob
    ),
    "demonstration_review_known": lambda w: Demonstration.objects.update(review="praised"),
    "demonstration_imported_once": twice(Demonstration),
    "annotator_withdrawn_has_no_account": lambda w: Annotator.objects.filter(pk=w.alice.pk).update(
        withdrawn_at=timezone.now()
    ),
    "standing_change_says_why": lambda w: StandingChange.objects.create(
        annotator=w.alice, standing="paused", why="", last_ranking_id=0
    ),
    "task_gold_has_an_order": lambda w: Task.objects.filter(pk=w.task.pk).update(purpose="gold"),
    "task_repeat_has_a_first": lambda w: Task.objects.filter(pk=w.task.pk).update(purpose="repeat"),
    "task_repeated_once": lambda w: [
        again(w.task, key=key, purpose="repeat", repeats_id=w.task.pk) for key in ("one", "two")
    ],
    "flag_once_until_resolved": lambda w: [flag(w) for _ in range(2)],
    "flag_by_an_annotator_at_a_task": lambda w: flag(w, annotator=None),
    "flag_resolved_says_how": lambda w: flag(w, resolved_at=timezone.now()),
    "tally_once": lambda w: [tally(w) for _ in range(2)],
    "tally_of_two_exactly_when_pair": lambda w: tally(w, kind="pair"),
    "project_random_share_is_a_share": lambda w: Project.objects.update(random_share=1.01),
    "api_token_may_something": lambda w: ApiToken.objects.create(
        user=make_user(), digest="d", scopes=[], expires_at=timezone.now()
    ),
    "kept_answer_once": lambda w: [
        KeptAnswer.objects.create(user=user, key="once", request_digest="d") for user in [make_user()] * 2
    ],
    "webhook_hears_something": lambda w: Webhook.objects.create(project=w.project, events=[]),
    "delivery_delivered_has_a_time": lambda w: Delivery.objects.create(
        webhook=Webhook.objects.create(project=w.project, events=["run.ended"]), status="delivered"
    ),
    "withdrawal_of_one": lambda w: Withdrawal.objects.create(project=w.project, erased={}),
    "transfer_import_has_a_file": lambda w: Transfer.objects.create(
        run=Run.objects.create(kind="import"), project=w.project, direction="import", kind="prompts"
    ),
}


def refused_by(change: Callable[[], object]) -> str:
    """The name of the constraint that refuses ``change``."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        change()
    return str(getattr(caught.value.__cause__, "diag").constraint_name)  # noqa: B009 (psycopg's, untyped here)


@pytest.mark.parametrize("name", CASES)
def test_a_row_that_breaks_it_is_refused_by(name: str, world: World) -> None:
    assert refused_by(lambda: CASES[name](world)) == name


def test_a_ranked_ranking_without_tiers_is_refused(world: World) -> None:
    broken = refused_by(lambda: again(world.ranking, assignment_id=None, is_current=False, tiers=[]))
    assert broken == "ranking_tiers_exactly_when_ranked"


def test_an_open_assignment_with_a_time_of_closing_is_refused(world: World) -> None:
    queue.release(assignment=world.in_hand, annotator=world.bob)
    broken = refused_by(lambda: assign(world, world.other, world.bob, Status.OPEN, closed_at=timezone.now()))
    assert broken == "assignment_closed_has_a_time"


def test_every_named_constraint_has_a_row_that_breaks_it() -> None:
    models = apps.get_app_config("annotation").get_models()
    assert {constraint.name for model in models for constraint in model._meta.constraints} == CASES.keys()


def test_what_the_partial_constraints_leave_open_is_stored(world: World) -> None:
    """Free slots are many, and whoever handed a task back may have it again."""
    for number in (8, 9):
        Slot.objects.create(project=world.project, task=world.task, number=number)
    for status in (Status.RELEASED, Status.EXPIRED, Status.RELEASED):
        assign(world, world.other, world.alice, status)
    again(world.ranking, assignment_id=None, is_current=False)
    assert TaskCompletion.objects.filter(task=world.task).count() == 3
