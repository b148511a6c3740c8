"""What the web side and the child hand each other: the snapshot, the config, the report, the scores."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction
from django.template.loader import render_to_string

from annotation.files import snapshots
from annotation.models import Annotator, Delivery, Project, Ranking
from annotation.preferences.tiers import pairs
from annotation.webhooks import subscribing
from rewardmodel import activation, fits, scoring
from rewardmodel.bradley_terry import commands
from rewardmodel.bradley_terry.records import read_snapshot
from rewardmodel.models import RewardModelVersion
from rewardmodel.proposals import Proposal
from runs import artifacts, kinds
from runs.folder.folder import RunFolder
from runs.folder.stopping import StopSignal
from tests.annotation.factories import make_project, put
from tests.rewardmodel.pure.factories import TINY, make_lines
from tests.storing import store_artifacts_in

pytestmark = pytest.mark.django_db

CHAT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Name a colour."}]


@pytest.fixture(autouse=True)
def _homes(tmp_path: Path, settings: Any) -> None:
    store_artifacts_in(tmp_path / "files", settings)


def import_line(line: dict[str, Any]) -> dict[str, Any]:
    """A snapshot's line as a line of kind rankings."""
    return {
        "prompt": line["prompt"][0]["content"],
        "completions": [
            {"text": completion["text"], "rank": tier, "source": completion["source"]}
            for completion, tier in zip(line["completions"], line["tiers"], strict=True)
        ],
        "task": line["task"],
        "annotator": line["annotator"],
    }


def make_judged_project(**fields: Any) -> Project:
    """120 rankings of 60 tasks by two annotators."""
    project = make_project(**fields)
    report = put(project, "rankings", *map(import_line, make_lines(120)))
    assert report.added == 120
    return project


def run_fit(project: Project, path: Path, **config: Any) -> RewardModelVersion:
    """What a worker does with a fit, the child's main in this process."""
    fields = {name: value for name, value in TINY.items() if name != "base"}
    run = fits.request_fit(project=project, config={**fields, **config})
    folder = RunFolder(path)
    folder.make()
    kind = kinds.kind_of(run)
    kind.prepare(run, folder)
    assert kind.command(run, folder)[1:] == ["-m", "rewardmodel.bradley_terry", "fit", str(path)]
    commands.fit(folder, StopSignal())
    output = kind.store(run, folder)
    with transaction.atomic():
        kind.finish(run, output)
    return RewardModelVersion.objects.get(fit__run=run)


def test_the_child_reads_every_judgement_as_the_snapshot_writes_it() -> None:
    project = make_project()
    completions = [{"text": text, "rank": rank} for text, rank in (("a", 2), ("b", 1), ("c", 2))]
    put(
        project,
        "rankings",
        {
            "prompt": CHAT,
            "completions": [*completions, {"text": "d", "rank": 9, "source": "m"}],
            "annotator": "bob",
        },
        {"prompt": "P", "completions": completions, "annotator": "alice"},
        {
            "prompt": "P",
            "completions": [{"text": text} for text in "abc"],
            "annotator": "bob",
            "verdict": "all_bad",
        },
    )
    put(project, "pairs", {"prompt": "Q", "chosen": "yes", "rejected": "no", "strength": 2})
    snapshot = snapshots.take(project=project)
    records = read_snapshot(artifacts.local_folder(snapshot.artifact) / snapshots.FILE_NAME)
    chat, tied, bad, strong = records
    assert (chat.form, list(chat.messages), chat.annotator) == ("chat", CHAT, "bob")
    order = dict(zip(chat.texts, chat.tiers, strict=True))
    assert order == {"a": 2, "b": 1, "c": 2, "d": 3}
    assert {completion.text: completion.source for completion in chat.completions} == {
        "a": None,
        "b": None,
        "c": None,
        "d": "m",
    }
    for record in (chat, tied, strong):
        assert (list(record.pairs), list(record.ties)) == tuple(pairs(record.tiers))
    assert (bad.verdict, bad.tiers, bad.pairs, bad.ties) == ("all_bad", (), (), ())
    assert (strong.strength, strong.annotator) == (2.0, None)
    assert not any(record.simulated for record in records)
    assert snapshot.rankings == len(records) == 4


@pytest.mark.processes
def test_a_fit_makes_a_version_whose_report_the_page_reads_and_whose_scores_it_gives(tmp_path: Path) -> None:
    version = run_fit(make_judged_project(), tmp_path / "run")
    assert (version.number, version.is_active) == (1, True)
    figures = (
        version.report["held_out"]["accuracy"],
        version.report["held_out"]["longer_wins"],
        version.report["human_agreement"],
    )
    for figure in figures:
        low, high = figure["interval"]
        assert 0 <= low <= figure["value"] <= high <= 1
        shown = render_to_string("admin/share.html", {"figure": figure})
        assert f"{100 * figure['value']:.1f}%" in shown
        assert f"{100 * low:.1f}" in shown
        assert f"{100 * high:.1f}" in shown
    line = {"form": "text", "prompt": [{"role": "user", "content": "How is the inn 0?"}]}
    texts = ["it is great and great", "it is awful and awful"]
    high, low = scoring.score_lines(version=version, lines=[{**line, "completion": text} for text in texts])
    assert high.value > low.value


def test_a_fit_says_how_many_of_its_rankings_are_simulated(tmp_path: Path) -> None:
    project = make_judged_project(is_demo=True)
    robot = Annotator.objects.filter(project=project).earliest("pk")
    Annotator.objects.filter(pk=robot.pk).update(simulated=True)
    theirs = robot.rankings.count()
    version = run_fit(project, tmp_path / "run")
    version.fit.run.refresh_from_db()
    result = version.fit.run.result
    assert (result["rankings"], result["simulated"]) == (120, theirs)
    counts = version.report["counts"]
    assert (counts["rankings"], counts["simulated"]) == (120, theirs)
    assert 0 < theirs < 120


def test_a_later_version_is_compared_with_the_active_one_and_waits_where_it_is_not_better(
    tmp_path: Path,
) -> None:
    project = make_judged_project()
    subscribing.create(project=project, url="https://example.org/", events=["version.proposed"])
    first = run_fit(project, tmp_path / "first", epochs=4)
    assert "incumbent" not in first.report
    worse = run_fit(project, tmp_path / "worse", learning_rate=0.0, margin=0.0, seed=5)
    difference = worse.report["incumbent"]["difference"]
    low, high = difference["interval"]
    assert low <= difference["value"] <= high < 0
    assert difference["prompts"] == worse.report["held_out"]["prompts"]
    active = activation.active_version(project)
    assert active is not None
    assert active.number == 1
    assert (worse.is_active, difference["prompts"] >= 30) == (False, worse.proposal == Proposal.WORSE)
    same = run_fit(project, tmp_path / "same", epochs=4)
    assert same.report["incumbent"]["difference"]["value"] == 0
    assert not same.is_active
    # Webhooks hear of each.
    bodies = [json.loads(one.body)["data"] for one in Delivery.objects.order_by("pk")]
    assert bodies == [
        {"project": project.slug, "of": "reward_model", "number": n, "proposal": p, "in_use": n == 1}
        for n, p in ((1, "first"), (2, worse.proposal), (3, same.proposal))
    ]


@pytest.mark.long
def test_simulated_annotators_rank_by_a_reward_model_version(tmp_path: Path) -> None:
    project = make_judged_project()
    version = run_fit(project, tmp_path / "run")
    lines = [
        {"prompt": f"Which, {n}?", "completions": [{"text": f"{w} {n}"} for w in "abc"]} for n in range(2)
    ]
    put(project, "completions", *lines)
    answer = call_command_json(
        "simulate_annotators", project=project.slug, judgements=2, preference="reward:active", annotators=1
    )
    assert (answer["rankings"], answer["simulated"]) == (2, True)
    rankings = Ranking.objects.filter(annotator__simulated=True).select_related("task__prompt").order_by("pk")
    assert {one.annotator.pseudonym for one in rankings} == {"simulated-reward:1-1"}
    to_score = [
        {"form": "text", "prompt": one.task.prompt.messages, "completion": entry.completion.text}
        for one in rankings
        for entry in one.task.entries.order_by("position").select_related("completion")
    ]
    scores = [scored.value for scored in scoring.score_lines(version=version, lines=to_score)]
    for number, one in enumerate(rankings):
        of_task = scores[3 * number : 3 * number + 3]
        assert one.tiers == [1 + sum(other > score for other in of_task) for score in of_task]
    assert snapshots.take(project=project).rankings == 120, "what is simulated enters no snapshot"


@pytest.mark.parametrize("name", ["reward:2", "reward:x", "reward:active", "reward:"])
def test_a_reward_model_that_is_not_there_is_told(name: str) -> None:
    project = make_project()
    with pytest.raises(CommandError, match=r"no (active )?reward model"):
        call_command("simulate_annotators", project=project.slug, judgements=1, preference=name)


def call_command_json(name: str, **options: Any) -> dict[str, Any]:
    """The object that a command prints."""
    out = StringIO()
    call_command(name, stdout=out, **options)
    return dict(json.loads(out.getvalue()))
