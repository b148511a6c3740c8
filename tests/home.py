"""A home of the tests' own: its folder, and the embedded Postgres in it. Loaded by pytest before Django's settings.

With ``DATABASE_URL`` the tests use that Postgres instead. Where workers share the tests (pytest-xdist), each has
a home and a server of its own; the process that hands them out has none. What the tests write is gone when they end.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import memory

if TYPE_CHECKING:  # config is imported when pytest has begun
    from config.running.postgres import Server

_WORKER = os.environ.get("PYTEST_XDIST_WORKER")
# Before anything else is written.
_MEMORY = memory.write_there() if _WORKER is None else None
_IS_TEMPORARY = _WORKER is not None or "CONCORD_HOME" not in os.environ
if _IS_TEMPORARY:
    os.environ["CONCORD_HOME"] = tempfile.mkdtemp(prefix="concord-")
HOME = Path(os.environ["CONCORD_HOME"])
# As in a run's child (runs/child.py), and before anything loads torch.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Nothing of the tests speaks to anybody outside, and no thread for it outlives one of them.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# Nothing is fetched: a name that is no folder is looked for on this machine alone, not for half a minute elsewhere.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
if _WORKER:  # each has a core
    os.environ.setdefault("OMP_NUM_THREADS", "1")
# Tests of what happens in a crash start servers of their own.
# Tables hold what other tests have rolled back. A plan may then seem so dear that it is compiled, for a quarter of a
# second each time: web processes compile none. And swept by Postgres itself, whenever that is, a table counts as empty
# for every plan, however much the next test puts into it. To empty a table all of the cache is looked through.
FAST = [
    "shared_buffers=128MB",
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "max_connections=200",
    "jit=off",
    "autovacuum=off",
]
_FAILED = pytest.StashKey[bool]()
_servers: "list[Server]" = []
_forks: "list[subprocess.Popen[bytes]]" = []


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Before pytest makes a folder of its own, under names that are too long for the sockets of homes in there."""
    if _MEMORY is not None and config.option.basetemp is None:
        config.option.basetemp = _MEMORY / "t"


def pytest_configure(config: pytest.Config) -> None:
    """Start the server. Imports of ``config`` wait until here, so that coverage and rewriting see them."""
    hands_out = _WORKER is None and bool(getattr(config.option, "numprocesses", None))
    if "DATABASE_URL" not in os.environ and not config.option.collectonly and not hands_out:
        from config.running.postgres import Server

        server = Server(HOME, options=FAST)
        server.hold()
        _servers.append(server)
    if _WORKER and not config.option.collectonly and "not processes" not in config.option.markexpr:
        _start_forking()


def _start_forking() -> None:
    """Children that load torch are forked, as Concord does itself: there are dozens of them. A lone test starts its."""
    from config.running.services import LOADED_BEFORE_FORKING

    os.environ["CONCORD_FORKS"] = str(HOME / "forks")
    command = [
        sys.executable,
        "-m",
        "runs.folder.forking",
        os.environ["CONCORD_FORKS"],
        *LOADED_BEFORE_FORKING,
    ]
    _forks.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Whether somebody may want to look at what the tests wrote."""
    session.config.stash[_FAILED] = exitstatus == pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers and remove the home."""
    for forks in _forks:
        forks.kill()
        forks.wait(60)
    for server in _servers:
        server.release()
    if _IS_TEMPORARY:
        shutil.rmtree(HOME, ignore_errors=True)
    if _MEMORY is not None and config.stash.get(_FAILED, False):
        sys.stderr.write(f"What the tests wrote is in {_MEMORY} until they run again.\n")
    elif _MEMORY is not None:
        shutil.rmtree(_MEMORY, ignore_errors=True)
