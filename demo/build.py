"""Build the demo's policy from the checkout alone: write the data, train, sample, measure, describe.

    1 demonstrations.jsonl, and SFT from scratch on it     3 the notices measured
    2 the project's prompts sampled, as the demo does      4 policy and model card into the output folder

On one machine and with one seed it always gives the same weights. Other CPUs add in another order, so there
the weights differ in their last bits at first, and after thousands of steps in more.
"""

import json
import math
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

from safetensors import safe_open

from demo.demonstrations import Demonstration, demonstrations
from demo.measure import facts_stated, merit
from demo.model_card import Figures, SampledSet, model_card
from demo.project import COMPLETIONS_PER_TASK, SAMPLING, prompts
from rltrainer.policy.artifact import write_meta
from runs.child import run_to_end
from runs.folder.errors import BadInput, RunError
from runs.folder.files import file_digest, read_json, read_jsonl, write_atomically
from runs.folder.folder import RunFolder
from runs.folder.progress import Reading

Report = Callable[[Reading], None]

MOST_BYTES = 8_000_000  # of the weights, because they are kept in the repository

# Fields of SftConfig that differ from its defaults. Every word of the domain is a token at a vocabulary of 1,280, so
# notices are short. Batches of 2,048 tokens learn more from one pass than larger ones. One thread on the CPU:
# the weights do not depend on how many cores there are, and other work beside it does not hold it up.
TRAINING: Mapping[str, Any] = {
    "vocabulary": 1280,
    "epochs": 6,
    "learning_rate": 3e-3,
    "batch_tokens": 2048,
    "threads": 1,
    "device": "cpu",
}


@dataclass(frozen=True)
class Recipe:
    """What the policy is made from."""

    seed: int = 1  # of the demonstrations, the first weights, the order of training and the samples
    demonstrations: int = 10_000
    held_out: int = 400  # the last of them; SFT keeps the weights that do best on these
    sampled_prompts: int = 100  # of the project's, for the figures of the model card
    training: Mapping[str, Any] = field(default_factory=lambda: TRAINING)
    sampling: Mapping[str, Any] = field(default_factory=lambda: SAMPLING)  # fields of SampleConfig


def build(work: Path, output: Path, recipe: Recipe, report: Report) -> Figures:
    """Train the policy in ``work`` and replace ``output`` by it; ``report`` follows training and sampling.

    Raises RunError where the training fails, BadInput where the weights are larger than MOST_BYTES.
    """
    folder = RunFolder(work / "sft")
    began = time.monotonic()
    _train(folder, recipe, report)
    seconds = time.monotonic() - began
    refuse_large(folder.output)
    sets = _sample(RunFolder(work / "sample"), folder.output, recipe, report)
    figures = _figures(folder, recipe, sets, seconds)
    _publish(folder.output, output, model_card(figures))
    return figures


def _train(folder: RunFolder, recipe: Recipe, report: Report) -> None:
    folder.make()
    examples = demonstrations(recipe.seed, recipe.demonstrations)
    trained = recipe.demonstrations - recipe.held_out
    _write_jsonl(folder.inputs / "demonstrations.jsonl", _lines(examples, trained))
    _run("sft", folder, {"base": "scratch", "seed": recipe.seed, **recipe.training}, report)


def _sample(folder: RunFolder, policy: Path, recipe: Recipe, report: Report) -> list[SampledSet]:
    folder.make()
    lines = prompts(recipe.sampled_prompts)
    messages = [{"id": line["id"], **_text_prompt(line["prompt"]), "split": "test"} for line in lines]
    _write_jsonl(folder.inputs / "prompts.jsonl", messages)
    machine = {"threads": 1, "device": "cpu"}
    config = {"completions": COMPLETIONS_PER_TASK, "seed": recipe.seed, **machine, **recipe.sampling}
    _run("sample", folder, {"base": str(policy.resolve()), **config}, report)
    text_of = {line["id"]: line["prompt"] for line in lines}
    return [
        SampledSet(text_of[line["prompt_id"]], [completion["text"] for completion in line["completions"]])
        for line in read_jsonl(folder.output / "samples.jsonl")
    ]


def _run(command: str, folder: RunFolder, config: dict[str, Any], report: Report) -> None:
    """``python -m rltrainer.policy COMMAND`` on a folder whose inputs are written. Raises RunError with its reason."""
    folder.write_config(config)
    words = [sys.executable, "-m", "rltrainer.policy", command, str(folder.path)]
    if reason := run_to_end(words, folder, report):
        raise RunError(reason)


def _figures(folder: RunFolder, recipe: Recipe, sets: Sequence[SampledSet], seconds: float) -> Figures:
    stated = [facts_stated(sample.prompt, notice) for sample in sets for notice in sample.notices]
    merits = [sorted(merit(sample.prompt, notice) for notice in sample.notices) for sample in sets]
    return Figures(
        recipe=asdict(recipe),
        data_digest=file_digest(folder.inputs / "demonstrations.jsonl"),
        meta=read_json(folder.output / "meta.json"),
        parameters=_parameters(folder.output),
        weight_bytes=_weight_bytes(folder.output),
        training_seconds=seconds,
        facts_stated=mean(stated),
        faultless=mean(merit_of_answer == 1 for row in merits for merit_of_answer in row),
        differing=mean(row[-1] > row[0] for row in merits),
        one_best=mean(row[-1] > row[-2] for row in merits),
        sets=sets,
    )


def refuse_large(policy: Path) -> None:
    """Raise BadInput where the weights are larger than MOST_BYTES."""
    size = _weight_bytes(policy)
    if size > MOST_BYTES:
        raise BadInput(
            f"the weights have {size:,} bytes and at most {MOST_BYTES:,} are kept: lower hidden or layers"
        )


def _weight_bytes(policy: Path) -> int:
    return sum(path.stat().st_size for path in policy.glob("*.safetensors"))


def _parameters(policy: Path) -> int:
    """Numbers in the weights; tied ones are stored, and counted, once."""
    with safe_open(policy / "model.safetensors", framework="numpy") as file:
        return sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118


def _publish(trained: Path, output: Path, card: str) -> None:
    """Copy the policy beside its card; meta.json is written again because it lists the card as well."""
    meta = read_json(trained / "meta.json")
    if output.exists():
        shutil.rmtree(output)
    shutil.copytree(trained, output)
    (output / "meta.json").unlink()
    write_atomically(output / "README.md", card.encode())
    write_meta(output, meta)


def _lines(examples: Iterable[Demonstration], trained: int) -> Iterable[dict[str, Any]]:
    for number, demonstration in enumerate(examples):
        yield {
            "id": str(number),
            **_text_prompt(demonstration.prompt),
            "completion": demonstration.completion,
            "split": "train" if number < trained else "validation",
        }


def _text_prompt(text: str) -> dict[str, Any]:
    return {"form": "text", "prompt": [{"role": "user", "content": text}]}


def _write_jsonl(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    write_atomically(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode())
