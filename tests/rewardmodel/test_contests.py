"""Versions side by side: from the request to the page that shows them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction
from django.test import Client
from django.urls import reverse

from annotation.models import Completion, Ranking
from annotation.withdrawal import erasure
from rewardmodel import activation, contests
from rewardmodel.bradley_terry import commands
from rewardmodel.errors import NothingToCompare
from rewardmodel.models import Contest
from rltrainer.lineage import simulated_behind
from runs import kinds
from runs.folder.folder import RunFolder
from runs.folder.stopping import StopSignal
from runs.models import Run
from tests.annotation.factories import make_project, put
from tests.pages.cast import make_cast
from tests.rewardmodel.pure.factories import make_lines
from tests.rewardmodel.test_contract import import_line, run_fit
from tests.rltrainer.factories import make_reward_model, make_snapshot
from tests.storing import store_artifacts_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _homes(tmp_path: Path, settings: Any) -> None:
    store_artifacts_in(tmp_path / "files", settings)


def carry_out(run: Run, path: Path) -> Contest:
    """What a worker does with a contest, the child's main in this process."""
    folder = RunFolder(path)
    folder.make()
    kind = kinds.kind_of(run)
    kind.prepare(run, folder)
    assert kind.command(run, folder)[1:] == ["-m", "rewardmodel.bradley_terry", "contest", str(path)]
    commands.contest(folder, StopSignal())
    output = kind.store(run, folder)
    with transaction.atomic():
        kind.finish(run, output)
    Run.objects.filter(pk=run.pk).update(status="succeeded", finished_at="2026-01-01T00:00Z")
    return Contest.objects.get(run=run)


def test_two_fits_are_compared_on_the_judgements_there_are_now(tmp_path: Path) -> None:
    cast = make_cast()
    project = cast.project
    lines = [import_line(line) for line in make_lines(120)]
    put(project, "rankings", *lines[:100])
    first = run_fit(project, tmp_path / "first", epochs=4)
    second = run_fit(project, tmp_path / "second", learning_rate=0.0, epochs=1)
    put(project, "rankings", *lines[100:])
    run = contests.request_contest(project=project, created_by=cast.carol)
    contest = carry_out(run, tmp_path / "contest")
    assert run in kinds.runs_of(project)
    assert contest.report["numbers"] == [1, 2]
    assert contest.snapshot is not None
    assert contest.snapshot.rankings == 120  # those that neither of them was fitted on are measured on, too
    held_out = Ranking.objects.filter(project=project, task__prompt__split="test")
    assert contest.report["rankings"] == held_out.count()
    assert contest.report["pairs"] > first.report["held_out"]["pairs"]
    better, worse = contest.report["versions"]
    assert better["accuracy"]["value"] > worse["accuracy"]["value"]
    assert worse["difference"]["value"] == pytest.approx(
        worse["accuracy"]["value"] - better["accuracy"]["value"]
    )
    # No text is kept in it: what it shows is looked up, and gone where it was withdrawn.
    kept = json.dumps(contest.report)
    assert not [text for text in Completion.objects.values_list("text", flat=True) if f'"{text}"' in kept]

    client = Client()
    client.force_login(cast.carol)
    address = reverse("admin:reward_models", args=[project.slug])
    page = " ".join(re.sub("<[^>]*>", " ", client.get(address).content.decode()).split())
    assert f"v1 orders {100 * better['accuracy']['value']:.1f}%" in page
    assert f"v2 orders {100 * worse['accuracy']['value']:.1f}%" in page
    shown = Ranking.objects.get(public_id=contest.report["worst"][0]["ranking"])
    assert shown.annotator.pseudonym + " preferred" in page
    prompt = shown.task.prompt
    assert prompt.last_text in page
    erasure.withdraw_prompt(project=project, public_id=str(prompt.public_id), by=cast.carol)
    again = client.get(address).content.decode()
    assert prompt.last_text not in again
    assert second.number == 2


def test_the_active_version_is_what_the_others_are_compared_with() -> None:
    project = make_project()
    versions = [
        make_reward_model(project, number, make_snapshot(project, f"s{number}")) for number in (1, 2, 3)
    ]
    run = contests.request_contest(project=project)
    assert [one.number for one in contests.versions_of(run.contest)] == [1, 2, 3]
    activation.activate(version=versions[1], why="By hand.")
    run = contests.request_contest(project=project, versions=versions)
    assert [one.number for one in contests.versions_of(run.contest)] == [2, 1, 3]


def test_an_old_active_version_takes_part_though_many_came_after_it() -> None:
    project = make_project()
    versions = [
        make_reward_model(project, number, make_snapshot(project, f"s{number}")) for number in range(1, 9)
    ]
    activation.activate(version=versions[0], why="By hand.")
    run = contests.request_contest(project=project)
    assert [one.number for one in contests.versions_of(run.contest)] == [1, 4, 5, 6, 7, 8]


def test_fewer_than_two_and_numbers_of_none_are_refused() -> None:
    project = make_project()
    with pytest.raises(NothingToCompare, match="at least two"):
        contests.request_contest(project=project)
    version = make_reward_model(project, 1, make_snapshot(project, "s"))
    with pytest.raises(NothingToCompare, match="at least two"):
        contests.request_contest(project=project, versions=[version, version])
    with pytest.raises(CommandError, match=r"has no reward model v7\."):
        call_command("compare_reward_models", project=project.slug, versions=[1, 7])
    assert not Contest.objects.exists()


def test_a_contest_says_how_many_of_its_rankings_are_simulated() -> None:
    project = make_project()
    for number, simulated in ((1, 0), (2, 30)):
        make_reward_model(project, number, make_snapshot(project, f"s{number}", simulated))
    run = contests.request_contest(project=project)
    assert simulated_behind(run) == 30  # one of the versions learnt from so many
    Contest.objects.filter(run=run).update(snapshot=make_snapshot(project, "now", 50))
    assert simulated_behind(Run.objects.get(pk=run.pk)) == 50
