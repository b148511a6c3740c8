"""Which backbone a fit starts from: what it names, else the project's setting, else what a later stage offers.

A reward model may start from a policy's trunk, yet this stage knows no policies: rltrainer offers the
current policy's artifact through ``offer`` when it is ready.
"""

from collections.abc import Callable
from typing import NamedTuple

from annotation.models import Project
from rewardmodel.activation import require_active
from rewardmodel.models import Fit, RewardModelSettings
from runs import artifacts
from runs.models import Artifact

SCRATCH = "scratch"


class Base(NamedTuple):
    """A hub name or folder, or an artifact where ``artifact`` is set."""

    name: str
    artifact: Artifact | None = None


_offers: list[Callable[[Project], Base | None]] = []


def offer(provider: Callable[[Project], Base | None]) -> None:
    """Register who can offer a base for a project that names none. Called from an app's ``ready``."""
    if provider not in _offers:
        _offers.append(provider)


def base_for(*, project: Project, named: str) -> Base:
    """The base of a new fit; ``named`` is what its own config says, or an empty text."""
    settings = RewardModelSettings.objects.filter(project=project).first()
    name = named or (settings.base if settings else "")
    if name:
        return Base(name)
    offered = (provider(project) for provider in _offers)
    return next((base for base in offered if base is not None), Base(SCRATCH))


def active(project: Project) -> Base:
    """The project's active reward model version, to go on from. Raises NoRewardModel."""
    version = require_active(project)
    return Base(f"reward model v{version.number}", version.artifact)


def location(fit: Fit) -> str:
    """What the child is told: "scratch", a hub name, or a folder on this machine."""
    if fit.base_artifact is not None:
        return str(artifacts.local_folder(fit.base_artifact))
    return fit.base
