"""Scores, as the resident scorer answers them (runs.resident)."""

from typing import Any

from rewardmodel.models import RewardModelVersion
from runs import artifacts
from runs.resident.serving import Loaded


def answer(request: dict[str, Any], loaded: Loaded) -> list[tuple[float, bool]]:
    """``{"version": pk, "lines": [{"form", "prompt", "completion"}]}`` -> score and truncated of each line."""
    version = RewardModelVersion.objects.select_related("artifact").get(pk=request["version"])
    items = [(line["form"], line["prompt"], line["completion"]) for line in request["lines"]]
    values, truncated = reward_model(version, loaded).score_flagged(items)
    return list(zip(values.tolist(), truncated, strict=True))


def reward_model(version: RewardModelVersion, loaded: Loaded) -> Any:
    """The model of ``version``. Raises RunError where it cannot be loaded."""

    def load() -> Any:
        # Here, so that a scorer that nobody asks costs little memory.
        from lm.devices import choose_device
        from rewardmodel.bradley_terry.artifact import load_reward_model

        return load_reward_model(str(artifacts.local_folder(version.artifact)), choose_device("auto"))

    return loaded.get(version.artifact.digest, load)
