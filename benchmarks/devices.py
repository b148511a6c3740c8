"""The whole training side on one device and on another: SFT, a fit, PPO with full weights and with LoRA.

    python -m benchmarks.devices cpu cuda [--demonstrations N]

Needs torch, transformers and peft alone: no Django, no database. It makes its own data from the demo's grammar, runs
the packages' own commands as processes, and prints one JSON object a device: losses, held-out accuracy, reward and KL
before and after, and the seconds of each command. On CUDA the forward passes run in bfloat16; the figures of two
devices should agree but for that.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from annotation.preferences.splits import split_of
from annotation.preferences.tiers import pairs
from demo.demonstrations import demonstrations
from demo.measure import merit
from runs.folder.files import read_json
from runs.folder.folder import RunFolder

CHECKOUT = Path(__file__).parents[1]
KINDS = ("rltrainer.policy sft", "rewardmodel.bradley_terry fit", "rltrainer.ppo train")


def messages_of(prompt: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}]


def prompt_lines(prompts: Iterable[str]) -> list[dict[str, Any]]:
    """Lines of inputs/prompts.jsonl (docs/architecture.md)."""
    asked = [(number, messages_of(prompt)) for number, prompt in enumerate(prompts)]
    return [{"id": f"p{n}", "form": "text", "prompt": each, "split": split_of(each)} for n, each in asked]


def demonstration_lines(count: int) -> list[dict[str, Any]]:
    """Lines of inputs/demonstrations.jsonl."""
    made = list(demonstrations(1, count))
    lines = prompt_lines(one.prompt for one in made)
    return [{**line, "completion": one.completion} for line, one in zip(lines, made, strict=True)]


def snapshot_lines(count: int) -> list[dict[str, Any]]:
    """Lines of inputs/snapshot.jsonl: two notices of the grammar, one of them for other facts, ranked by merit."""
    made = list(demonstrations(2, 2 * count))
    lines = []
    for number, (one, other) in enumerate(zip(made[::2], made[1::2], strict=True)):
        texts = [one.completion, other.completion]
        merits = [merit(one.prompt, text) for text in texts]
        tiers = [1 + sum(value > own for value in set(merits)) for own in merits]
        strict, ties = pairs(tiers)
        shown = [
            {"id": f"c{number}-{place}", "text": text, "source": None} for place, text in enumerate(texts)
        ]
        line = prompt_lines([one.prompt])[0]
        lines.append(
            {
                **{key: line[key] for key in ("form", "prompt", "split")},
                "ranking": f"r{number}",
                "task": f"t{number}",
                "annotator": "grammar",
                "verdict": "ranked",
                "completions": shown,
                "tiers": tiers,
                "pairs": strict,
                "ties": ties,
                "strength": None,
                "order_shown": None,
                "simulated": True,
                "by_doubt": False,
            }
        )
    return lines


def run(
    kind: str, path: Path, config: Mapping[str, Any], inputs: Mapping[str, list[dict[str, Any]]]
) -> float:
    """Carry out one command in a folder of its own; its seconds."""
    folder = RunFolder(path)
    folder.make()
    for name, lines in inputs.items():
        (folder.inputs / name).write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    folder.write_config(dict(config))
    begun = time.monotonic()
    module, command = kind.split()
    subprocess.run([sys.executable, "-m", module, command, str(path)], cwd=CHECKOUT, check=True)
    return round(time.monotonic() - begun, 1)


def measure(device: str, count: int, home: Path) -> dict[str, Any]:
    """All of it on one device."""
    sft, fit, train = KINDS
    prompts = prompt_lines(dict.fromkeys(one.prompt for one in demonstrations(3, 400)))
    shared = {"device": device, "seed": 1}
    policy, rewards = home / "sft", home / "fit"
    seconds = {
        "sft": run(sft, policy, {**shared, "epochs": 2}, {"demonstrations.jsonl": demonstration_lines(count)})
    }
    seconds["fit"] = run(fit, rewards, {**shared, "epochs": 1}, {"snapshot.jsonl": snapshot_lines(count)})
    models = {"policy": str(policy / "output"), "reward_model": str(rewards / "output")}
    found: dict[str, Any] = {
        "device": device,
        "held_out_loss": read_json(policy / "output" / "report.json")["held_out_loss"],
        "accuracy": read_json(rewards / "output" / "meta.json")["report"]["held_out"]["accuracy"],
    }
    for name, more in (
        ("ppo", {}),
        ("ppo_lora", {"lora": {"rank": 8}}),
        ("reinforce", {"algorithm": "reinforce"}),
    ):
        seconds[name] = run(
            train, home / name, {**shared, **models, **more, "steps": 4}, {"prompts.jsonl": prompts}
        )
        report = read_json(home / name / "output" / "report.json")
        found[name] = {"gain_in_deviations": report["gain_in_deviations"], "kl": report["after"]["kl"]}
    return {**found, "seconds": seconds}


def main() -> None:
    """Measure each device that is named."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("devices", nargs="+", choices=["cpu", "cuda"])
    parser.add_argument("--demonstrations", type=int, default=4000)
    given = parser.parse_args()
    for device in given.devices:
        with tempfile.TemporaryDirectory(prefix="concord-devices-") as name:
            print(json.dumps(measure(device, given.demonstrations, Path(name))), flush=True)


if __name__ == "__main__":
    main()
