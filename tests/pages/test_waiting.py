"""When a queued run is said to begin: by planted runs at work, before it, and done lately."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from console.pages.run import in_clock_time
from runs.models import Run
from runs.waiting import NEWEST, expected_start
from tests.pages.cast import Cast, make_cast
from tests.pages.factories import make_transfer

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def done(
    kind: str, *took: float, ago: float = 60, queue: str = "cpu", attempt: int = 1, variant: str = ""
) -> None:
    """Runs that took so many minutes, and ended so many minutes ago."""
    end = NOW - minutes(ago)
    for length in took:
        Run.objects.create(
            kind=kind, variant=variant, queue=queue, status="succeeded", attempt=attempt,
            started_at=end - minutes(length), finished_at=end,
        )  # fmt: skip


def running(
    kind: str = "import", left: float | None = None, begun: float = 1, attempt: int = 1, variant: str = ""
) -> Run:
    end = None if left is None else NOW + minutes(left)
    return Run.objects.create(
        kind=kind, variant=variant, status="running", attempt=attempt,
        started_at=NOW - minutes(begun), heartbeat_at=NOW, expected_end=end,
    )  # fmt: skip


def queued(kind: str, queue: str = "cpu", variant: str = "") -> Run:
    return Run.objects.create(kind=kind, variant=variant, queue=queue)


def start_of(run: Run, at_work: Sequence[Run]) -> float | None:
    """In minutes from now."""
    start = expected_start(run, at_work, NOW)
    return None if start is None else (start - NOW).total_seconds() / 60


def test_it_begins_when_what_is_at_work_and_what_is_before_it_is_done() -> None:
    done("fit", 8, 10, 30)
    done("import", 1, 3)
    at_work = running(left=4)
    first, _, third, _ = (queued(kind) for kind in ("fit", "import", "fit", "fit"))
    queued("fit", "gpu")
    assert start_of(first, [at_work]) == pytest.approx(4)
    assert start_of(third, [at_work]) == pytest.approx(4 + 10 + 2)  # medians, not means: 16 and 2


def test_of_several_workers_the_first_that_is_free_takes_it() -> None:
    done("fit", 10)
    at_work = [running(left=4), running(left=5)]
    runs = [queued("fit") for _ in range(4)]
    # Free at 4 and 5; then at 14 and 15
    assert [start_of(run, at_work) for run in runs] == pytest.approx([4, 5, 14, 15])


def test_a_training_takes_as_long_as_those_by_its_algorithm() -> None:
    done("train", 2, variant="sft")
    done("train", 40, variant="ppo")
    at_work = running("train", begun=30, variant="ppo")
    first, second, third = (queued("train", variant=algorithm) for algorithm in ("sft", "ppo", "sft"))
    assert start_of(first, [at_work]) == pytest.approx(10)
    assert start_of(second, [at_work]) == pytest.approx(10 + 2)
    assert start_of(third, [at_work]) == pytest.approx(10 + 2 + 40)


def test_one_at_work_without_a_rate_takes_what_is_left_of_the_usual() -> None:
    done("fit", 10)
    run = queued("fit")
    assert start_of(run, [running("fit", begun=3)]) == pytest.approx(7)
    assert start_of(run, [running("fit", begun=3, attempt=2)]) is None
    assert start_of(run, [running("fit", begun=11)]) is None


def test_nothing_is_guessed_of_what_is_not_known() -> None:
    first, second = queued("fit"), queued("fit")
    at_work = running(left=4)
    assert start_of(first, []) is None
    assert start_of(first, [at_work, running("sample")]) is None
    assert start_of(first, [at_work]) == pytest.approx(4)
    done("fit", 10, ago=31 * 24 * 60)
    done("fit", 10, queue="gpu")
    done("fit", 10, attempt=2)
    done("sample", 10)
    Run.objects.create(kind="fit", status="failed", attempt=1, started_at=NOW - minutes(9), finished_at=NOW)
    assert start_of(second, [at_work]) is None
    done("fit", 6)
    assert start_of(second, [at_work]) == pytest.approx(10)
    done("fit", *[2] * NEWEST)
    assert start_of(second, [at_work]) == pytest.approx(6)


def test_a_day_that_is_not_today_is_named() -> None:
    assert in_clock_time(NOW + minutes(65), NOW) == "13:05 UTC"
    assert in_clock_time(NOW + minutes(13 * 60), NOW) == "2026-05-05 01:00 UTC"


def test_the_page_of_a_queued_run_and_the_api_say_when_it_begins() -> None:
    cast: Cast = make_cast()
    at_work, _, last = (make_transfer(cast.project).run for _ in range(3))
    now = timezone.now()
    Run.objects.filter(pk=at_work.pk).update(
        status="running", started_at=now, heartbeat_at=now + minutes(60), expected_end=now + minutes(90)
    )
    client = Client()
    client.force_login(cast.carol)
    address = f"/admin/runs/{last.pk}/"
    runs = f"/api/v1/projects/{cast.project.slug}/runs"
    assert "begins at about" not in client.get(address).content.decode()
    assert client.get(f"{runs}/{last.pk}/").json()["expected_start"] is None
    Run.objects.create(
        kind=last.kind, status="succeeded", attempt=1, started_at=now - minutes(30), finished_at=now
    )
    text = client.get(address).content.decode()
    assert f"This run begins at about {in_clock_time(now + minutes(120), now)}." in text
    start = datetime.fromisoformat(client.get(f"{runs}/{last.pk}/").json()["expected_start"])
    assert abs((start - (now + minutes(120))).total_seconds()) < 60
    assert client.get(f"{runs}/{at_work.pk}/").json()["expected_start"] is None
