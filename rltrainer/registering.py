"""A policy that was trained elsewhere becomes a version, as a kind of run that tries it first.

It stays where it is: a folder on a disk that all workers see, or a name on a hub. Every run that uses it names its
digest.
"""

import sys
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User

from annotation.models import Project
from rltrainer import policies
from rltrainer.errors import BadConfig
from rltrainer.models import PolicyVersion, Registration
from runs import lifecycle
from runs.folder.files import read_json
from runs.folder.folder import RunFolder
from runs.kinds import Kind
from runs.models import Run
from runs.writing import write

LONGEST = PolicyVersion._meta.get_field("base").max_length or 0


@write
def request_registration(
    *, project: Project, base: str, current: bool = False, created_by: User | None = None
) -> Run:
    """Queue a try of ``base``, a folder or a hub name; it becomes the project's next policy version.

    It becomes the current one where ``current`` says so, and where there is none. Raises BadConfig.
    """
    place = _placed(base.strip())
    if not 0 < len(place) <= LONGEST:
        raise BadConfig(f"Name a folder or a hub's model, in at most {LONGEST} characters.")
    run = lifecycle.create(kind=KIND.name, created_by=created_by, queue=Run.Queue.GPU)
    Registration.objects.create(run=run, project=project, base=place, current=current)
    return run


@write
def request_again(run: Run, created_by: User | None) -> Run:
    """Try the same policy once more."""
    registration = run.registration
    return request_registration(
        project=registration.project,
        base=registration.base,
        current=registration.current,
        created_by=created_by,
    )


def _placed(named: str) -> str:
    """A folder that is there by its whole path, so that every worker finds it; a hub's name as it is."""
    try:
        folder = Path(named).expanduser() if named else None
        return str(folder.resolve()) if folder is not None and folder.is_dir() else named
    # Too long a name, a NUL in it, or the home of a user that there is not.
    except (OSError, ValueError, RuntimeError):
        return named


def _prepare(run: Run, folder: RunFolder) -> None:
    folder.write_config({"base": run.registration.base, "date": run.day})


def _command(run: Run, folder: RunFolder) -> list[str]:
    return [sys.executable, "-m", "rltrainer.policy", "check", str(folder.path)]


def _store(run: Run, folder: RunFolder) -> dict[str, Any]:
    """What was found; the policy stays where it is."""
    report: dict[str, Any] = read_json(folder.output / "report.json")
    return report


def _finish(run: Run, report: dict[str, Any]) -> None:
    registration = Registration.objects.select_related("project").get(run=run)
    project = registration.project
    policies.lock(project)
    first = policies.current_policy(project) is None
    current = registration.current or first
    why = policies.FIRST if first else "By hand, when it was registered." if current else ""
    version = policies.make_version(project=project, base=registration.base, current=current, why=why)
    Run.objects.filter(pk=run.pk).update(result={**report, "policy": version.number, "current": current})


KIND = Kind(
    name="register_policy",
    title="Register a policy",
    prepare=_prepare,
    command=_command,
    store=_store,
    finish=_finish,
    row="registration",
    again=request_again,
)
