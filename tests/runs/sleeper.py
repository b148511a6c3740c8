"""A child without a training, for the tests of the launcher: python -m tests.runs.sleeper MARKS CODE...

Process N writes MARKS/N and waits; N leaves at once with the N-th CODE where that is one.
"""

import os
import sys
import time
from pathlib import Path


def main(marks: Path, codes: list[str]) -> None:
    """Never returns where nobody ends it."""
    number = int(os.environ["RANK"])
    torch = "with" if "torch" in sys.modules else "without"
    (marks / str(number)).write_text(f"{os.environ['WORLD_SIZE']}, {torch} torch")
    if codes[number] != "-":
        sys.exit(int(codes[number]))
    time.sleep(600)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
