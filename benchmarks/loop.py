"""The whole loop on people's rankings, with the project's own sizes: some seven minutes on two cores.

    CONCORD_REAL_DATA=DIR [CONCORD_REPORT=FILE] python -m benchmarks.loop

It is the suite's own test (tests/acceptance/test_loop.py), which the suite runs with smaller policies and fewer steps.
"""

import os
import subprocess
import sys

_TEST = "tests/acceptance/test_loop.py"


def main() -> int:
    """The exit code of the test."""
    environment = {**os.environ, "CONCORD_LOOP": "whole"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-s", _TEST], env=environment, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
