"""How well a reward model fitted from scratch predicts people: the E2E NLG Challenge's quality rankings.

    CONCORD_REAL_DATA=/path/to/data python -m benchmarks.reward_model_e2e [CONFIG.json]

Reads ``e2e_quality_rankings.jsonl.gz`` of that folder, splits prompts by the project's own rule, fits with
FitConfig's defaults (or the fields in CONFIG.json) in a child process, and prints one JSON object: accuracy
on the strict pairs of single annotators on held-out prompts, beside what longer texts and other people reach.
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from annotation.preferences.splits import split_of, text_digest
from annotation.preferences.tiers import dense, pairs
from runs.folder.files import read_json
from runs.folder.folder import RunFolder

FILE = "e2e_quality_rankings.jsonl.gz"


def snapshot_line(line: dict[str, Any]) -> dict[str, Any]:
    """One ranking of the import format as a line of a snapshot (docs/architecture.md)."""
    messages = [{"role": "user", "content": line["prompt"]}]
    tiers = dense([completion["rank"] for completion in line["completions"]])
    strict, ties = pairs(tiers)
    return {
        "ranking": line["id"],
        "task": line["task"],
        "form": "text",
        "prompt": messages,
        "split": split_of(messages),
        "annotator": line["annotator"],
        "verdict": "ranked",
        "completions": [
            {
                "id": text_digest(f"{completion['source']} {completion['text']}"),
                "text": completion["text"],
                "source": completion["source"],
            }
            for completion in line["completions"]
        ],
        "tiers": tiers,
        "pairs": strict,
        "ties": ties,
        "strength": None,
        "order_shown": None,
        "simulated": False,
        "by_doubt": False,
    }


def prepare(folder: RunFolder, data: Path, config: dict[str, Any]) -> None:
    """A run's folder as the web process would write it."""
    folder.make()
    with (folder.inputs / "snapshot.jsonl").open("w", encoding="utf-8") as file:
        for line in _lines(data / FILE):
            file.write(json.dumps(snapshot_line(line), ensure_ascii=False) + "\n")
    folder.write_config(config)


def measure(data: Path, config: dict[str, Any]) -> dict[str, Any]:
    """Fit once; the figures of the report that say how good it is, and the seconds of the whole child."""
    with tempfile.TemporaryDirectory(prefix="concord-benchmark-") as name:
        folder = RunFolder(Path(name))
        prepare(folder, data, config)
        begun, load = time.monotonic(), os.getloadavg()[0]
        command = [sys.executable, "-m", "rewardmodel.bradley_terry", "fit", name]
        subprocess.run(command, cwd=Path(__file__).parents[1], check=True)
        seconds = time.monotonic() - begun
        report = read_json(folder.output / "meta.json")["report"]
    held_out = report["held_out"]
    shown = (
        "split",
        "prompts",
        "rankings",
        "pairs",
        "accuracy",
        "longer_wins",
        "above_longer_wins",
        "log_loss",
        "ece",
    )
    return {
        "config": config,
        **{key: held_out[key] for key in shown},
        "human_agreement": report["human_agreement"],
        "training": report["training"],
        "seconds": round(seconds, 1),
        "load_before": round(load, 2),
    }


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def main() -> None:
    if "CONCORD_REAL_DATA" not in os.environ:
        sys.exit("CONCORD_REAL_DATA names no folder: it must hold " + FILE)
    config = read_json(Path(sys.argv[1])) if len(sys.argv) > 1 else {}
    print(json.dumps(measure(Path(os.environ["CONCORD_REAL_DATA"]), config), indent=2))


if __name__ == "__main__":
    main()
