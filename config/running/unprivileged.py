"""Running Postgres when Concord itself runs as root, as it does in many containers: Postgres refuses root.

An account of the system without rights takes its place. It owns the database's folder, and gets the right to pass
through the folders above it and above the server's programs (to pass, not to list); each such change is told on stderr.
Where Concord is not root, nothing here changes anything.
"""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Debian's and most others' packages of Postgres call their account so.
ACCOUNTS = ("concord", "postgres")


def run(command: Sequence[str], *, log: Path | None = None) -> int:
    """Run ``command`` to its end, never as root; returns its exit status. What it says goes to the end of ``log``."""
    account = _account()
    rights: dict[str, Any] = {}
    if account is not None:
        rights = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    # A file, not a pipe: a server that the command starts would hold a pipe open.
    with (log or Path(os.devnull)).open("ab") as output:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
            cwd="/",
            # A locale that this machine lacks would stop initdb.
            env={**os.environ, "LC_ALL": "C"},
            **rights,
        ).returncode


def give(folder: Path) -> None:
    """Make ``folder`` the account's own, and reachable for it."""
    account = _account()
    if account is None:
        return
    open_the_way_to(folder)
    os.chown(folder, account.pw_uid, account.pw_gid)


def open_the_way_to(path: Path) -> None:
    """Let every account pass through the folders above ``path``, where Concord is root."""
    if os.geteuid() != 0:
        return
    for parent in path.resolve().parents:
        mode = parent.stat().st_mode
        if not mode & 0o001:
            parent.chmod(mode | 0o001)
            sys.stderr.write(
                f"Other accounts may now pass through {parent}: the database runs as one of them.\n"
            )


def _account() -> pwd.struct_passwd | None:
    """The account in root's place; None where this process is not root."""
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    add = shutil.which("useradd")
    if add is None:
        raise SystemExit("Postgres does not run as root: run Concord as another user, or set DATABASE_URL.")
    subprocess.run(
        [add, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNTS[0]], check=True
    )
    return pwd.getpwnam(ACCOUNTS[0])
