"""Several distinct completions of each prompt, for people to rank.

Prompts go through in batches; what a batch draws is a function of the seed and its place, so a run that was
stopped and goes on at the next batch writes the same file as one that was not.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from lm.devices import device_of_run
from lm.origin import claim_checkpoint, parent_of
from rltrainer.policy.bases import load_for_inference
from rltrainer.policy.config import SampleConfig
from rltrainer.policy.generation import generate
from rltrainer.policy.loading import Policy
from rltrainer.policy.prompts import Prompt, encode_with_room, read_prompts
from runs.folder.config import parse_config
from runs.folder.files import file_digest, read_jsonl, write_atomically, write_json
from runs.folder.folder import RunFolder
from runs.folder.progress import Progress
from runs.folder.stopping import StopSignal


@dataclass
class Answers:
    """The distinct completions of one prompt so far: texts as keys, figures as values."""

    prompt: Prompt
    ids: list[int]
    texts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, text: str, most: int, *, finished: bool, tokens: int) -> None:
        """Keep ``text`` unless it is empty, holds a NUL (no database stores it), is there or one too many."""
        if text.strip() and "\0" not in text and len(self.texts) < most:
            self.texts.setdefault(text, {"text": text, "finished": finished, "tokens": tokens})


def main(folder: RunFolder, stop: StopSignal) -> None:
    """Run ``sample`` on a prepared folder: output/samples.jsonl, a line a prompt, and report.json."""
    config = parse_config(SampleConfig, folder.read_config())
    config = replace(config, base=folder.located(config.base))
    torch.set_num_threads(config.threads)
    prompts = read_prompts(folder.inputs / "prompts.jsonl")
    progress = Progress(folder.progress_file)
    path = folder.output / "samples.jsonl"
    progress.report(0, len(prompts), "loading the policy")
    device_of_run(folder, config.device)
    policy = load_for_inference(config.base, config.device, date=config.date)
    inputs = {"prompts.jsonl": file_digest(folder.inputs / "prompts.jsonl")}
    parents = {"base": parent_of(config.base, policy.model)}
    claim_checkpoint(folder, config, inputs=inputs, parents=parents, free=("base",))
    encoded = encode_with_room(policy, prompts, **config.limits)
    done = _whole_batches(path, config.batch_prompts, len(prompts))
    for first in range(done, len(prompts), config.batch_prompts):
        batch = slice(first, first + config.batch_prompts)
        answers = [Answers(*pair) for pair in zip(prompts[batch], encoded.ids[batch], strict=True)]
        answer(policy, config, answers, first, stop.check)
        _append(path, config, answers)
        progress.report(first + len(answers), len(prompts), "sampling")
    _report(folder, config, encoded.truncated)


def answer(
    policy: Policy,
    config: SampleConfig,
    answers: list[Answers],
    place: int,
    between: Callable[[], None],
) -> None:
    """Fill each of ``answers`` with up to ``config.completions`` distinct texts; those that lack some are asked again.

    ``place`` is that of the first in the file; ``between`` is called before each forward pass.
    """
    for attempt in range(config.tries):
        lacking = [of_prompt for of_prompt in answers if len(of_prompt.texts) < config.completions]
        if lacking:
            _ask(policy, config, lacking, (config.seed, place, attempt), between)


def _ask(
    policy: Policy,
    config: SampleConfig,
    answers: list[Answers],
    seed: tuple[int, int, int],
    between: Callable[[], None],
) -> None:
    settings = config.settings(config.completions)
    prompt_ids = [of_prompt.ids for of_prompt in answers]
    generated = generate(
        policy.model, policy.tokenizer, prompt_ids, settings, _generator(*seed), between=between
    )
    lengths = generated.completion_mask.sum(dim=1).tolist()
    rows = zip(generated.texts, generated.finished.tolist(), lengths, strict=True)
    for number, (text, finished, tokens) in enumerate(rows):
        answers[number // settings.samples].add(text, config.completions, finished=finished, tokens=tokens)


def _generator(seed: int, place: int, attempt: int) -> torch.Generator:
    """Numbers of their own for each batch and attempt: the three are mixed by multiplying with large primes."""
    mixed = (seed * 1_000_000_007 + place * 1_000_003 + attempt) % 2**63
    return torch.Generator().manual_seed(mixed)


def _append(path: Path, config: SampleConfig, answers: list[Answers]) -> None:
    sampling = {
        "temperature": config.temperature,
        "top_k": config.top_k,
        "top_p": config.top_p,
        "max_new_tokens": config.max_new_tokens,
        "seed": config.seed,
    }
    with path.open("a", encoding="utf-8") as file:
        for of_prompt in answers:
            line = {
                "prompt_id": of_prompt.prompt.id,
                "completions": list(of_prompt.texts.values()),
                "sampling": sampling,
            }
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _whole_batches(path: Path, batch: int, prompts: int) -> int:
    """How many prompts are answered; a batch that was cut off in mid-write is dropped from the file."""
    if not path.exists():
        return 0
    lines = [line + b"\n" for line in path.read_bytes().split(b"\n")[:-1]]
    whole = len(lines) if len(lines) == prompts else len(lines) // batch * batch
    write_atomically(path, b"".join(lines[:whole]))
    return whole


def _report(folder: RunFolder, config: SampleConfig, prompts_cut: int) -> None:
    """Say how many prompts have fewer texts than asked for: the policy is too sure of itself there."""
    counts = [len(line["completions"]) for line in read_jsonl(folder.output / "samples.jsonl")]
    fewer = sum(count < config.completions for count in counts)
    report = {"prompts": len(counts), "prompts_cut": prompts_cut, "completions": sum(counts)}
    report["prompts_with_fewer"] = fewer
    write_json(folder.output / "report.json", report)
    if fewer:
        print(  # noqa: T201 (a child's log)
            f"{fewer} of {len(counts)} prompts have fewer than {config.completions} distinct completions after "
            f"{config.tries} tries: raise temperature or tries",
            file=sys.stderr,
        )
