"""That nothing of the write path waits for a file, a process or a network: others wait for what it has locked.

Python tells of each file, process and connection that is opened; libpq's own connection to Postgres is none of these.
"""

import sys
from types import CodeType, FrameType
from typing import Any

from django.db import connection

from runs import writing

EVENTS = frozenset(
    {
        "open",
        "os.listdir",
        "os.scandir",
        "shutil.copyfile",
        "shutil.rmtree",
        "socket.connect",
        "socket.getaddrinfo",
        "subprocess.Popen",
    }
)
# Modules that are imported when they are first wanted, and lines that a traceback shows.
CODE = (".py", ".pyc", ".so", ".mo", "__pycache__")
# A demo's project is known to nobody before it is whole, and its passwords are kept before they can be wanted. What a
# resident scorer has locked are questions that it answers: others go round them (SKIP LOCKED). For a request with a key
# waits whoever sends the same one again, though its upload is being stored.
NOBODY_WAITS = ("demo/create.py", "runs/resident/serving.py", "annotation/api/idempotency.py")
_seen: list[str] = []


def watch() -> None:
    """From now on, to the end of the process: Python forgets no such listener."""
    sys.addaudithook(_heard)


def seen() -> list[str]:
    """What functions of the write path have opened since this was asked last."""
    opened, _seen[:] = _seen[:], []
    return opened


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in EVENTS or not _is_writing(sys._getframe(1)):
        return
    what = str(arguments[0]) if arguments else ""
    if what.endswith(CODE) or "site-packages" in what or "zoneinfo" in what:
        return
    frame: FrameType | None = sys._getframe(1)
    within: list[CodeType] = []
    while frame is not None:
        if frame.f_code.co_filename.endswith(NOBODY_WAITS) or "importlib" in frame.f_code.co_filename:
            return
        # What waits for the commit is done below it too, but after it.
        if frame.f_code is _WRITTEN and connection.in_atomic_block:
            _seen.append(f"{event} {arguments} in {' < '.join(code.co_name for code in within[:12])}")
            return
        within.append(frame.f_code)
        frame = frame.f_back


def _is_writing(frame: FrameType | None) -> bool:
    """Whether a function of the write path is on the stack; nearly always none is, so this comes before all else."""
    while frame is not None:
        # Each look at a frame's code is an event in its turn, for which Python would come here again.
        if frame.f_globals is writing.__dict__ and frame.f_code is _WRITTEN:
            return True
        frame = frame.f_back
    return False


def _code_of_writers() -> CodeType:
    """That of the function which ``write`` puts around each function of the write path: the same for all of them."""
    (code,) = (
        one
        for one in writing.write.__code__.co_consts
        if isinstance(one, CodeType) and one.co_name == "written"
    )
    return code


_WRITTEN = _code_of_writers()
