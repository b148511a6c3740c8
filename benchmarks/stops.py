"""How soon a run's process ends after SIGTERM, at any moment of it: the table in docs/architecture.md.

    python -m benchmarks.stops [KIND ...] [--moments 10] [--seed 0] [--device cuda] [--write]

Networks and settings are those of a run that says nothing else, on two threads of the CPU or on a GPU; the data are the
demo's grammar. Each kind of run is made once to its end. Then it starts anew as often as there are moments, each drawn
between the first word of its progress and that end, and is stopped there. Children are forked from a process that has
loaded torch, as under Concord (runs.folder.forking), or start from nothing where that cannot be. No Django, no
database.
"""

import argparse
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.devices import Inputs, demonstration_lines, prepare, prompt_lines, snapshot_lines
from benchmarks.writing import CHECKOUT, put, table
from demo.demonstrations import demonstrations
from runs.folder.child import DONE, STOPPED
from runs.folder.folder import RunFolder
from runs.folder.starting import QUIET_THREADS, Process, start

PAGE = CHECKOUT / "docs" / "architecture.md"
LOADED = (
    "rewardmodel.bradley_terry.commands",
    "rltrainer.policy.evaluate",
    "rltrainer.policy.sft",
    "rltrainer.ppo.train",
    "transformers.models.llama.modeling_llama",
)
LIMIT = 2.0  # seconds from the signal to the end


class Kind(NamedTuple):
    """A command with the folder it runs on; ``name`` is what the table calls it."""

    name: str
    command: tuple[str, str]
    config: Mapping[str, Any]
    inputs: Inputs


class Stop(NamedTuple):
    """``doing`` is what progress.json said at the signal, ``after`` the seconds since its first word."""

    after: float
    doing: str
    seconds: float


@contextmanager
def forking(path: Path) -> Iterator[Path]:
    """Within it a process forks children at the socket ``path``."""
    process = subprocess.Popen(
        [sys.executable, "-m", "runs.folder.forking", str(path), *LOADED], cwd=CHECKOUT,
        env={**os.environ, **QUIET_THREADS},
    )  # fmt: skip
    try:
        while process.poll() is None and not path.exists():
            time.sleep(0.05)
        yield path
    finally:
        process.terminate()
        process.wait()


def kinds(home: Path, device: str) -> list[Kind]:
    """In the order in which they need each other's output."""
    prompts = prompt_lines(dict.fromkeys(one.prompt for one in demonstrations(3, 200)))
    lines_of_demonstrations = demonstration_lines(400)
    scored = [
        {name: line[name] for name in ("form", "prompt", "completion")} for line in lines_of_demonstrations
    ]
    policy, reward_model = (str(home / name / "output") for name in ("SFT", "fit"))
    models = {"policy": policy, "reward_model": reward_model}
    shared = {"device": device, "threads": 2}
    train, prompts_alone = ("rltrainer.ppo", "train"), {"prompts.jsonl": prompts}
    return [
        Kind(
            "SFT",
            ("rltrainer.policy", "sft"),
            {**shared, "epochs": 2},
            {"demonstrations.jsonl": lines_of_demonstrations},
        ),
        Kind(
            "fit",
            ("rewardmodel.bradley_terry", "fit"),
            {**shared, "epochs": 1},
            {"snapshot.jsonl": snapshot_lines(200)},
        ),
        Kind("PPO", train, {**shared, **models, "steps": 1, "held_out_prompts": 16}, prompts_alone),
        Kind(
            "REINFORCE",
            train,
            {**shared, **models, "algorithm": "reinforce", "steps": 2, "held_out_prompts": 16},
            prompts_alone,
        ),
        Kind(
            "sampling",
            ("rltrainer.policy", "sample"),
            {**shared, "base": policy},
            {"prompts.jsonl": prompts[:32]},
        ),
        Kind(
            "evaluating",
            ("rltrainer.policy", "evaluate"),
            {**shared, "policies": [policy, policy], "reward_model": reward_model},
            {"prompts.jsonl": prompts[:32], "demonstrations.jsonl": lines_of_demonstrations},
        ),
        Kind(
            "scoring a file",
            ("rewardmodel.bradley_terry", "score"),
            {**shared, "reward_model": reward_model},
            {"scored.jsonl": scored * 8},
        ),
    ]


def begin(kind: Kind, folder: RunFolder, forks: Path) -> Process:
    """Its process, once it has said the first word of its progress."""
    module, command = kind.command
    with folder.log_file.open("wb") as log:
        process = start(
            [sys.executable, "-m", module, command, str(folder.path)],
            folder=CHECKOUT,
            environment={**os.environ, **QUIET_THREADS},
            output=log,
            forks=forks,
        )
    while not folder.progress_file.exists():
        with suppress(subprocess.TimeoutExpired):
            raise SystemExit(f"{kind.name} ended with {process.wait(0.005)}:\n{folder.log_file.read_text()}")
    return process


def to_its_end(kind: Kind, path: Path, forks: Path) -> float:
    """The seconds from the first word of its progress to its end."""
    folder = prepare(path, kind.config, kind.inputs)
    process = begin(kind, folder, forks)
    begun = time.monotonic()
    if process.wait() != DONE:
        raise SystemExit(f"{kind.name} failed:\n{folder.log_file.read_text()}")
    return time.monotonic() - begun


def stopped(kind: Kind, path: Path, after: float, forks: Path) -> Stop | None:
    """Stop a new run of ``kind`` so many seconds after its first word; None where it is over before."""
    folder = prepare(path, kind.config, kind.inputs)
    process = begin(kind, folder, forks)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        doing = json.loads(folder.progress_file.read_text())["doing"]
        begun = time.monotonic()
        os.kill(process.pid, signal.SIGTERM)
        code = process.wait()
        seconds = time.monotonic() - begun
        if code not in (DONE, STOPPED):
            raise SystemExit(f"{kind.name} failed:\n{folder.log_file.read_text()}") from None
        return Stop(after, doing, seconds) if code == STOPPED else None
    return None


def measure(kind: Kind, home: Path, moments: int, chance: random.Random, forks: Path) -> dict[str, object]:
    """A row of the table. What ended of itself before its moment is tried at another."""
    whole = to_its_end(kind, home / kind.name, forks)
    stops: list[Stop] = []
    while len(stops) < moments:
        path = home / "stopped"
        one = stopped(kind, path, chance.uniform(0, whole), forks)
        shutil.rmtree(path)
        if one is not None:
            stops.append(one)
            print(f"{kind.name}: {one.after:.2f} s, {one.doing}: {one.seconds:.2f} s", file=sys.stderr)
    seconds = [one.seconds for one in stops]
    slowest = max(stops, key=lambda one: one.seconds)
    return {
        "run": kind.name,
        "seconds in all": f"{whole:.0f}",
        "stops": len(stops),
        "median, s": f"{statistics.median(seconds):.2f}",
        "largest, s": f"{slowest.seconds:.2f}",
        "the largest while": slowest.doing,
    }


def main() -> int:
    """0 where every stop was obeyed in time."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "kinds", nargs="*", metavar="KIND", help="only these; what they start from is made too"
    )
    parser.add_argument("--moments", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.relative_to(CHECKOUT)}")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="concord-stops-") as name, forking(Path(name) / "f") as forks:
        for kind in kinds(Path(name), options.device):
            if options.kinds and kind.name not in options.kinds:
                if kind.name in ("SFT", "fit"):
                    to_its_end(kind, Path(name) / kind.name, forks)
                continue
            rows.append(
                measure(
                    kind, Path(name), options.moments, random.Random(f"{options.seed} {kind.name}"), forks
                )
            )
    text = table(rows)
    print(text)
    if options.write:
        put("benchmarks.stops", text, PAGE)
    return int(any(float(str(row["largest, s"])) > LIMIT for row in rows))


if __name__ == "__main__":
    sys.exit(main())
