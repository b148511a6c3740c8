"""What the fits of a project use unless one says otherwise."""

from collections.abc import Mapping
from typing import Any

from annotation.models import Project
from rewardmodel.bradley_terry.config import FitConfig
from rewardmodel.errors import BadFitConfig
from rewardmodel.models import RewardModelSettings
from runs.folder.config import parse_config
from runs.folder.errors import BadInput
from runs.writing import write


@write
def keep(*, project: Project, base: str, config: Mapping[str, Any]) -> RewardModelSettings:
    """Fits that begin from now on start from ``base`` (empty: what there is) with these fields of FitConfig.

    Raises BadFitConfig.
    """
    try:
        parse_config(FitConfig, {**config, "base": base or "chosen when a fit is asked for"})
    except BadInput as error:
        raise BadFitConfig(str(error)) from error
    settings, _ = RewardModelSettings.objects.update_or_create(
        project=project, defaults={"base": base, "config": dict(config)}
    )
    return settings
