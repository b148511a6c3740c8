"""What the trainings and samplings of a project use unless one says otherwise."""

from collections.abc import Mapping
from typing import Any, Literal

from annotation.models import Project
from rltrainer.errors import BadConfig
from rltrainer.models import PolicySettings
from rltrainer.policy.config import SampleConfig, SftConfig
from rltrainer.ppo.config import PpoConfig
from runs.folder.config import parse_config
from runs.folder.errors import BadInput
from runs.writing import write

Kept = Literal["sft", "ppo", "sampling"]
# The config of each, and what stands in for the fields that a run of it fills in itself.
_CONFIGS: dict[Kept, tuple[type[Any], Mapping[str, Any]]] = {
    "sft": (SftConfig, {"base": "policy"}),
    "ppo": (PpoConfig, {"policy": "policy", "reward_model": "reward model"}),
    "sampling": (SampleConfig, {"base": "policy"}),
}


@write
def keep(*, project: Project, kind: Kept, config: Mapping[str, Any]) -> PolicySettings:
    """Runs of the kind that are asked for from now on use these fields of its config. Raises BadConfig."""
    config_class, stand_ins = _CONFIGS[kind]
    try:
        parse_config(config_class, {**stand_ins, **config})
    except BadInput as error:
        raise BadConfig(str(error)) from error
    settings, _ = PolicySettings.objects.update_or_create(project=project, defaults={kind: dict(config)})
    return settings
