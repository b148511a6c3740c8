"""What happened, written down for each webhook that hears of it, in the transaction of what happened."""

from contextlib import suppress
from typing import Any

import orjson
from django.db import transaction
from django.utils import timezone

from annotation.models import Assignment, Delivery, Project, Slot, Task, Webhook
from runs.kinds import kind_of
from runs.models import Run

Event = Webhook.Event


# What a judgement may bring about.
OF_JUDGEMENTS = (Event.TASK_COMPLETED, Event.PROJECT_COMPLETED)
# Whether anybody would be told of such an event in a project: asked by the statement that brings it about.
HEARS = f"""
    EXISTS (SELECT FROM annotation_webhook
        WHERE active AND project_id = %(project)s
        AND events && ARRAY[{", ".join(f"'{event}'" for event in OF_JUDGEMENTS)}]::varchar[])
"""


def task_judged(*, assignment: Assignment) -> None:
    """Tell of a task whose last annotator has just submitted; the assignment is closed in this transaction.

    Only where somebody ``HEARS`` of it. Locks the task's row, so that of two who submit at the same moment the second
    one sees the first: one of them is the last.
    """
    task = Task.objects.select_for_update(of=("self",), no_key=True).get(pk=assignment.task_id)
    if not _is_complete(task):
        return
    tell(
        project_id=assignment.project_id,
        event=Event.TASK_COMPLETED,
        data={
            "task": str(task.public_id),
            "key": task.key,
            "kind": task.kind,
            "judgements": Slot.objects.filter(task=task).count(),
        },
    )
    _project_judged(assignment.project_id)


def _project_judged(project_id: int) -> None:
    """Tell of a project where nothing is left to be judged: no place is free, and whoever holds one has submitted.

    Tasks that measure or decide are no part of it. Once no place is free it locks the project's row, last of all, so
    that of two who submit the last two at the same moment the second one sees the first.
    """
    if not Webhook.objects.hearing(Event.PROJECT_COMPLETED).filter(project=project_id).exists():
        return
    if Slot.objects.filter(project=project_id, annotator=None).exists():
        return
    Project.objects.select_for_update(no_key=True).only("pk").get(pk=project_id)
    in_hand = Assignment.objects.open().filter(project=project_id, task__purpose=Task.Purpose.COLLECT)
    if Slot.objects.filter(project=project_id, annotator=None).exists() or in_hand.exists():
        return
    tell(project_id=project_id, event=Event.PROJECT_COMPLETED, data={})


def _is_complete(task: Task) -> bool:
    return bool(getattr(Task.objects.with_complete().get(pk=task.pk), "complete"))  # noqa: B009 (an annotation)


def run_ended(run: Run) -> None:
    """Tell of a run's end, whatever it is. Runs without a project are nobody's."""
    project = Project.objects.filter(slug=kind_of(run).project(run)).only("pk").first()
    if project is None:
        return
    # Why is not said: a reason may quote what stood in a file. The id is the one that the API and the pages know.
    data = {"run": run.pk, "kind": run.kind, "status": run.status}
    tell(project_id=project.pk, event=Event.RUN_ENDED, data=data)


def version_proposed(*, project_id: int, of: str, number: int, proposal: str, in_use: bool) -> None:
    """Tell of a version that a run or somebody has made. ``of`` is "reward_model" or "policy"; ``proposal`` says what
    its comparison with the one in use came to (rewardmodel.proposals), and is empty where there was none."""
    data = {"of": of, "number": number, "proposal": proposal, "in_use": in_use}
    tell(project_id=project_id, event=Event.VERSION_PROPOSED, data=data)


def tell(*, project_id: int, event: str, data: dict[str, Any], only: Webhook | None = None) -> None:
    """A delivery for each webhook of the project that hears of ``event``, or for ``only`` one; sent once committed."""
    hooks = Webhook.objects.hearing(event).filter(project=project_id) if only is None else [only]
    body = orjson.dumps(
        {
            "type": event,
            "timestamp": timezone.now().isoformat(),
            "data": {"project": Project.objects.values_list("slug", flat=True).get(pk=project_id), **data},
        }
    ).decode()
    deliveries = Delivery.objects.bulk_create(
        Delivery(webhook=hook, event=event, body=body) for hook in hooks
    )
    if deliveries:
        transaction.on_commit(_hint)


def _hint() -> None:
    """Losing it costs one sweep, so a broker that is down is no error here."""
    from annotation.tasks import send_webhooks

    # Any transport has its own errors.
    with suppress(Exception):
        send_webhooks.apply_async(queue="webhooks", retry=False)
