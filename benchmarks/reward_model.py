"""Fitting a reward model on rankings: Concord beside TRL's RewardTrainer on the same judgements.

    python -m benchmarks.reward_model [--completions 2 4 9] [--prompt 96 512] [--device auto|cpu|cuda] [--base FOLDER]

Both start from one trunk, one head and one tokenizer, read the same token ids in the same order, and make the same
number of AdamW steps at the same rate in the same precision; TRL reads the pairs that a ranking expands to. Each runs
in a process of its own. A row says, of each: rankings a second (the median step, the first two left out), peak
memory, the loss of the first step, and loss and accuracy on held-out prompts.

    tokens         TRL's tokens a ranking over Concord's: what the layout alone makes of it
    FLOP use       6 * parameters of the trunk * real tokens a second over --peak (of the device, in FLOP/s)

Needs torch, transformers, trl and datasets (the extra ``bench``): no Django, no database.
"""

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import combinations
from pathlib import Path
from typing import Any

COMPLETION = 64  # tokens, EOS included
VOCABULARY = 2000
STEPS = 8
# A judge counts the good words of a completion; every tenth is one.
GOOD = VOCABULARY // 10


def words(chance: random.Random, count: int, share: float) -> list[str]:
    """``count`` words, a ``share`` of which are good."""
    return [
        f"w{chance.randrange(GOOD) if chance.random() < share else chance.randrange(GOOD, VOCABULARY)}"
        for _ in range(count)
    ]


def worth(text: str) -> int:
    """How many of its words are good."""
    return sum(int(word[1:]) < GOOD for word in text.split())


def make_lines(
    rankings: int, completions: int, prompt: int, *, split: str, seed: int
) -> list[dict[str, Any]]:
    """Lines of a snapshot without ties: the completion with more good words is better."""
    chance = random.Random(seed)
    lines: list[dict[str, Any]] = []
    while len(lines) < rankings:
        texts = [" ".join(words(chance, COMPLETION - 1, chance.random() / 2)) for _ in range(completions)]
        order = sorted(texts, key=worth, reverse=True)
        if len({worth(text) for text in texts}) < completions:
            continue
        number = len(lines)
        both = list(combinations(range(completions), 2))
        tiers = [1 + order.index(text) for text in texts]
        lines.append(
            {
                "ranking": f"{split}{number}",
                "task": f"{split}{number}",
                "form": "text",
                "prompt": [{"role": "user", "content": " ".join(words(chance, prompt, 0.1))}],
                "split": split,
                "annotator": "judge",
                "verdict": "ranked",
                "completions": [
                    {"id": f"c{i}", "text": text, "source": None} for i, text in enumerate(texts)
                ],
                "tiers": tiers,
                "pairs": [[i, j] if tiers[i] < tiers[j] else [j, i] for i, j in both],
                "ties": [],
                "strength": None,
                "order_shown": None,
                "simulated": False,
                "by_doubt": False,
            }
        )
    return lines


def make_base(folder: Path, *, hidden: int, layers: int) -> None:
    """A tokenizer with one token a word, and a Llama from scratch."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    from lm.loading import make_trunk
    from lm.scratch import make_config

    vocabulary = {"<pad>": 0, "<eos>": 1, "<unk>": 2, **{f"w{n}": n + 3 for n in range(VOCABULARY)}}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, eos_token="<eos>", pad_token="<pad>", unk_token="<unk>"
    )
    tokenizer.save_pretrained(folder)
    config = make_config(tokenizer, hidden=hidden, layers=layers, heads=hidden // 64, context=2048)
    make_trunk(config, tokenizer=tokenizer, seed=0).save_pretrained(folder)


def config_of(job: dict[str, Any]) -> dict[str, Any]:
    """FitConfig's fields."""
    return {
        "base": job["base"],
        "ties": "drop",
        "epochs": 1,
        "learning_rate": job["rate"],
        "weight_decay": 0.0,
        "batch_rankings": job["batch"],
        "micro_batch_tokens": job["micro"],
        "max_prompt_tokens": 1024,
        "max_completion_tokens": COMPLETION,
        "validation_rankings": 0,
        "resamples": 20,
        "threads": job["threads"],
        "device": job["device"],
    }


def concord(folder: Path, job: dict[str, Any]) -> dict[str, Any]:
    """The product's own fit, from a run's folder."""
    from rewardmodel.bradley_terry import commands
    from runs.folder.files import read_json, read_jsonl
    from runs.folder.folder import RunFolder
    from runs.folder.stopping import StopSignal

    run = RunFolder(folder / "concord")
    run.make()
    run.write_config(config_of(job))
    (run.inputs / "snapshot.jsonl").write_bytes((folder / "snapshot.jsonl").read_bytes())
    commands.fit(run, StopSignal())
    lines = [line for line in read_jsonl(run.metrics_file) if "rankings_per_second" in line]
    held_out = read_json(run.output / "meta.json")["report"]["held_out"]
    return {
        "seconds": [job["batch"] / line["rankings_per_second"] for line in lines],
        "first_loss": lines[0]["loss"],
        "held_out_loss": held_out["log_loss"]["value"],
        "held_out_accuracy": held_out["accuracy"]["value"],
    }


def trl(folder: Path, job: dict[str, Any]) -> dict[str, Any]:
    """TRL's RewardTrainer on the expanded pairs, in the order in which Concord reads their rankings."""
    import torch
    from datasets import Dataset
    from torch.utils.data import SequentialSampler
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, TrainerCallback
    from trl import RewardConfig, RewardTrainer

    from lm.encoding import encode_completion, encode_prompt
    from lm.loading import load_trunk
    from rewardmodel.bradley_terry.batches import plan_epoch
    from rewardmodel.bradley_terry.network import make_head

    torch.set_num_threads(job["threads"])
    tokenizer = AutoTokenizer.from_pretrained(job["base"])
    model = AutoModelForSequenceClassification.from_pretrained(job["base"], num_labels=1, dtype=torch.float32)
    trunk = load_trunk(job["base"], tokenizer=tokenizer)
    with torch.no_grad():
        model.score.weight.copy_(make_head(trunk, seed=0).weight)
    lines = [json.loads(line) for line in (folder / "snapshot.jsonl").read_text().splitlines()]

    def pairs(split: str, order: list[int] | None = None) -> Any:
        rows = []
        of_split = [line for line in lines if line["split"] == split]
        for line in of_split if order is None else (of_split[index] for index in order):
            prompt = encode_prompt(tokenizer, line["form"], line["prompt"])
            ids = [
                prompt + encode_completion(tokenizer, completion["text"])
                for completion in line["completions"]
            ]
            rows += [{"chosen_ids": ids[i], "rejected_ids": ids[j]} for i, j in line["pairs"]]
        return Dataset.from_list(rows)

    class Ordered(RewardTrainer):  # type: ignore[misc]
        def _get_train_sampler(self, train_dataset: Any = None) -> Any:
            return SequentialSampler(self.train_dataset)

    class Timed(TrainerCallback):  # type: ignore[misc]
        seconds: list[float] = []
        losses: list[float] = []
        began = 0.0

        def on_step_begin(self, *_: Any, **__: Any) -> None:
            self.began = time.perf_counter()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            self.seconds.append(time.perf_counter() - self.began)

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
            if "loss" in logs:
                self.losses.append(float(logs["loss"]))

    rankings = sum(line["split"] == "train" for line in lines)
    order = [index for step in plan_epoch(rankings, job["batch"], seed=0, epoch=0) for index in step]
    a_step = job["batch"] * job["completions"] * (job["completions"] - 1) // 2
    at_once = max(size for size in range(1, a_step + 1) if a_step % size == 0 and size <= job["trl_pairs"])
    cuda = job["device"] == "cuda"
    arguments = RewardConfig(
        output_dir=str(folder / "trl"),
        num_train_epochs=1,
        per_device_train_batch_size=at_once,
        gradient_accumulation_steps=a_step // at_once,
        per_device_eval_batch_size=8,
        learning_rate=job["rate"],
        lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr_rate": 0.1},
        warmup_steps=0,
        adam_epsilon=1e-5,
        weight_decay=0.0,
        max_grad_norm=1.0,
        max_length=None,
        logging_steps=1,
        report_to=[],
        use_cpu=not cuda,
        bf16=cuda,
        activation_checkpointing=False,
        disable_tqdm=True,
        save_strategy="no",
        seed=0,
    )
    timed = Timed()
    trainer = Ordered(
        model=model,
        args=arguments,
        train_dataset=pairs("train", order),
        eval_dataset=pairs("test"),
        processing_class=tokenizer,
        callbacks=[timed],
    )
    trainer.train()
    evaluated = trainer.evaluate()
    return {
        "seconds": timed.seconds,
        "first_loss": timed.losses[0],
        "held_out_loss": evaluated["eval_loss"],
        "held_out_accuracy": evaluated["eval_accuracy"],
    }


def child(name: str, folder: Path) -> None:
    """Run one of the two; its figures go to NAME.json."""
    import torch

    job = json.loads((folder / "job.json").read_text())
    figures = {"concord": concord, "trl": trl}[name](folder, job)
    cuda = job["device"] == "cuda"
    peak = (
        torch.cuda.max_memory_allocated()
        if cuda
        else 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    )
    (folder / f"{name}.json").write_text(json.dumps({**figures, "peak_mb": peak // 2**20}))


def compare(chosen: argparse.Namespace, completions: int, prompt: int) -> None:
    """One row."""
    import torch
    from transformers import AutoConfig, AutoModel

    with tempfile.TemporaryDirectory(prefix="concord-reward-") as name:
        folder = Path(name)
        base = Path(chosen.base) if chosen.base else folder / "base"
        if not chosen.base:
            make_base(base, hidden=chosen.hidden, layers=chosen.layers)
        lines = make_lines(chosen.batch * STEPS, completions, prompt, split="train", seed=1)
        lines += make_lines(chosen.held_out, completions, prompt, split="test", seed=2)
        (folder / "snapshot.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        job = {
            "base": str(base),
            "completions": completions,
            "batch": chosen.batch,
            "rate": chosen.rate,
            "micro": chosen.micro,
            "trl_pairs": chosen.trl_pairs,
            "threads": chosen.threads,
            "device": chosen.device,
        }
        (folder / "job.json").write_text(json.dumps(job))
        figures = {}
        for contestant in ("concord", "trl"):
            command = [sys.executable, "-m", "benchmarks.reward_model", "--child", contestant, name]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr[-4000:]
            figures[contestant] = json.loads((folder / f"{contestant}.json").read_text())
        with torch.device("meta"):
            trunk = AutoModel.from_config(AutoConfig.from_pretrained(base))
        parameters = sum(value.numel() for key, value in trunk.named_parameters() if "embed" not in key)
    rates = {key: chosen.batch / statistics.median(figure["seconds"][2:]) for key, figure in figures.items()}
    ours = prompt + completions * COMPLETION
    theirs = completions * (completions - 1) * (prompt + COMPLETION)
    row: dict[str, Any] = {
        "K": completions,
        "prompt": prompt,
        "rankings/s": " / ".join(f"{rates[key]:.2f}" for key in figures),
        "ratio": f"{rates['concord'] / rates['trl']:.2f}",
        "tokens": f"{theirs / ours:.2f}",
        "peak MB": " / ".join(str(figure["peak_mb"]) for figure in figures.values()),
        "first loss": " / ".join(f"{figure['first_loss']:.6f}" for figure in figures.values()),
        "held-out loss": " / ".join(f"{figure['held_out_loss']:.4f}" for figure in figures.values()),
        "accuracy": " / ".join(f"{figure['held_out_accuracy']:.3f}" for figure in figures.values()),
    }
    if chosen.peak:
        row["FLOP use"] = f"{6 * parameters * ours * rates['concord'] / chosen.peak:.2f}"
    sys.stdout.write("  ".join(f"{key}: {value}" for key, value in row.items()) + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--completions", type=int, nargs="+", default=[2, 4, 9])
    parser.add_argument("--prompt", type=int, nargs="+", default=[96, 512], help="tokens")
    parser.add_argument("--base", help="a folder of a causal language model; one from scratch without it")
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--batch", type=int, default=4, help="rankings a step")
    parser.add_argument("--micro", type=int, default=4096, help="Concord's tokens a forward pass")
    parser.add_argument("--trl-pairs", type=int, default=8, help="TRL's pairs a forward pass, at most")
    parser.add_argument("--held-out", type=int, default=20, help="rankings")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--peak", type=float, help="FLOP/s of the device, for the share that is used")
    chosen = parser.parse_args()
    if chosen.child:
        child(chosen.child[0], Path(chosen.child[1]))
        return
    sys.stdout.write(f"Concord / TRL, {STEPS} steps of {chosen.batch} rankings, {chosen.device}\n")
    for prompt in chosen.prompt:
        for completions in chosen.completions:
            compare(chosen, completions, prompt)


if __name__ == "__main__":
    main()
