"""A home of the tests' own: its folder, and the embedded Postgres in it. Loaded by pytest before Django's settings.

With ``DATABASE_URL`` the tests use that Postgres instead. What the tests write is gone when they end.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # config is imported when pytest has begun
    from config.postgres import Server

_MADE = "CONCORD_HOME" not in os.environ
if _MADE:
    os.environ["CONCORD_HOME"] = tempfile.mkdtemp(prefix="concord-")
HOME = Path(os.environ["CONCORD_HOME"])
# As in a run's child (runs/child.py), and before anything loads torch.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Tests of what happens in a crash start servers of their own.
FAST = ["fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=200"]
_servers: "list[Server]" = []


def pytest_configure(config: pytest.Config) -> None:
    """Start the server. Imports of ``config`` wait until here, so that coverage and rewriting see them."""
    if "DATABASE_URL" not in os.environ and not config.option.collectonly:
        from config.postgres import Server

        server = Server(HOME, options=FAST)
        server.hold()
        _servers.append(server)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server and remove the home."""
    for server in _servers:
        server.release()
    if _MADE:
        shutil.rmtree(HOME, ignore_errors=True)
