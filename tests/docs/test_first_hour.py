"""docs/first_hour.md as a newcomer follows it: every command of it, in a new home, with Concord running beside."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from django.conf import settings

from tests.launched import Concord, free_port

pytestmark = [pytest.mark.processes, pytest.mark.long]

ROOT = Path(settings.BASE_DIR)
PAGE = (ROOT / "docs" / "first_hour.md").read_text()
START = "make demo"


class Step(NamedTuple):
    """A command, and the lines that the page shows below it; ``...`` in them stands for anything."""

    command: str
    shown: list[str]


def steps() -> list[Step]:
    """Every command of the page, in order."""
    found: list[Step] = []
    for block in re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Step(line.removeprefix("$ "), []))
            else:
                found[-1].shown.append(line)
    return found


def is_said(shown: str, lines: list[str]) -> bool:
    pattern = re.compile(".*".join(map(re.escape, shown.split("..."))))
    return any(pattern.fullmatch(line.strip()) for line in lines)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that looks like the checkout, whose ``var`` is the test's own."""
    (tmp_path / "var").mkdir()
    (tmp_path / "manage.py").symlink_to(ROOT / "manage.py")
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    return tmp_path


@pytest.fixture
def running(checkout: Path) -> Iterator[Concord]:
    """What ``make demo`` starts once everything is installed, as the Makefile has it."""
    (recipe,) = re.findall(
        r"^demo: install\n\t@.*manage\.py (\w+)$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    concord = Concord(checkout / "var", free_port(), command=recipe, CONCORD_FORKS="")
    try:
        concord.wait_for(lambda: concord.said("ready") or concord.process.poll() is not None, seconds=120)
        yield concord
    finally:
        concord.end()


@pytest.mark.timeout(300)
def test_every_command_of_the_first_hour_does_what_the_page_shows(checkout: Path, running: Concord) -> None:
    start, *others = steps()
    assert start.command == START
    here = [line.strip().replace(str(running.port), "8000") for line in running.lines]
    assert [line for line in start.shown if not is_said(line, here)] == []
    for step in others:
        done = subprocess.run(
            step.command,
            shell=True,
            cwd=checkout,
            env={**running.environment, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (step.command, done.stderr)
        said = (done.stdout + done.stderr).splitlines()
        assert [line for line in step.shown if not is_said(line, said)] == [], (step.command, said)
    assert len(others) > 8
    assert (checkout / "var" / "policy" / "model.safetensors").is_file()
