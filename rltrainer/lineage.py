"""Where a completion comes from: back to the policy, its training, the reward model, its snapshot and the rankings."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db.models import QuerySet

from annotation.lineage import Version
from annotation.models import Completion, Project, Snapshot
from rewardmodel.models import RewardModelVersion
from rltrainer.models import Evaluation, PolicyVersion, Training


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


def versions(project: Project) -> Iterator[Version]:
    """Each policy version with what its training began with (annotation.lineage)."""
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


def reports(project: Project) -> Iterator["QuerySet[Any]"]:
    """The rows whose reports quote prompts and completions."""
    yield PolicyVersion.objects.filter(project=project)
    yield Evaluation.objects.filter(project=project)
