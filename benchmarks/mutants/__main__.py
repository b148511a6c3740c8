"""Which wrong lines of annotation's write path no test notices: ``make mutants``.

    python -m benchmarks.mutants [--seed 1] [--count 310] [--module annotation/collecting/queue.py ...] [--least 90]

A mutant is the code with one small change (making.py). It is killed where a test of tests/annotation fails, and
survives where none does. Results are appended to var/mutants.jsonl as they come, and hold as long as the module and
the tests that were asked are the same: a run that is broken off goes on where it was. Survivors that no test could
kill are in survivors.toml with the reason. Fails where fewer than 90 % are killed and a survivor has no reason there.
"""

import argparse
import json
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.mutants.making import Mutant, mutants_of
from benchmarks.mutants.running import ROOT, Asking, Result

# What carries runs.writing.write, and what it calls. Not transfers, uploads and webhooks, which processes test; nor
# tokens and intake/single, which the API's tests do.
MODULES = [
    *(f"checking/{name}" for name in ("adjudication", "control", "standing")),
    *(f"collecting/{name}" for name in ("asking", "bookmarks", "demonstrating", "flags", "holding")),
    *(f"collecting/{name}" for name in ("queue", "ranking", "rating")),
    *("files/snapshots", "locks", "people", "quality/upkeep", "rows", "withdrawal/erasure"),
]
PATHS = [
    *(ROOT / f"annotation/{name}.py" for name in MODULES),
    *sorted({*ROOT.glob("annotation/files/intake/*.py")} - {ROOT / "annotation/files/intake/single.py"}),
    *sorted(ROOT.glob("annotation/preferences/*.py")),
    ROOT / "annotation/texts/naming.py",
]
TESTS = ["tests/annotation", "--ignore=tests/annotation/test_export_to_trl.py"]
# These take half a minute each.
TESTS += ["-k", "not intervals_hold_the_truth and not memory_does_not_grow"]
# Random order and hypothesis as at any other time, but the same each time.
OPTIONS = ["-q", "-s", "--timeout=0", "-p", "randomly", "-p", "no:cacheprovider", "--randomly-seed=1"]
OPTIONS += ["--randomly-dont-reorganize", "-m", "not processes and not browser and not real_data"]


class Kept:
    """The results in a file, one a line, the newest of a mutant last."""

    def __init__(self, path: Path, total: int) -> None:
        self.path, self.total = path, total
        self.kept: dict[str, Result] = {}
        self.results: dict[str, Result] = {}
        self.spent: list[float] = []
        self.begun = time.monotonic()
        for line in path.read_text().splitlines() if path.exists() else []:
            digest, *result = json.loads(line)
            self.kept[digest] = Result(*result)

    def known(self, mutant: Mutant, holds: Callable[[Result], bool]) -> bool:
        """Whether an earlier run's result holds still."""
        self.begun = time.monotonic()
        result = self.kept.get(mutant.digest)
        if result is None or not holds(result):
            return False
        self.results[mutant.digest] = result
        return True

    def done(self, mutant: Mutant, result: Result) -> None:
        """Keep it and say how far we are."""
        self.results[mutant.digest] = result
        with self.path.open("a") as file:
            file.write(json.dumps([mutant.digest, *result]) + "\n")
        now = time.monotonic()
        self.spent.append(now - self.begun)
        self.begun = now
        left = (self.total - len(self.results)) * sum(self.spent) / len(self.spent)
        print(
            f"{len(self.results)}/{self.total} {result.status:9} {self.spent[-1]:5.1f} s, {left / 60:4.1f} min left  "
            f"{mutant.path}:{mutant.line}  {mutant.before} -> {mutant.after}",
            flush=True,
        )


def sample(seed: int, count: int, modules: list[str]) -> list[Mutant]:
    """``count`` of all mutants, the same for a seed: a change of the code draws those that it changes, no others."""
    paths = [path.relative_to(ROOT).as_posix() for path in PATHS]
    mutated = [path for path in paths if not modules or path in modules]
    possible = [
        mutant
        for path in mutated
        for mutant in mutants_of(path, (ROOT / path).read_text())
        if mutant.where != "__all__"  # names for import *, which nobody uses
    ]
    chosen = sorted(sorted(range(len(possible)), key=lambda place: possible[place].drawn(seed))[:count])
    print(f"{len(chosen)} of {len(possible)} mutants of {len(mutated)} modules")
    return [possible[place] for place in chosen]


def summary(mutants: list[Mutant], results: dict[str, Result], least: float) -> bool:
    """Print it; whether the score is enough or every survivor has a reason."""
    reasons = {
        (one["module"], one["where"], one["before"], one["after"]): one["reason"]
        for one in tomllib.loads((Path(__file__).parent / "survivors.toml").read_text()).get("survivor", [])
    }
    tested = [(mutant, results[mutant.digest]) for mutant in mutants if mutant.digest in results]
    tested = [(mutant, result) for mutant, result in tested if result.status != "broken"]
    table: dict[str, Counter[str]] = {}
    for mutant, result in tested:
        table.setdefault(mutant.path, Counter())[result.status] += 1
    for path, counts in table.items():
        print(
            f"{path:45}", *(f"{counts[status]:4} {status}" for status in ("killed", "timed out", "survived"))
        )
    survivors = [(mutant, result) for mutant, result in tested if result.status == "survived"]
    unexplained = 0
    for mutant, result in survivors:
        why = reasons.get((mutant.path, mutant.where, mutant.before, mutant.after), "")
        unexplained += not why
        print(f"\n{mutant.path}:{mutant.line} {mutant.where} ({result.tests_run} tests)")
        print(f"  {mutant.before}\n  -> {mutant.after}\n  {why or 'NO REASON'}")
    score = 100 * (1 - len(survivors) / len(tested)) if tested else 0.0
    print(
        f"\n{score:.1f} % of {len(tested)} killed; {len(survivors)} survive, {unexplained} of them without a reason."
    )
    if len(tested) < len(mutants):
        print(f"{len(mutants) - len(tested)} were not asked or do not compile.")
    return score >= least or not unexplained


def main() -> None:
    """Make them, ask the tests, say what survives."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=310)
    parser.add_argument("--module", action="append", default=[])
    parser.add_argument("--least", type=float, default=90)
    options = parser.parse_args()
    var = ROOT / "var"
    var.mkdir(exist_ok=True)
    mutants = sample(options.seed, options.count, options.module)
    kept = Kept(var / "mutants.jsonl", len(mutants))
    asking = Asking(mutants, var / "mutants-tests.json", kept.known, kept.done)
    pytest.main([*TESTS, *OPTIONS], plugins=[asking])
    sys.exit(not summary(mutants, kept.results, options.least))


if __name__ == "__main__":
    main()
