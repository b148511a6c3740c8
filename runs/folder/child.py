"""The frame around a child's main: lock, stop signal, exit code, reason of failure.

Exit codes: 0 done; 1 failed, the reason is in failure.json; 3 stopped on purpose with a checkpoint; 4 another process
of the same training is gone. Of several processes (RANK says which) the first holds the lock.
"""

import argparse
import errno
import os
import pkgutil
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from runs.folder.errors import RankLost, RunError, Stopped
from runs.folder.files import write_json
from runs.folder.folder import RunFolder
from runs.folder.loading import loading
from runs.folder.stopping import StopSignal

DONE, FAILED, STOPPED, LOST = 0, 1, 3, 4
# No room on the disk, a quota, or a limit on the size of files.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def run_command(package: str, commands: Mapping[str, str], arguments: Sequence[str] | None = None) -> int:
    """``python -m PACKAGE COMMAND DIR``: load the main of a command ("module:function"), and run it on the folder.

    0 done, 1 failed (failure.json says why), 3 stopped with a checkpoint.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {package}")
    parser.add_argument("command", choices=commands)
    parser.add_argument("folder", type=Path, metavar="DIR")
    options = parser.parse_args(arguments)
    with loading():
        main = pkgutil.resolve_name(commands[options.command])
    return run_child(options.folder, main)


def run_child(path: Path, main: Callable[[RunFolder, StopSignal], None]) -> int:
    """Call ``main`` under the folder's lock and return the exit code that says how it ended."""
    folder = RunFolder(path)
    stop = StopSignal()
    first = os.environ.get("RANK", "0") == "0"
    try:
        # The others wait for the first one, and leave with it.
        stop.listen(leaves_at_once=first)
        if not first:
            main(folder, stop)
            return DONE
        folder.make()
        folder.failure_file.unlink(missing_ok=True)
        with folder.writing():
            main(folder, stop)
            stop.loaded()  # it is done, whether it looked or not
    except Stopped as stopped:
        print(stopped, file=sys.stderr)  # noqa: T201 (a child's log)
        return STOPPED
    except RankLost as lost:
        print(lost, file=sys.stderr)  # noqa: T201 (the process that is gone says why, where it can)
        return LOST
    except Exception as error:  # the boundary of the process: every failure becomes a reason
        stop.loaded()
        traceback.print_exc()
        _write_failure(folder, error)
        return FAILED
    return DONE


def exit_code(ended: SystemExit) -> int:
    """What Python itself makes of it: words are said on stderr and mean failure."""
    if ended.code is None or isinstance(ended.code, int):
        return ended.code or DONE
    print(ended.code, file=sys.stderr)  # noqa: T201 (a child's log, or a terminal)
    return FAILED


def leave(code: int) -> NoReturn:
    """End this process with ``code``, as it stands.

    An interpreter with torch takes a good part of a second to clear up and hears no signal meanwhile: a stop that came
    then would kill a run that is done. Of several processes a thread of their group can outlive the interpreter, which
    aborts then, and to take leave of the others first would be to wait for them, also at a stop.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def reason(error: BaseException) -> str:
    """What the run's page says of ``error``: what happened, and what to do where that is known."""
    name = type(error).__name__
    if isinstance(error, RunError):
        return str(error)
    if _is_full(error):
        return (
            "The disk is full, or a limit on what may be written is reached. Free some space, then start the run "
            "again: it goes on from its checkpoint."
        )
    if name in ("OutOfMemoryError", "AcceleratorError") and "memory" in str(error).lower():
        return (
            "The GPU ran out of memory. Lower micro_batch_tokens (and batch_prompts, where it samples), turn "
            f"gradient_checkpointing on, or use LoRA or a smaller base. ({error})"
        )
    if isinstance(error, MemoryError):
        return "This machine ran out of memory. Lower micro_batch_tokens, or use LoRA or a smaller base."
    return f"{name}: {error}"


def _is_full(error: BaseException) -> bool:
    """Whether there was no room for a file. What writes tensors has no OSError, and tells the number in its words."""
    if isinstance(error, OSError):
        return error.errno in FULL
    return any(f"(os error {number})" in str(error) for number in FULL)


def _write_failure(folder: RunFolder, error: BaseException) -> None:
    try:
        write_json(folder.failure_file, {"reason": reason(error), "error": type(error).__name__})
    except OSError:  # on a full disk the worker finds the reason in the log, which is already open
        print(f"reason: {reason(error)}", file=sys.stderr)  # noqa: T201
