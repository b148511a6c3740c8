"""Scores, as the resident scorer answers them (runs.resident)."""

from collections.abc import Sequence
from typing import Any

from rewardmodel.models import RewardModelVersion
from runs import artifacts
from runs.folder.errors import BadInput
from runs.resident.serving import Loaded


def answer(requests: Sequence[dict[str, Any]], loaded: Loaded) -> list[list[tuple[float, bool, bool]]]:
    """``{"version": pk, "lines": [{"form", "prompt", "completion"}]}`` -> a ``Score`` of each line, for each.

    The lines of all that ask for the same version are scored as one batch.
    """
    answers: list[list[tuple[float, bool, bool]]] = [[] for _ in requests]
    for pk in dict.fromkeys(request["version"] for request in requests):
        places = [
            (number, (line["form"], line["prompt"], line["completion"]))
            for number, request in enumerate(requests)
            if request["version"] == pk
            for line in request["lines"]
        ]
        scored = reward_model(pk, loaded).score_flagged([item for _, item in places])
        for (number, _), *score in zip(
            places, scored.scores.tolist(), scored.prompts_cut, scored.completions_cut, strict=True
        ):
            answers[number].append(tuple(score))
    return answers


def reward_model(pk: int, loaded: Loaded) -> Any:
    """The model of the version with this key. Raises RunError where it is there no more or cannot be loaded."""
    version = RewardModelVersion.objects.select_related("artifact").filter(pk=pk).first()
    if version is None:
        raise BadInput("the reward model that was asked for is there no more")

    def load() -> Any:
        # Here, so that a scorer that nobody asks costs little memory.
        from lm.devices import choose_device
        from rewardmodel.bradley_terry.artifact import load_reward_model

        return load_reward_model(str(artifacts.local_folder(version.artifact)), choose_device("auto"))

    return loaded.get(version.artifact.digest, load)
