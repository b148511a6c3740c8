"""Supervised fine-tuning: a policy learns from demonstrations what people write (InstructGPT's step 1).

    1 read and encode the demonstrations      3 after an epoch: held-out loss, the best weights kept
    2 a step a batch                          4 the best weights, report.json and meta.json into output/

It is a training in the frame (lm.training), which goes on, stops and saves. Left out on purpose: packing several
demonstrations into one row (batches of equal length waste little), and any loss on prompts. Nothing in a step is
random, and the order of the demonstrations is a function of the seed and the epoch.
"""

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import torch

from lm.bootstrap import Mean, mean_by_prompt
from lm.devices import device_of_run
from lm.optimizer import cosine, make_adamw, set_rates
from lm.origin import parent_of
from lm.ranks import ALONE, Ranks, join_ranks
from lm.training import Figures, Frame, Learning, NotFinite, Training, clip_gradients, first_not_finite
from rltrainer.policy.config import SftConfig
from rltrainer.policy.demonstrations import Example, plan_epoch
from rltrainer.policy.loading import as_saved, save_policy
from rltrainer.policy.sft_loss import accumulate_gradient, row_losses, targets_of
from rltrainer.policy.sft_start import Start, prepare
from runs.folder.config import parse_config
from runs.folder.files import file_digest, write_json
from runs.folder.folder import RunFolder
from runs.folder.stopping import StopSignal

DEMONSTRATIONS = "demonstrations.jsonl"
FREE = ("base",)  # a path, which another machine may have another of
BEST = "best"
RESAMPLES = 1000  # of prompts, for the interval of the gain


def main(folder: RunFolder, stop: StopSignal) -> None:
    """Run ``sft`` on a prepared folder."""
    config = parse_config(SftConfig, folder.read_config())
    config = replace(config, base=folder.located(config.base))
    torch.set_num_threads(config.threads)
    ranks = join_ranks()
    start = prepare(config, folder, device_of_run(folder, config.device))
    inputs = {DEMONSTRATIONS: file_digest(folder.inputs / DEMONSTRATIONS)}
    parents = {} if config.from_scratch else {"base": parent_of(config.base, start.policy.model)}
    training = SftTraining(start, ranks)
    frame = Frame.of_run(
        folder, stop, training, start.config, inputs=inputs, parents=parents, free=FREE, ranks=ranks
    )
    frame.run()
    training.take_best(frame)
    if ranks.main:
        frame.leave_others()
        _finish(frame, training, {"inputs": inputs, "parents": parents})


class SftTraining(Training):
    """``held_out_losses`` has the loss, in nats a token, of each closed epoch.

    ``rows_before`` and ``rows_best`` have the nats of each held-out demonstration: by the policy that it starts from
    (none where that is new), and by the best weights.
    """

    def __init__(
        self, start: Start, ranks: Ranks = ALONE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.start, self.config, self.ranks, self.clock = start, start.config, ranks, clock
        self.model, self.pad_id = start.policy.model, start.policy.tokenizer.pad_token_id
        self.parameters = start.policy.trainable()
        self.optimizer = make_adamw(
            self.parameters, weight_decay=self.config.weight_decay, betas=(0.9, 0.95), eps=1e-8
        )
        self.plan, self.epoch_ends = _plan(start)
        self.steps = len(self.plan)
        self.held_out_losses = list[float]()
        self.rows_before, self.rows_best = list[float](), list[float]()

    @property
    def learning(self) -> Sequence[Learning]:
        return [Learning(self.parameters, self.optimizer)]

    def learn(self, step: int, frame: Frame) -> Figures:
        """One batch, one optimizer step; before the first, what the policy that it starts from makes of the held-out
        demonstrations."""
        if step == 0 and not self.config.from_scratch:
            self.rows_before = self._held_out_rows(frame)
        begun, batch, config = self.clock(), self.plan[step], self.config
        rate = config.learning_rate * cosine(step, self.steps, warmup=config.warmup, floor=config.floor)
        set_rates(self.optimizer, rate)
        self.optimizer.zero_grad(set_to_none=True)
        loss = accumulate_gradient(
            self.model,
            batch,
            self.pad_id,
            micro_batch_tokens=config.micro_batch_tokens,
            device=self.model.device,
            between=frame.between,
            ranks=self.ranks,
        )
        norm = clip_gradients(self.parameters, config.max_grad_norm)
        wrong = first_not_finite(loss=loss, gradient=norm)
        if wrong:
            raise NotFinite(wrong, {"demonstrations": [row.id for row in batch]})
        self.optimizer.step()
        speed = sum(len(row.ids) for row in batch) / max(self.clock() - begun, 1e-9)
        return {
            "loss": loss,
            "learning_rate": rate,
            "gradient_norm": norm,
            "tokens_per_second": speed,
            "epoch": self._epoch(step),
        }

    def doing(self, step: int) -> str:
        return f"epoch {self._epoch(step)} of {self.config.epochs}"

    def closes(self, step: int) -> bool:
        return step + 1 in self.epoch_ends and bool(self.start.held_out)

    def validate(self, frame: Frame) -> Figures:
        """The held-out loss; the weights are kept where it is the lowest so far, of equals at the first."""
        frame.report(frame.step, self.steps, "held-out loss")
        rows = self._held_out_rows(frame)
        loss = _a_token(rows, self.start.held_out)
        wrong = first_not_finite(held_out_loss=loss)
        if wrong:
            ids = [
                row.id for row, nats in zip(self.start.held_out, rows, strict=True) if not math.isfinite(nats)
            ]
            raise NotFinite(wrong, {"demonstrations": ids})
        self.held_out_losses.append(loss)
        if self.held_out_losses.index(min(self.held_out_losses)) + 1 == len(self.held_out_losses):
            self.rows_best = rows
            frame.keep(BEST)
        return {"held_out_loss": loss, "perplexity": math.exp(min(loss, 700.0))}

    def take_best(self, frame: Frame) -> None:
        """Go back to the weights of the lowest held-out loss; the last ones stay where nothing is held out."""
        if self.held_out_losses:
            frame.take_kept(BEST)

    def saved_rows(self, frame: Frame) -> list[float]:
        """As ``rows_best``, but of the best weights as they are saved. A stop loses nothing: a checkpoint is there."""
        if self.config.lora is None or not self.held_out_losses:
            return self.rows_best
        return self._row_losses(as_saved(self.start.policy), self.start.held_out, frame.stop.check)

    def state(self) -> dict[str, Any]:
        return {
            "held_out_losses": self.held_out_losses,
            "rows_before": self.rows_before,
            "rows_best": self.rows_best,
        }

    def restore(self, step: int, state: Mapping[str, Any]) -> None:
        self.held_out_losses = list(state["held_out_losses"])
        self.rows_before, self.rows_best = list(state["rows_before"]), list(state["rows_best"])

    def _held_out_rows(self, frame: Frame) -> list[float]:
        """-log pi of each held-out demonstration, in nats; the processes share them."""
        losses = self._row_losses(self.model, self.ranks.share(self.start.held_out), frame.between)
        rows = [0.0] * len(self.start.held_out)
        for number, part in enumerate(self.ranks.gather(losses)):
            rows[number :: self.ranks.count] = part
        return rows

    def _row_losses(self, model: Any, rows: Sequence[Example], between: Callable[[], None]) -> list[float]:
        config = self.config
        return row_losses(
            model,
            rows,
            self.pad_id,
            micro_batch_tokens=config.micro_batch_tokens,
            device=model.device,
            between=between,
        )

    def _epoch(self, step: int) -> int:
        return 1 + sum(end <= step for end in self.epoch_ends)


def _a_token(rows: Sequence[float], examples: Sequence[Example]) -> float:
    """The mean of the examples' losses, in nats a token."""
    return math.fsum(rows) / sum(map(targets_of, examples))


def _plan(start: Start) -> tuple[list[list[Example]], set[int]]:
    """The batches of all epochs, and the numbers of steps after which an epoch is over."""
    rows, config = start.train, start.config
    lengths = [len(row.ids) for row in rows]
    batches: list[list[Example]] = []
    ends = set()
    for epoch in range(config.epochs):
        plan = plan_epoch(lengths, config.batch_tokens, seed=config.seed, epoch=epoch)
        batches += [[rows[index] for index in batch] for batch in plan]
        ends.add(len(batches))
    return batches, ends


def _gain(training: SftTraining, saved: Sequence[float]) -> Mean | None:
    """By how many nats a token the loss of a held-out demonstration fell, with its interval; None where nothing is held
    out, or where it starts from a new policy."""
    held_out = training.start.held_out
    rows = zip(held_out, training.rows_before, saved, strict=True) if training.rows_before else ()
    gains = [(before - after) / targets_of(row) for row, before, after in rows]
    prompts = [json.dumps(row.ids[: row.start]) for row in held_out[: len(gains)]]
    return mean_by_prompt(prompts, gains, resamples=RESAMPLES)


def _finish(frame: Frame, training: SftTraining, made_from: dict[str, Any]) -> None:
    """The policy, its report and what it was made from, into output/."""
    folder, start = frame.folder, training.start
    losses = training.held_out_losses
    best = losses.index(min(losses)) if losses else None
    with frame.stop.at_once():  # merging weights takes long where they are many
        saved = training.saved_rows(frame)
        gain = _gain(training, saved)
    perplexity = math.exp(_a_token(saved, start.held_out)) if saved else None
    frame.report(training.steps, training.steps, "saving the policy")
    report = {
        "demonstrations": len(start.train),
        "held_out_demonstrations": len(start.held_out),
        **start.cut,
        "steps": frame.step,
        "held_out_loss": losses,
        "perplexity": perplexity,
        "best_epoch": best + 1 if best is not None else None,
        "gain": gain,
    }
    write_json(folder.output / "report.json", report)
    meta = {"made_by": "sft", "config": asdict(start.config), **made_from, "metrics": report}
    save_policy(start.policy, folder.output, meta)
