"""Reward model versions side by side on one common held-out set, as a kind of run.

A fit's own report is of the judgements there were when it began, so two of them say nothing of which version is better.
A contest takes one snapshot now and measures all of its versions on the same held-out pairs.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User

from annotation.files import snapshots
from annotation.models import Project
from rewardmodel import activation
from rewardmodel.errors import NothingToCompare
from rewardmodel.models import Contest, RewardModelVersion
from runs import artifacts, lifecycle
from runs.folder.files import read_json
from runs.folder.folder import RunFolder
from runs.folder.processes import command_of
from runs.kinds import Kind
from runs.models import Run
from runs.writing import write

# The newest versions, where nobody says which.
NEWEST = 5


@write
def request_contest(
    *,
    project: Project,
    versions: Sequence[RewardModelVersion] = (),
    created_by: User | None = None,
) -> Run:
    """Queue a comparison of ``versions``, else of the newest ones and the active one.

    The reference is the active version where it takes part, else the oldest. Raises NothingToCompare.
    """
    chosen = {one.pk: one for one in versions or _newest(project)}
    if len(chosen) < 2:
        raise NothingToCompare(f"{project.slug} needs at least two reward model versions to compare.")
    active = activation.active_version(project)
    oldest = min(chosen.values(), key=lambda one: one.number)
    reference = active if active is not None and active.pk in chosen else oldest
    run = lifecycle.create(kind=KIND.name, created_by=created_by, queue=Run.Queue.GPU)
    contest = Contest.objects.create(run=run, project=project, reference=reference)
    contest.versions.set(chosen.values())
    return run


def named(*, project: Project, numbers: Sequence[int]) -> list[RewardModelVersion]:
    """The versions with these numbers. Raises NothingToCompare for one that there is not."""
    versions = {
        one.number: one for one in RewardModelVersion.objects.filter(project=project, number__in=numbers)
    }
    if missing := [number for number in numbers if number not in versions]:
        raise NothingToCompare(f"{project.slug} has no reward model v{missing[0]}.")
    return list(versions.values())


@write
def request_again(run: Run, created_by: User | None) -> Run:
    """Queue the same comparison on the judgements as they will be then."""
    contest = run.contest
    return request_contest(
        project=contest.project, versions=list(contest.versions.all()), created_by=created_by
    )


def versions_of(contest: Contest) -> list[RewardModelVersion]:
    """The reference first, then the others by number: the order of its report."""
    rows = contest.versions.select_related("artifact", "fit__snapshot").order_by("number")
    return sorted(rows, key=lambda one: one.pk != contest.reference_id)


def newest_report(project: Project) -> Contest | None:
    """The last contest that has something to show."""
    done = Contest.objects.filter(project=project, run__status=Run.Status.SUCCEEDED)
    return done.select_related("run", "reference").order_by("-pk").first()


def _newest(project: Project) -> list[RewardModelVersion]:
    newest = list(RewardModelVersion.objects.filter(project=project)[:NEWEST])
    active = activation.active_version(project)
    return [*newest, active] if active is not None else newest


def _prepare(run: Run, folder: RunFolder) -> None:
    contest = Contest.objects.select_related("project").get(run=run)
    snapshot = snapshots.take(project=contest.project)
    Contest.objects.filter(pk=contest.pk).update(snapshot=snapshot)
    source = artifacts.local_folder(snapshot.artifact) / snapshots.FILE_NAME
    (folder.inputs / snapshots.FILE_NAME).write_bytes(source.read_bytes())
    places = [str(artifacts.local_folder(one.artifact)) for one in versions_of(contest)]
    folder.write_config({"reward_models": places})


def _command(run: Run, folder: RunFolder) -> list[str]:
    return command_of("rewardmodel.bradley_terry", "contest", folder)


def _store(run: Run, folder: RunFolder) -> dict[str, Any]:
    """Its output is a report in a row: nothing is kept as a file."""
    report: dict[str, Any] = read_json(folder.output / "report.json")
    return report


def _finish(run: Run, report: dict[str, Any]) -> None:
    contest = Contest.objects.get(run=run)
    numbers = [one.number for one in versions_of(contest)]
    Contest.objects.filter(pk=contest.pk).update(report={**report, "numbers": numbers})
    Run.objects.filter(pk=run.pk).update(
        result={
            "reward_models": ", ".join(f"v{number}" for number in numbers),
            "prompts": report.get("prompts", 0),
        }
    )


KIND = Kind(
    name="compare_reward_models",
    title="Compare reward models",
    prepare=_prepare,
    command=_command,
    store=_store,
    finish=_finish,
    row="contest",
    again=request_again,
)
