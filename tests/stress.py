"""``make stress``: the suite in other random orders while busy processes hold the cores; tells which tests differ.

    python -m tests.stress [--runs 2] [--busy 2] [--seed N] [-- pytest's own arguments]

A test whose outcome depends on the order, on how busy the machine is or on its processor sometimes fails. A training
ends elsewhere on another processor, since its sums are made in another order: so every second run computes as on a
processor of the oldest kind. Exit code 1 where a test failed in any run.
"""

import argparse
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

_BUSY = "while True: sum(range(10**6))"
# Instructions that every x86 has, for ATen's kernels, oneDNN's and MKL's.
_OLDEST = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_CBWR": "COMPATIBLE"}


def main() -> int:
    """Run the suite as often as asked; print what differed."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description="The suite under load.")
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--busy", type=int, default=2, help="processes that do nothing but compute")
    parser.add_argument("--seed", type=int, help="of the first run's order; the next ones follow from it")
    parser.add_argument("arguments", nargs="*", help="for pytest, behind --")
    options = parser.parse_args()
    seeds = random.Random(options.seed)
    outcomes: dict[str, list[str]] = defaultdict(list)
    for number in range(1, options.runs + 1):
        seed = seeds.randrange(2**32) if options.seed is None or number > 1 else options.seed
        oldest = number % 2 == 0
        processor = ", computing as the oldest processor" if oldest else ""
        _say(f"run {number} of {options.runs}, order {seed}, {options.busy} busy processes{processor}")
        began = time.monotonic()
        environment = {**os.environ, **(_OLDEST if oldest else {})}
        for test, outcome in _run(seed, options.busy, options.arguments, environment).items():
            outcomes[test].append(outcome)
        _say(f"run {number} took {time.monotonic() - began:.0f} s")
    return _report(outcomes, options.runs)


def _run(seed: int, busy: int, arguments: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder, _held_cores(busy):
        report = Path(folder) / "report.xml"
        pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
        command = [*pytest, f"--randomly-seed={seed}", *arguments]
        subprocess.run(command, check=False, env=environment)
        return _outcomes(report)


@contextlib.contextmanager
def _held_cores(count: int) -> Iterator[None]:
    processes = [subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _outcomes(report: Path) -> dict[str, str]:
    """Each test's outcome by its name; a test may both pass and fail at its end."""
    by_test: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        kinds = {child.tag for child in case} & {"failure", "error", "skipped"}
        worst = next((kind for kind in ("failure", "error", "skipped") if kind in kinds), "passed")
        by_test[name] = worst if by_test.get(name, "passed") == "passed" else by_test[name]
    return by_test


def _report(outcomes: dict[str, list[str]], runs: int) -> int:
    differ = {test: seen for test, seen in outcomes.items() if len(set(seen)) > 1 or len(seen) < runs}
    failed = {test: seen for test, seen in outcomes.items() if {"failure", "error"} & set(seen)}
    for test, seen in sorted({**differ, **failed}.items()):
        _say(f"{test}: {', '.join(seen)}")
    _say(
        f"{len(outcomes)} tests, {runs} runs: {len(failed)} failed somewhere, {len(differ)} differ between runs"
    )
    return 1 if failed or not outcomes else 0


def _say(words: str) -> None:
    sys.stdout.write(f"stress: {words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
