"""Which queue each task on time goes to, and that somebody works at it."""

from pathlib import Path

import pytest
from django.conf import settings

from annotation import tasks
from annotation.webhooks import telling
from config.celery import app
from config.running.services import services
from config.running.supervisor import END_SECONDS

# Each takes a moment: rows alone, found by an index. Sweeps of leases and runs are never to wait for more.
QUICK = {"runs.sweep", "annotation.expire_assignments", "annotation.forget_old", "rewardmodel.retrain"}


def test_only_what_takes_a_moment_stands_before_a_sweep() -> None:
    schedule = app.conf.beat_schedule.values()
    assert {entry["task"] for entry in schedule if entry["options"]["queue"] == "quick"} == QUICK


def test_what_may_take_longer_than_its_turn_does_not_pile_up() -> None:
    slow = [entry for entry in app.conf.beat_schedule.values() if entry["options"]["queue"] != "quick"]
    assert slow
    assert [entry["task"] for entry in slow if entry["options"].get("expires") != entry["schedule"]] == []


def test_every_task_on_time_is_known_and_its_queue_has_a_worker(tmp_path: Path) -> None:
    app.loader.import_default_modules()
    names = {service.name for service in services(address="localhost:8000", home=tmp_path)}
    for entry in app.conf.beat_schedule.values():
        assert entry["task"] in app.tasks
        assert f"worker-{entry['options']['queue']}" in names


def test_a_worker_has_time_to_end_its_child_and_give_the_run_back() -> None:
    # What it does besides: half a second between two looks, the last rows, Celery's own end.
    assert END_SECONDS >= settings.RUN_STOP_SECONDS + 8


def test_the_hint_that_a_message_is_due_goes_to_the_queue_of_messages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(tasks.send_webhooks, "apply_async", lambda queue, **_: sent.append(queue))
    telling._hint()
    assert sent == ["webhooks"]
