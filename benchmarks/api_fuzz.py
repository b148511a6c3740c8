"""The API against whatever its schema allows and forbids, for as long as one likes: tests/api/test_fuzz.py with more.

    python -m benchmarks.api_fuzz [--examples 200] [--who carol|alice|olivia]

As a researcher, an annotator or an administrator of the project. Of each operation so many examples, others each time,
and every case at the bounds of the schema; 200 take a quarter of an hour.
"""

import argparse
import os
import subprocess
import sys


def main() -> int:
    """The tests' exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=int, default=200, help="an operation and kind of data")
    parser.add_argument("--who", choices=("carol", "alice", "olivia"), default="carol")
    options = parser.parse_args()
    command = [sys.executable, "-m", "pytest", "tests/api/test_fuzz.py", "-q", "--timeout", "0"]
    chosen = {"CONCORD_FUZZ_EXAMPLES": str(options.examples), "CONCORD_FUZZ_AS": options.who}
    return subprocess.run(command, env={**os.environ, **chosen}, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
