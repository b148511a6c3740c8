"""What reward model versions were made from, and what they said, for whoever withdraws it (withdrawal.lineage)."""

from collections.abc import Iterator

from django.db.models import QuerySet

from annotation.models import Completion, Project
from annotation.withdrawal.lineage import Version
from rewardmodel.models import Reward, RewardModelVersion


def versions(project: Project) -> Iterator[Version]:
    """Each with its run, its snapshot and the trunk that it started from."""
    for one in RewardModelVersion.objects.filter(project=project).select_related("fit"):
        base = one.fit.base_artifact_id
        yield Version(
            kind="reward_models",
            number=one.number,
            run_id=one.fit.run_id,
            snapshot_id=one.fit.snapshot_id,
            inputs=frozenset() if base is None else frozenset([base]),
            artifact_id=one.artifact_id,
        )


def rewards(completions: "QuerySet[Completion]") -> "QuerySet[Reward]":
    """What versions gave them."""
    return Reward.objects.filter(completion__in=completions)
