"""The demo project: accounts with random passwords, prompts, the demo policy, and a first set of tasks to rank."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from django.contrib.auth import get_user_model

from annotation import people
from annotation.files import intake
from annotation.models import Membership, Project, Task
from demo import project as described
from rltrainer import defaults, policies, sampling
from rltrainer.errors import PolicyError
from runs import artifacts
from runs.foreground import run_here
from runs.models import Run
from runs.writing import write


class Account(NamedTuple):
    """Who can log in. ``role`` is annotator, researcher or administrator."""

    role: str
    username: str
    password: str


class SamplingFailed(PolicyError):
    """The first tasks could not be sampled; the message is the run's reason."""


def create_demo(*, base: str, say: Callable[[str], None], keep: Callable[[list[Account]], None]) -> None:
    """Make whatever the demo project still lacks.

    ``base`` is a hub name or folder that takes the demo policy's place, or an empty text. ``say`` hears each
    step; ``keep`` gets the accounts with their passwords before they are committed, so that an interruption
    loses none. Safe to call again: what is there stays. Raises SamplingFailed.
    """
    project = Project.objects.filter(slug=described.SLUG).first()
    if project is None:
        say(f"Creating the project “{described.NAME}” with {described.PROMPTS} prompts")
        project = _create(keep)
    if Task.objects.filter(project=project).exists():
        return
    current = policies.current_policy(project)
    # A base that could not be loaded would otherwise stay for good.
    if current is None or current.base != base:
        say(f"Registering the policy {base or 'that comes with Concord'}")
        _register_policy(project, base)
    say(f"Sampling {described.COMPLETIONS_PER_TASK} completions for each of {described.FIRST_TASKS} prompts")
    run = run_here(lambda: sampling.request_sampling(project=project, prompts=described.FIRST_TASKS))
    if run.status != Run.Status.SUCCEEDED:
        raise SamplingFailed(run.reason or "Sampling was interrupted; start again to go on.")


@write
def _create(keep: Callable[[list[Account]], None]) -> Project:
    project = people.create_project(
        slug=described.SLUG,
        name=described.NAME,
        guidelines=described.guidelines(),
        completions_per_task=described.COMPLETIONS_PER_TASK,
        annotators_per_task=described.ANNOTATORS_PER_TASK,
        is_demo=True,
    )
    intake.import_values(project=project, kind="prompts", values=described.prompts())
    defaults.keep(project=project, kind="sampling", config=described.SAMPLING)
    keep([_make_account(project, role) for role in ("annotator", "researcher", "administrator")])
    return project


def _make_account(project: Project, role: str) -> Account:
    """A new account of its own: an account that exists already keeps its password and gets no role here."""
    users = get_user_model()._default_manager
    name, number = role, 1
    while people.account_named(name) is not None:
        number += 1
        name = f"{role}{number}"
    password = secrets.token_urlsafe(12)
    email = f"{name}@demo.invalid"
    if role == "administrator":
        users.create_superuser(name, email, password)
    else:
        user = users.create_user(name, email, password)
        Membership.objects.create(project=project, user=user, role=role)
    return Account(role, name, password)


def _register_policy(project: Project, base: str) -> None:
    if base:
        policies.make_version(project=project, base=base, why=policies.FIRST)
        return
    artifact = artifacts.store(folder=Path(described.POLICY_FOLDER), kind="policy", run=None)
    policies.make_version(project=project, artifact=artifact, why=policies.FIRST)
