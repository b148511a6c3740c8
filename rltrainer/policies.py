"""Policy versions: facts, of which one is current."""

from typing import Any

from annotation.files import intake
from annotation.models import Project, Source
from annotation.webhooks import telling
from rewardmodel.bases import Base
from rltrainer.errors import NoPolicy
from rltrainer.models import PolicyVersion, Training
from runs import artifacts
from runs.models import Artifact
from runs.writing import write

# Why the first policy of a project is the current one.
FIRST = "The project's first policy."


def current_policy(project: Project) -> PolicyVersion | None:
    """The current version, or None."""
    return PolicyVersion.objects.filter(project=project, is_current=True).select_related("artifact").first()


def require_policy(*, project: Project, number: int | None = None) -> PolicyVersion:
    """Version ``number``, or the current one. Raises NoPolicy."""
    versions = PolicyVersion.objects.filter(project=project).select_related("artifact")
    version = versions.filter(number=number).first() if number is not None else current_policy(project)
    if version is None:
        which = "current policy" if number is None else f"policy v{number}"
        raise NoPolicy(
            f"{project.slug} has no {which}: train one by SFT, or register one that was trained elsewhere."
        )
    return version


def location(version: PolicyVersion) -> str:
    """What a child is told: a folder on this machine, or a hub name."""
    return str(artifacts.local_folder(version.artifact)) if version.artifact else version.base


def lock(project: Project) -> None:
    """Nobody else numbers or chooses a version of the project until the commit. NO KEY: annotators go on."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)


@write
def make_version(
    *,
    project: Project,
    artifact: Artifact | None = None,
    base: str = "",
    training: Training | None = None,
    report: dict[str, Any] | None = None,
    current: bool = True,
    proposal: str = "",
    why: str = "",
) -> PolicyVersion:
    """A new version with the next number and its own Source, under the project's lock."""
    lock(project)
    last = PolicyVersion.objects.filter(project=project).order_by("-number").first()
    number = last.number + 1 if last else 1
    version = PolicyVersion.objects.create(
        project=project,
        number=number,
        source=intake.source_for(project=project, kind=Source.Kind.POLICY, name=f"policy v{number}"),
        artifact=artifact,
        base=base,
        training=training,
        report=report or {},
        proposal=proposal,
        why=why,
    )
    if current:
        make_current(version=version, why=why)
    telling.version_proposed(
        project_id=project.pk, of="policy", number=number, proposal=proposal, in_use=current
    )
    return version


@write
def make_current(*, version: PolicyVersion, why: str) -> None:
    """Make ``version`` the current one, under the project's lock: it is sampled, and PPO and fits start from it."""
    lock(version.project)
    PolicyVersion.objects.filter(project=version.project_id, is_current=True).update(is_current=False)
    PolicyVersion.objects.filter(pk=version.pk).update(is_current=True, why=why)
    version.refresh_from_db()


def offered_base(project: Project) -> Base | None:
    """The current policy as the base of a fit that names none (rewardmodel.bases)."""
    version = current_policy(project)
    return Base(version.base or f"policy v{version.number}", version.artifact) if version else None
