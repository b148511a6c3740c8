"""Judgements under fire: 32 annotators, 500 tasks of overlap 3, web processes killed on the way.

    python -m benchmarks.races [--tasks 500]

It is the suite's own test (tests/annotation/test_races_over_http.py) at full size: exactly three rankings a task,
nobody twice, none lost. It prints what was sent and how many processes were killed.
"""

import argparse
import os
import subprocess
import sys

_TEST = "tests/annotation/test_races_over_http.py"


def main() -> int:
    """The exit code of the test."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.races")
    parser.add_argument("--tasks", type=int, default=500)
    options = parser.parse_args()
    environment = {**os.environ, "CONCORD_RACE_TASKS": str(options.tasks)}
    command = [sys.executable, "-m", "pytest", "-q", "-s", "--timeout=3600", _TEST]
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
