"""A child that is half done with its output: python -m tests.runs.half_written FOLDER heeds|deaf|fails."""

import sys
import time
from pathlib import Path

from runs.folder.child import run_child
from runs.folder.errors import BadInput, Stopped
from runs.folder.folder import RunFolder
from runs.folder.stopping import StopSignal


def main(folder: RunFolder, stop: StopSignal) -> None:
    """Write the half, and go no further: until it is asked to stop, or ended, or at once with a reason."""
    ours = folder.output / "ours"
    ours.mkdir()
    (ours / "weights").write_bytes(b"half of them")
    stop.loaded()
    while sys.argv[2] != "fails":
        if stop and sys.argv[2] == "heeds":
            raise Stopped
        time.sleep(0.02)
    raise BadInput("the other half is not to be had")


if __name__ == "__main__":
    sys.exit(run_child(Path(sys.argv[1]), main))
