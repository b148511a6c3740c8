"""The demo project: made whole in one go or in several, never twice."""

import json
import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from annotation import people
from annotation.collecting import queue
from annotation.models import Project, Task
from demo import project as demo
from demo.create import create_demo
from rltrainer import policies
from runs.models import Run
from tests.annotation.factories import PASSWORD, make_user
from tests.rltrainer.policy.factories import make_folder
from tests.storing import store_artifacts_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


class Interrupted(Exception):
    """Stands for Ctrl+C."""


@pytest.fixture(autouse=True)
def _homes(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store_artifacts_in(tmp_path / "files", settings)
    settings.HOME = tmp_path
    settings.RUNS_DIR = tmp_path / "runs"
    settings.DEFAULT_BASE = ""
    monkeypatch.setattr(demo, "FIRST_TASKS", 2)


def create() -> list[dict[str, str]]:
    """What the command prints: the accounts."""
    out = StringIO()
    call_command("create_demo", stdout=out, stderr=StringIO())
    accounts: list[dict[str, str]] = json.loads(out.getvalue())["accounts"]
    return accounts


def rows() -> tuple[int, ...]:
    """How much there is."""
    counted = (Project.objects, Task.objects, Run.objects, User.objects)
    return tuple(objects.count() for objects in counted)


def logged_in(name: str, password: str) -> User:
    """The account of that name, whose password this is."""
    user = User.objects.get(username=name)
    assert user.check_password(password)
    return user


def assert_whole(accounts: list[dict[str, str]]) -> None:
    """There is one demo project, its annotator has something to rank, and each account can log in."""
    project = Project.objects.get()
    assert (project.slug, project.is_demo, project.prompts.count()) == ("demo", True, demo.PROMPTS)
    assert [one["role"] for one in accounts] == ["annotator", "researcher", "administrator"]
    users = [logged_in(one["username"], one["password"]) for one in accounts]
    assert [user.is_superuser for user in users] == [False, False, True]
    annotator = users[0]
    claimed = queue.claim(annotator=people.annotator_for(project=project, user=annotator))
    assert claimed is not None
    assert claimed.task.entries.count() == demo.COMPLETIONS_PER_TASK
    assert Task.objects.count() == 2


def test_a_newcomer_gets_a_project_that_can_be_ranked_and_a_second_start_changes_nothing(
    tmp_path: Path,
) -> None:
    accounts = create()
    assert_whole(accounts)
    before = rows()
    assert create() == accounts
    assert rows() == before
    kept = tmp_path / "demo_accounts.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_interruptions_at_every_step_leave_what_the_last_start_completes(tmp_path: Path) -> None:
    for step in ("Creating", "Registering", "Sampling"):

        def say(text: str, step: str = step) -> None:
            if text.startswith(step):
                raise Interrupted

        with pytest.raises(Interrupted):
            create_demo(base="", say=say, keep=_keep_in(tmp_path))
    assert_whole(create())


def test_accounts_are_kept_before_the_project_is(tmp_path: Path) -> None:
    def keep(accounts: list[Any]) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        create_demo(base="", say=lambda text: None, keep=keep)
    assert rows() == (0, 0, 0, 0)


def test_a_policy_of_ones_own_takes_the_demo_policys_place(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The tests' policy has a context of 64 tokens.
    monkeypatch.setitem(demo.SAMPLING, "max_new_tokens", 16)
    settings.DEFAULT_BASE = str(make_folder(tmp_path / "mine"))
    assert_whole(create())
    version = policies.require_policy(project=Project.objects.get())
    assert (version.base, version.artifact) == (settings.DEFAULT_BASE, None)


@pytest.mark.long
def test_a_policy_that_is_not_there_is_an_error_that_names_it_and_a_second_start_mends(
    tmp_path: Path, settings: Any
) -> None:
    settings.DEFAULT_BASE = str(tmp_path / "nowhere")
    with pytest.raises(Exception, match="nowhere"):
        create()
    settings.DEFAULT_BASE = ""
    assert_whole(create())


def test_an_account_that_has_the_name_keeps_its_password_and_gets_no_role() -> None:
    taken = make_user("annotator")
    accounts = create()
    assert accounts[0]["username"] == "annotator2"
    assert logged_in("annotator", PASSWORD) == taken
    assert not taken.memberships.exists()


def _keep_in(folder: Path) -> Any:
    def keep(accounts: list[Any]) -> None:
        (folder / "demo_accounts.json").write_text(json.dumps([one._asdict() for one in accounts]))

    return keep
