"""What later stages made of a project's judgements: each registers how its versions follow from others.

annotation knows no reward models and no policies; it asks whoever registered, and follows the artifacts.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from annotation.models import Completion, Project, Snapshot


@dataclass(frozen=True)
class Version:
    """One version of a later stage, and what it was made from: a run, a snapshot, artifacts of other versions."""

    kind: str
    number: int
    run_id: int | None
    snapshot_id: int | None
    inputs: frozenset[int]
    artifact_id: int | None


Provider = Callable[[Project], Iterable[Version]]
# Rows with a JSON column ``report``, whose examples hold texts under the ``prompt_id`` of their prompt.
Reports = Callable[[Project], Iterable["QuerySet[Any]"]]
# Rows about single completions, which go with them.
Remarks = Callable[["QuerySet[Completion]"], "QuerySet[Any]"]
_providers: list[Provider] = []
_reports: list[Reports] = []
_remarks: list[Remarks] = []


def offer(provider: Provider, reports: Reports | None = None, remarks: Remarks | None = None) -> None:
    """Register who lists a stage's versions of a project, its reports, and what it said of completions. Called from an
    app's ``ready``."""
    if provider not in _providers:
        _providers.append(provider)
    if reports is not None and reports not in _reports:
        _reports.append(reports)
    if remarks is not None and remarks not in _remarks:
        _remarks.append(remarks)


def reports_of(project: Project) -> Iterator["QuerySet[Any]"]:
    """The rows of later stages that hold reports."""
    for rows in _reports:
        yield from rows(project)


def remarks_on(completions: "QuerySet[Completion]") -> Iterator["QuerySet[Any]"]:
    """The rows of later stages about these completions."""
    for rows in _remarks:
        yield rows(completions)


def descended(*, project: Project, snapshots: Collection[int], runs: Collection[int]) -> dict[str, list[int]]:
    """The numbers of the versions that used any of these snapshots or runs, by kind, and those made from them."""
    waiting = [version for provider in _providers for version in provider(project)]
    used: list[Version] = []
    artifacts: set[int] = set()
    while using := [one for one in waiting if _uses(one, snapshots, runs, artifacts)]:
        used += using
        artifacts |= {one.artifact_id for one in using if one.artifact_id is not None}
        waiting = [one for one in waiting if one not in using]
    return {
        kind: sorted(one.number for one in used if one.kind == kind)
        for kind in sorted({one.kind for one in [*used, *waiting]})
    }


@dataclass(frozen=True)
class Simulated:
    """How many simulated rankings the versions of a project learnt from, through all that they were made from.

    Of several snapshots it is the largest number in one: a later snapshot holds most of an earlier one again.
    """

    _versions: Mapping[tuple[str, int], int]
    _artifacts: Mapping[int, int]

    def of(self, kind: str, number: int) -> int:
        """Of one version."""
        return self._versions.get((kind, number), 0)

    def behind(self, artifacts: Iterable[int | None]) -> int:
        """Of what is made from these artifacts."""
        return max((self._artifacts.get(one, 0) for one in artifacts if one is not None), default=0)


def simulated(project: Project) -> Simulated:
    """What the project's versions owe to simulated annotators, in a query a stage and one more."""
    rows = Snapshot.objects.filter(project=project, simulated__gt=0)
    in_snapshot = dict(rows.values_list("pk", "simulated"))
    every = [version for provider in _providers for version in provider(project)] if in_snapshot else []
    known = Simulated({}, {})
    while (more := _followed(every, in_snapshot, known)) != known:
        known = more
    return known


def _followed(versions: Iterable[Version], in_snapshot: Mapping[int, int], known: Simulated) -> Simulated:
    """One step from artifacts to the versions made from them."""
    owed = {
        (one.kind, one.number): max(in_snapshot.get(one.snapshot_id or 0, 0), known.behind(one.inputs))
        for one in versions
    }
    artifacts: dict[int, int] = {}
    for one in versions:
        if one.artifact_id is not None:
            artifacts[one.artifact_id] = max(artifacts.get(one.artifact_id, 0), owed[one.kind, one.number])
    return Simulated(owed, artifacts)


def _uses(
    version: Version, snapshots: Collection[int], runs: Collection[int], artifacts: Collection[int]
) -> bool:
    return (
        version.snapshot_id in snapshots
        or version.run_id in runs
        or any(artifact in artifacts for artifact in version.inputs)
    )
