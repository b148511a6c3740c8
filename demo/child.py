"""One of the policy package's runs as a process of its own, followed to its end."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runs.folder.errors import RunError
from runs.folder.files import read_json
from runs.folder.folder import RunFolder
from runs.folder.progress import Reading, read_progress

CHECKOUT = Path(__file__).resolve().parents[1]

Report = Callable[[Reading], None]


def run_policy(command: str, folder: RunFolder, config: dict[str, Any], report: Report) -> None:
    """Run ``python -m rltrainer.policy COMMAND`` on a folder whose inputs are written.

    ``report`` is told how far it is twice a second. Raises RunError with the child's reason where it fails; a
    folder that was left half-way goes on from its checkpoint.
    """
    folder.write_config(config)
    with folder.log_file.open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "rltrainer.policy", command, str(folder.path)],
            cwd=CHECKOUT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _follow(child, folder, report)
        finally:
            child.terminate()  # nothing where it has ended; else it writes a checkpoint and leaves
            child.wait()
    if child.returncode:
        raise RunError(_reason(folder, child.returncode))


def _follow(child: "subprocess.Popen[bytes]", folder: RunFolder, report: Report) -> None:
    ended = False
    while not ended:
        try:
            child.wait(0.5)
            ended = True
        except subprocess.TimeoutExpired:
            pass
        reading = read_progress(folder.progress_file)
        if reading is not None:
            report(reading)


def _reason(folder: RunFolder, code: int) -> str:
    if folder.failure_file.is_file():
        return str(read_json(folder.failure_file)["reason"])
    return f"the child ended with exit code {code}: its log is {folder.log_file}"
