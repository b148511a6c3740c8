"""The whole training side on one device and on another: SFT, a fit, PPO with full weights and with LoRA.

    python -m benchmarks.devices cpu cuda [--demonstrations N]     compare
    python -m benchmarks.devices cpu cuda --check                  check, in some minutes; exit code 1 where one fails

Needs torch, transformers and peft alone: no Django, no database. It makes its own
data from the demo's grammar, runs the packages' own commands as processes, and prints one JSON object a device: losses,
held-out accuracy, reward and KL before and after, and the seconds of each command. On CUDA the forward passes run in
bfloat16; the figures of two devices should agree but for that.

The checks are of what a machine without a GPU cannot show. **parity**: SFT, the fit, PPO, PPO with LoRA and REINFORCE
on two processes, NCCL between two GPUs and gloo on the CPU, give the weights of one after ten steps in float64.
**resume**: each of them stopped by SIGTERM at a moment by chance and gone on with has the weights of one that was left
alone, to the byte. **merge**: of SFT with LoRA beside a base that is bfloat16 on CUDA, what was learnt is saved in
float32 whole, and the saved policy has the perplexity that the report says.
"""

import argparse
import json
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from annotation.preferences.splits import split_of
from annotation.preferences.tiers import pairs
from demo.demonstrations import demonstrations
from demo.measure import merit
from lm.devices import choose_device
from lm.lora import ADAPTER
from rltrainer.policy.answers import demonstration_losses
from rltrainer.policy.config import EvaluateConfig
from rltrainer.policy.demonstrations import read_demonstrations
from rltrainer.policy.loading import load_policy
from runs.folder.child import STOPPED
from runs.folder.files import read_json
from runs.folder.folder import RunFolder
from runs.folder.metrics import read_metrics
from runs.folder.starting import QUIET_THREADS

CHECKOUT = Path(__file__).parents[1]
# Bounds of the checks: of a weight after ten steps in float64; of an adapter's norm; of nats a token.
SAME_WEIGHTS, LACKING, SAME_LOSS = 1e-6, 1e-3, 1e-4
# Of a training that is over before it can be stopped.
TRIES = 5
KINDS = ("rltrainer.policy sft", "rewardmodel.bradley_terry fit", "rltrainer.ppo train")


def messages_of(prompt: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}]


def prompt_lines(prompts: Iterable[str]) -> list[dict[str, Any]]:
    """Lines of inputs/prompts.jsonl (docs/architecture.md)."""
    numbered = [(number, messages_of(prompt)) for number, prompt in enumerate(prompts)]
    return [
        {"id": f"p{n}", "form": "text", "prompt": messages, "split": split_of(messages)}
        for n, messages in numbered
    ]


def demonstration_lines(count: int) -> list[dict[str, Any]]:
    """Lines of inputs/demonstrations.jsonl."""
    answered = list(demonstrations(1, count))
    lines = prompt_lines(one.prompt for one in answered)
    return [{**line, "completion": one.completion} for line, one in zip(lines, answered, strict=True)]


def snapshot_lines(count: int) -> list[dict[str, Any]]:
    """Lines of inputs/snapshot.jsonl: two notices of the grammar, one of them for other facts, ranked by merit."""
    answered = list(demonstrations(2, 2 * count))
    lines = []
    for number, (one, other) in enumerate(zip(answered[::2], answered[1::2], strict=True)):
        texts = [one.completion, other.completion]
        merits = [merit(one.prompt, text) for text in texts]
        tiers = [1 + sum(better > value for better in set(merits)) for value in merits]
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


Inputs = Mapping[str, list[dict[str, Any]]]


def prepare(path: Path, config: Mapping[str, Any], inputs: Inputs) -> RunFolder:
    """The folder of a run."""
    folder = RunFolder(path)
    folder.make()
    for name, lines in inputs.items():
        (folder.inputs / name).write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    folder.write_config(dict(config))
    return folder


def start(kind: str, folder: RunFolder) -> "subprocess.Popen[bytes]":
    """The process of a command on ``folder``."""
    module, command = kind.split()
    return subprocess.Popen([sys.executable, "-m", module, command, str(folder.path)], cwd=CHECKOUT)


def run(kind: str, path: Path, config: Mapping[str, Any], inputs: Inputs) -> float:
    """Carry out one command in a folder of its own; its seconds."""
    folder = prepare(path, config, inputs)
    begun = time.monotonic()
    finish(start(kind, folder))
    return round(time.monotonic() - begun, 1)


def finish(process: "subprocess.Popen[bytes]") -> None:
    if code := process.wait():
        raise SystemExit(f"{process.args!r} ended with {code}")


class Trainings:
    """SFT, a fit and three trainings of the policy with ``improving`` in their settings, each on what those before it
    gave."""

    def __init__(self, device: str, count: int, home: Path, **improving: int) -> None:
        sft, fit, train = KINDS
        prompts = prompt_lines(dict.fromkeys(one.prompt for one in demonstrations(3, 400)))
        shared = {"device": device, "seed": 1}
        self.policy, self.rewards = home / "sft", home / "fit"
        models = {"policy": str(self.policy / "output"), "reward_model": str(self.rewards / "output")}
        policies: dict[str, dict[str, Any]] = {
            "ppo": {},
            "ppo_lora": {"lora": {"rank": 8}},
            "reinforce": {"algorithm": "reinforce"},
        }
        self.by_name: dict[str, tuple[str, dict[str, Any], Inputs]] = {
            "sft": (sft, {**shared, "epochs": 2}, {"demonstrations.jsonl": demonstration_lines(count)}),
            "fit": (fit, {**shared, "epochs": 1}, {"snapshot.jsonl": snapshot_lines(count)}),
            **{
                name: (train, {**shared, **models, **improving, **more}, {"prompts.jsonl": prompts})
                for name, more in policies.items()
            },
        }


def measure(device: str, count: int, home: Path) -> dict[str, Any]:
    """All of it on one device."""
    trainings = Trainings(device, count, home, steps=4)
    seconds = {name: run(kind, home / name, *rest) for name, (kind, *rest) in trainings.by_name.items()}
    figures: dict[str, Any] = {
        "device": device,
        "held_out_loss": read_json(trainings.policy / "output" / "report.json")["held_out_loss"],
        "accuracy": read_json(trainings.rewards / "output" / "meta.json")["report"]["held_out"]["accuracy"],
    }
    for name in ("ppo", "ppo_lora", "reinforce"):
        report = read_json(home / name / "output" / "report.json")
        figures[name] = {"gain_in_deviations": report["gain_in_deviations"], "kl": report["after"]["kl"]}
    return {**figures, "seconds": seconds}


def check(device: str, home: Path) -> dict[str, Any]:
    """What each check found on one device, and whether it ``passed``; a sentence where the device cannot be checked."""
    if device == "cuda" and not torch.cuda.is_available():
        return {
            "device": device,
            "skipped": "this machine has no GPU that torch sees: install torch's CUDA build on one",
        }
    name = torch.cuda.get_device_name(0) if device == "cuda" else "CPU"
    if device == "cuda" and torch.cuda.device_count() < 2:
        parity: dict[str, Any] = {"skipped": "two processes need two GPUs, and this machine has one"}
    else:
        parity = check_parity(device, home / "parity")
    checks = {
        "parity": parity,
        "resume": check_resume(device, home / "resume"),
        "merge": check_merge(device, home / "merge"),
    }
    return {"device": device, "name": name, "torch": torch.__version__, **checks}


def check_parity(device: str, home: Path) -> dict[str, Any]:
    """The largest difference of a weight between one process and two, by training."""
    several = ["runs.folder.processes", "2"]
    for name, launcher in (("alone", []), ("together", several)):
        subprocess.run(
            [sys.executable, "-m", *launcher, "tests.rltrainer.parity", str(home / name), device],
            cwd=CHECKOUT, check=True, env={**os.environ, **QUIET_THREADS},
        )  # fmt: skip
    differences = {}
    for path in sorted((home / "alone").glob("*.safetensors")):
        alone, together = (load_file(home / name / path.name) for name in ("alone", "together"))
        weights = [name for name in alone if name.startswith("weights.")]
        differences[path.stem] = max(float((alone[name] - together[name]).abs().max()) for name in weights)
    return {"differences": differences, "passed": max(differences.values()) < SAME_WEIGHTS}


def check_resume(device: str, home: Path) -> dict[str, Any]:
    """The largest difference of a weight from a training that was left alone, by training: of one that was stopped and
    gone on with, and of a second one that was left alone."""
    chance, stopped, again = random.Random(1), {}, {}
    small = Trainings(device, 200, home, steps=4, batch_prompts=8, held_out_prompts=8)
    for name, (kind, config, inputs) in small.by_name.items():
        run(kind, home / name, config, inputs)
        run(kind, home / f"{name}_again", config, inputs)
        broken = break_off(kind, home / f"{name}_stopped", config, inputs, chance, steps_of(home / name))
        finish(start(kind, broken))
        stopped[name] = largest_difference(home / name, broken.path)
        again[name] = largest_difference(home / name, home / f"{name}_again")
    return {"stopped": stopped, "again": again, "passed": not any(stopped.values())}


def break_off(
    kind: str, path: Path, config: Mapping[str, Any], inputs: Inputs, chance: random.Random, steps: int
) -> RunFolder:
    """A run of so many ``steps``, stopped after one of its first half. One that is quicker than that is tried anew."""
    for attempt in range(TRIES):
        folder, last = prepare(path / str(attempt), config, inputs), chance.randint(1, max(1, steps // 2))
        process = start(kind, folder)
        while steps_of(folder.path) < last and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        if process.wait() == STOPPED:
            return folder
    raise SystemExit(f"{path.name} was at its end each time before it was stopped")


def steps_of(path: Path) -> int:
    """That a run has written by now."""
    return len(read_metrics(RunFolder(path).metrics_file)[0])


def largest_difference(one: Path, other: Path) -> float:
    """Of any weight that two runs have saved."""
    largest = 0.0
    for path in (one / "output").rglob("*.safetensors"):
        weights, others = load_file(path), load_file(other / path.relative_to(one))
        largest = max(
            largest,
            *(float((value.double() - others[name].double()).abs().max()) for name, value in weights.items()),
        )
    return largest


def check_merge(device: str, home: Path) -> dict[str, Any]:
    """SFT with LoRA: which share of what was learnt the saved weights lack, and the report beside the saved policy."""
    shared: dict[str, Any] = {"device": device, "epochs": 1}
    lines = demonstration_lines(400)
    sft, base, tuned = KINDS[0], home / "base", home / "lora"
    run(sft, base, shared, {"demonstrations.jsonl": lines})
    rank = 8
    lora = {"base": str(base / "output"), "lora": {"rank": rank, "alpha": rank}}
    run(sft, tuned, {**shared, **lora}, {"demonstrations.jsonl": lines})
    before, after = (load_file(path / "output" / "model.safetensors") for path in (base, tuned))
    adapter = load_file(tuned / "output" / ADAPTER)
    lacking = []
    for name in sorted(name.removesuffix(".lora_A.weight") for name in adapter if ".lora_A." in name):
        learnt = adapter[f"{name}.lora_B.weight"] @ adapter[f"{name}.lora_A.weight"]  # alpha / rank is 1
        narrow = torch.bfloat16 if device == "cuda" else torch.float32
        kept = after[f"{name}.weight"] - before[f"{name}.weight"].to(narrow).float()
        lacking.append(float((kept - learnt).norm() / learnt.norm()))
    loss_of_report = math.log(read_json(tuned / "output" / "report.json")["perplexity"])
    again = loss_of(tuned, device)
    passed = max(lacking) < LACKING and abs(loss_of_report - again) < SAME_LOSS
    return {"lacking": max(lacking), "loss_said": loss_of_report, "loss_of_saved": again, "passed": passed}


def loss_of(path: Path, device: str) -> float:
    """Nats a token of the held-out demonstrations, by the policy that the run at ``path`` saved, in float32."""
    policy = load_policy(
        str(path / "output"), lora=None, device=choose_device(device), dtype=torch.float32, reference=False
    )
    rows = read_demonstrations(path / "inputs" / "demonstrations.jsonl")
    held_out = [row for row in rows if row.split == "validation"]
    losses = demonstration_losses(policy, held_out, EvaluateConfig(policies=("saved",))).rows
    return math.fsum(nats for nats, _ in losses) / sum(tokens for _, tokens in losses)


def failed(checked: Mapping[str, Any]) -> bool:
    return any(isinstance(part, dict) and not part.get("passed", True) for part in checked.values())


def main() -> int:
    """Measure, or check, each device that is named."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("devices", nargs="+", choices=["cpu", "cuda"])
    parser.add_argument("--demonstrations", type=int, default=4000)
    parser.add_argument("--check", action="store_true", help="parity of two processes and LoRA's merge")
    options = parser.parse_args()
    code = 0
    for device in options.devices:
        with tempfile.TemporaryDirectory(prefix="concord-devices-") as name:
            home = Path(name)
            result = check(device, home) if options.check else measure(device, options.demonstrations, home)
            print(json.dumps(result), flush=True)
            code |= options.check and failed(result)
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
