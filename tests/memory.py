"""Where the tests write: into memory, on a machine that has plenty of it.

Databases, models and browsers come to some hundred thousand small files in a run, and what a disk's file system does
for them is a sixth of the processor's time. Nothing of that is to last: what a crash leaves is tested by killing
processes, not machines. Whoever names another folder by ``TMPDIR``, or has less memory, goes on with that one.
"""

import math
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import psutil

FOLDER = Path("/dev/shm")
# What a container may have, by the second and the first version of control groups.
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_PREFIX = "concord-tests-"
# A run has 1.5 GB there at most, beside what its processes need.
FREE_BYTES, ALLOWED_BYTES = 6 << 30, 12 << 30


def write_there() -> Path | None:
    """Make a folder in memory that this process and its children write to, by ``TMPDIR``; None where that is not to be.

    What runs that were killed have left there is removed.
    """
    if "TMPDIR" in os.environ or not _has_room():
        return None
    # A run that was killed may have had this process's number.
    running = {f"{_PREFIX}{pid}" for pid in psutil.pids() if pid != os.getpid()}
    for left in FOLDER.glob(f"{_PREFIX}*"):
        if left.name not in running:
            shutil.rmtree(left, ignore_errors=True)
    folder = FOLDER / f"{_PREFIX}{os.getpid()}"
    folder.mkdir()
    os.environ["TMPDIR"] = os.fspath(folder)
    tempfile.tempdir = None  # looked for anew
    return folder


def _has_room() -> bool:
    """Whether so much of the memory is free, and programs may be started from there."""
    if not FOLDER.is_dir() or not os.access(FOLDER, os.W_OK):
        return False
    system = os.statvfs(FOLDER)
    free = min(system.f_bavail * system.f_frsize, psutil.virtual_memory().available)
    return free >= FREE_BYTES and _allowed() >= ALLOWED_BYTES and not system.f_flag & os.ST_NOEXEC


def _allowed() -> float:
    """Bytes that this process and those beside it may have together."""
    for limit in LIMITS:
        with suppress(OSError, ValueError):  # there is none, or it is "max"
            return int(limit.read_text())
    return math.inf
