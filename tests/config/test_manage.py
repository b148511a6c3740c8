"""How a command ends: at once, but with all done that was registered for its end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = pytest.mark.processes

# One is cleared up with the interpreter, one is called by it before that, one it waits for.
RUN = """
import atexit, os, runpy, sys, threading
class Last:
    def __del__(self, write=os.write):
        write(1, b"cleared up")
sys.last = Last()
atexit.register(print, "registered")
threading.Thread(target=lambda: (threading.main_thread().join(), print("waited for"))).start()
sys.argv = ["manage.py", *sys.argv[1:]]
runpy.run_path("manage.py", run_name="__main__")
"""


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [(["version"], 0, ""), (["serve", "--port", "no"], 2, "--port"), (["nothing"], 1, "Unknown command")],
)
def test_it_ends_as_it_stands_and_says_how(
    tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        cwd=settings.BASE_DIR,
        env={"CONCORD_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert words in done.stderr
    assert done.stdout.splitlines()[-2:] == ["waited for", "registered"]


def test_where_nobody_reads_it_ends_as_python_does(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as unread:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "manage.py", "help"],
            cwd=settings.BASE_DIR,
            env={"CONCORD_HOME": str(tmp_path)},
            stdout=unread,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 120
    assert "BrokenPipeError" in done.stderr
    assert "Traceback" not in done.stderr
