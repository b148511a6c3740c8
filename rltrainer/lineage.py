"""Where a completion comes from: back to the policy, its training, the reward model, its snapshot and the rankings; and
forward to the versions that learnt from what people said of it."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db.models import Min, QuerySet

from annotation.models import Completion, Project, Ranking, Snapshot
from annotation.withdrawal.lineage import Version, descended, simulated
from rewardmodel.models import Contest, Fit, RewardModelVersion
from rltrainer.models import Evaluation, PolicyVersion, Sampling, Training
from runs.kinds import kind_of
from runs.models import Run


class Lineage(NamedTuple):
    """Each step back, or None where the line ends: a person's text has no policy, a base no training."""

    policy: PolicyVersion | None
    training: Training | None
    reward_model: RewardModelVersion | None
    snapshot: Snapshot | None


def lineage_of(completion: Completion) -> Lineage:
    """The line of ``completion``, in one query."""
    policy = (
        PolicyVersion.objects.filter(source=completion.source_id)
        .select_related("training__run", "training__reward_model__fit__snapshot")
        .first()
    )
    training = policy.training if policy else None
    reward_model = training.reward_model if training else None
    return Lineage(policy, training, reward_model, reward_model.fit.snapshot if reward_model else None)


def learnt_from(completion: Completion) -> dict[str, list[int]]:
    """The numbers of the versions that learnt from rankings of ``completion``, and of those made from them, by kind.

    A snapshot holds what was said before it was taken.
    """
    project = completion.prompt.project
    rankings = Ranking.objects.collected().filter(task__entries__completion=completion)
    if not project.is_demo:
        rankings = rankings.by_people()
    first = rankings.aggregate(first=Min("pk"))["first"]
    if first is None:
        return {}
    # What superseded a ranking before a snapshot was taken is of the same completions, and in it.
    later = Snapshot.objects.filter(project=project, last_ranking_id__gte=first)
    return descended(project=project, snapshots=set(later.values_list("pk", flat=True)), runs=())


def versions(project: Project) -> Iterator[Version]:
    """Each policy version with what its training began with (annotation.withdrawal.lineage)."""
    rows = PolicyVersion.objects.filter(project=project)
    for one in rows.select_related("training__start", "training__reward_model"):
        training = one.training
        parents = (training.start, training.reward_model) if training else ()
        yield Version(
            kind="policies",
            number=one.number,
            run_id=training.run_id if training else None,
            snapshot_id=None,
            inputs=frozenset(
                parent.artifact_id for parent in parents if parent and parent.artifact_id is not None
            ),
            artifact_id=one.artifact_id,
        )


def simulated_behind(run: Run) -> int:
    """How many simulated rankings a run's own snapshot holds, or what it began with learnt from; 0 of other runs."""
    row = kind_of(run).row
    of_kind = getattr(run, row, None) if row else None
    if not isinstance(of_kind, Fit | Contest | Training | Sampling | Evaluation):
        return 0
    snapshot = of_kind.snapshot if isinstance(of_kind, Fit | Contest) else None
    in_snapshot = snapshot.simulated if snapshot else 0
    return max(in_snapshot, simulated(of_kind.project).behind(_begun_with(of_kind)))


def _begun_with(of_kind: Fit | Contest | Training | Sampling | Evaluation) -> list[int | None]:
    """The artifacts of the versions that a run starts from, follows, samples or compares."""
    if isinstance(of_kind, Fit):
        return [of_kind.base_artifact_id]
    if isinstance(of_kind, Contest):
        return [version.artifact_id for version in of_kind.versions.all()]
    if isinstance(of_kind, Sampling):
        return [of_kind.policy.artifact_id]
    parents = [of_kind.start] if isinstance(of_kind, Training) else list(of_kind.policies.all())
    return [parent.artifact_id for parent in (*parents, of_kind.reward_model) if parent is not None]


def reports(project: Project) -> Iterator["QuerySet[Any]"]:
    """The rows whose reports quote prompts and completions."""
    yield PolicyVersion.objects.filter(project=project)
    yield Evaluation.objects.filter(project=project)
