"""Commands of Concord that end at once, each in a fork of a process that has loaded Django."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from django.conf import settings

from tests.launched import free_port


class Done(NamedTuple):
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


Start = Callable[..., Done]


@pytest.fixture(scope="package")
def forking() -> Iterator["subprocess.Popen[str]"]:
    """The process of tests.config.forking."""
    command = [sys.executable, "-m", "tests.config.forking"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=settings.BASE_DIR, stdin=pipe, stdout=pipe, text=True) as process:
        yield process


@pytest.fixture
def start(forking: "subprocess.Popen[str]", tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Run a command of Concord in a home, with these variables."""

    def run(home: Path, *arguments: str, **variables: str) -> Done:
        assert forking.stdin is not None
        assert forking.stdout is not None
        environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
        environment |= {"CONCORD_HOME": str(home), "PORT": str(free_port()), **variables}
        folder = tmp_path_factory.mktemp("said")
        files = [folder / "stdout", folder / "stderr"]
        request = {"arguments": arguments, "environment": environment, "files": [str(file) for file in files]}
        forking.stdin.write(f"{json.dumps(request)}\n")
        forking.stdin.flush()
        return Done(int(forking.stdout.readline()), *(file.read_text() for file in files))

    return run
