"""A run's page: why it failed, how far it is, and its curves."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone

from annotation.files import transfers, uploads
from runs import cleaning
from runs.execution import folder_of
from runs.models import Run, RunMetric
from tests.pages.cast import Cast, make_cast
from tests.pages.factories import make_transfer

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def carol(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.carol)
    return client


@pytest.mark.parametrize(
    "reason",
    [
        "The disk is full: free some space and start the run again.",
        "The GPU's memory is full: lower micro_batch_tokens.",
    ],
)
def test_a_failed_run_says_why(cast: Cast, reason: str) -> None:
    run = make_transfer(cast.project).run
    Run.objects.filter(pk=run.pk).update(
        status="failed", reason=reason, finished_at=timezone.now(), log_tail="<b>the log</b>"
    )
    text = carol(cast).get(f"/admin/runs/{run.pk}/").content.decode()
    assert "Why it failed." in text
    assert reason.replace("'", "&#x27;") in text
    assert "&lt;b&gt;the log&lt;/b&gt;" in text
    assert "hx-trigger" not in text  # nothing is asked for again


def test_a_run_on_its_way_shows_how_far_it_is_and_can_be_cancelled(cast: Cast) -> None:
    run = make_transfer(cast.project).run
    now = timezone.now()
    Run.objects.filter(pk=run.pk).update(
        status="running", started_at=now, heartbeat_at=now, doing="epoch 2 of 3", done=25, total=100
    )
    client = carol(cast)
    text = client.get(f"/admin/runs/{run.pk}/").content.decode()
    for words in ("epoch 2 of 3", 'value="25"', "25 of 100", "Cancel", "hx-get"):
        assert words in text, words
    assert client.post(f"/admin/runs/{run.pk}/cancel/").status_code == 302
    assert "Cancelling" in client.get(f"/admin/runs/{run.pk}/live/").content.decode()


@pytest.mark.parametrize(
    ("device", "processes", "words"),
    [
        ("cpu", 1, "CPU, torch 2.9.0"),
        ("cpu", 2, "CPU in each of 2 processes, torch 2.9.0"),
        ("NVIDIA H200", 8, "NVIDIA H200 in each of 8 processes, torch 2.9.0"),
    ],
)
def test_what_it_computed_on_is_told_on_its_page_and_by_the_api(
    cast: Cast, device: str, processes: int, words: str
) -> None:
    run, client = make_transfer(cast.project).run, carol(cast)
    page, api = f"/admin/runs/{run.pk}/", f"/api/v1/projects/{cast.project.slug}/runs/{run.pk}/"
    assert "<dt>Device</dt>" not in client.get(page).content.decode()
    assert client.get(api).json()["computed_on"] is None
    device_of_run = {"device": device, "processes": processes, "torch": "2.9.0"}
    Run.objects.filter(pk=run.pk).update(computed_on=device_of_run)
    assert f"<dt>Device</dt><dd>{words}</dd>" in client.get(page).content.decode()
    assert client.get(api).json()["computed_on"] == device_of_run


def test_curves_come_in_a_readers_order_without_counters_and_words(cast: Cast) -> None:
    run = make_transfer(cast.project).run
    for step in (1, 2, 3):
        figures = {
            "step": step,
            "attempt": 1,
            "seconds_update": 0.5,
            "beta": 0.05,
            "reward": step / 2,
            "note": "x",
        }
        RunMetric.objects.create(
            run=run, step=step, figures={**figures, **({"kl": 1.0} if step == 2 else {})}
        )
    answer = carol(cast).get(f"/admin/runs/{run.pk}/metrics/").json()
    assert answer["steps"] == [1, 2, 3]
    drawn = {curve["name"]: curve["values"] for curve in answer["curves"]}
    assert list(drawn) == ["reward", "kl", "beta", "seconds_update"]
    assert drawn["reward"] == [0.5, 1.0, 1.5]
    assert drawn["kl"] == [None, 1.0, None]
    RunMetric.objects.create(run=run, step=4, figures={"step": 4, "accuracy": 0.7, "ended": 1})
    later = carol(cast).get(f"/admin/runs/{run.pk}/metrics/").json()["curves"]
    shares = {one["name"]: (one["unit"], one["values"][3]) for one in later if one["values"][3] is not None}
    assert shares == {"accuracy": ("% of pairs", 70), "ended": ("%", 100)}
    assert "shares from 0 to 1" in carol(cast).get(f"/admin/runs/{run.pk}/").content.decode()
    kl = answer["curves"][1]
    assert (kl["label"], kl["unit"]) == ("KL from the reference", "nats a completion")
    assert [curve["group"] for curve in answer["curves"]] == [
        "What decides",
        "What decides",
        "How it learns",
        "How fast it is",
    ]


def test_a_long_run_is_thinned_and_keeps_its_last_step(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.pages.run.MOST_POINTS", 4)
    run = make_transfer(cast.project).run
    for step in range(1, 11):
        RunMetric.objects.create(run=run, step=step, figures={"step": step, "loss": 1.0 * step})
    answer = carol(cast).get(f"/admin/runs/{run.pk}/metrics/").json()
    # 10 points, every third from the end: 10, 7, 4, 1.
    assert answer["steps"] == [1, 4, 7, 10]


def test_an_export_offers_its_file_for_as_long_as_it_is_there(
    cast: Cast, tmp_path: Path, settings: Any
) -> None:
    settings.RUNS_DIR = tmp_path
    run = make_transfer(cast.project).run
    Run.objects.filter(pk=run.pk).update(status="succeeded", finished_at=timezone.now() - timedelta(days=31))
    output = folder_of(run).output
    output.mkdir(parents=True)
    (output / "pairs.jsonl").write_text("{}\n")
    client, link = carol(cast), f"/admin/runs/{run.pk}/output/"
    assert link in client.get(f"/admin/runs/{run.pk}/").content.decode()
    assert cleaning.clean().folders == 1
    page = client.get(f"/admin/runs/{run.pk}/").content.decode()
    assert link not in page
    assert "The file is kept no longer." in page
    assert client.get(link).status_code == 404


def test_the_index_names_what_is_queued_and_what_failed_as_their_pages_do(cast: Cast) -> None:
    queued, failed = (make_transfer(cast.project).run for _ in range(2))
    Run.objects.filter(pk=failed.pk).update(status="failed", finished_at=timezone.now())
    page = carol(cast).get("/admin/").content.decode()
    for run in (queued, failed):
        assert f'href="/admin/runs/{run.pk}/">Export pairs · run {run.pk}</a>' in page


def test_what_a_transfer_counted_is_told_in_a_readers_order(cast: Cast) -> None:
    run = make_transfer(cast.project).run
    counted = {
        "bad": 0,
        "kind": "rankings",
        "added": 2194,
        "lines": 12_345,
        "already": 3,
        "project": "helpful",
    }
    Run.objects.filter(pk=run.pk).update(status="succeeded", finished_at=timezone.now(), result=counted)
    page = carol(cast).get(f"/admin/runs/{run.pk}/").content.decode()
    (figures,) = re.findall(r'<dl class="figures">(.*?)</dl>', page, re.DOTALL)
    assert re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", figures) == [
        ("Lines", "12,345"),
        ("Added", "2,194"),
        ("Already there", "3"),
        ("Bad lines", "0"),
    ]


def test_a_failed_import_offers_what_is_left_of_its_file(cast: Cast, tmp_path: Path, settings: Any) -> None:
    files = {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path / "files"}}
    settings.STORAGES = {**settings.STORAGES, "default": files}
    run = transfers.request_import(project=cast.project, kind="prompts", file=ContentFile(b"{}\n"))
    client, link = carol(cast), f"/admin/runs/{run.pk}/rest/"
    assert link not in client.get(f"/admin/runs/{run.pk}/").content.decode()
    Run.objects.filter(pk=run.pk).update(status="failed", finished_at=timezone.now())
    assert link in client.get(f"/admin/runs/{run.pk}/").content.decode()
    answer = client.post(link)
    rest = Run.objects.exclude(pk=run.pk).get()
    assert answer.headers["Location"] == f"/admin/runs/{rest.pk}/"
    assert (rest.transfer.skip_bad, rest.transfer.file.name) == (True, run.transfer.file.name)
    uploads.drop(str(run.transfer.file.name))
    assert link not in client.get(f"/admin/runs/{run.pk}/").content.decode()
    assert "choose the file again" in client.post(link, follow=True).content.decode()
