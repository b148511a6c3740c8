"""Supervised fine-tuning: a policy learns from demonstrations what people write (InstructGPT's step 1).

    1 read and encode the demonstrations      4 after an epoch: held-out loss, the best weights kept
    2 load the base, or make one from scratch 5 a checkpoint now and then, and at a stop
    3 a step a batch                          6 the best weights, report.json and meta.json into output/

Left out on purpose: packing several demonstrations into one row (batches of equal length waste little), and
any loss on prompts. A resumed run goes on bit for bit on the CPU: nothing in a step is random, and the order of
the demonstrations is a function of the seed and the epoch.
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, cast

import torch
from torch import Tensor

from lm.devices import choose_device
from lm.optimizer import cosine, load_optimizer_tensors, make_adamw, optimizer_tensors, set_rates
from lm.origin import claim_checkpoint, parent_of
from rltrainer.policy.config import SftConfig
from rltrainer.policy.demonstrations import Example, plan_epoch
from rltrainer.policy.loading import save_policy
from rltrainer.policy.sft_loss import accumulate_gradient, row_losses, targets_of
from rltrainer.policy.sft_start import Start, prepare
from runs.folder.checkpoint import load_checkpoint, save_checkpoint
from runs.folder.config import parse_config
from runs.folder.errors import RunError, Stopped
from runs.folder.files import file_digest, write_json
from runs.folder.folder import RunFolder
from runs.folder.metrics import Metrics
from runs.folder.progress import Progress
from runs.folder.stopping import StopSignal

Figures = dict[str, float]
# A path, which another machine may have another of, and what changes no step: a run may go on with others.
FREE = ("base", "checkpoint_seconds", "micro_batch_tokens")


def main(folder: RunFolder, stop: StopSignal) -> None:
    """Run ``sft`` on a prepared folder."""
    config = parse_config(SftConfig, folder.read_config())
    config = replace(config, base=folder.located(config.base))
    torch.set_num_threads(config.threads)
    Training(folder, stop, prepare(config, folder, choose_device(config.device))).run()


class Training:
    """One run and where it stands: ``step`` batches are learnt, ``held_out`` has the loss of each closed epoch."""

    def __init__(
        self, folder: RunFolder, stop: StopSignal, start: Start, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.folder, self.stop, self.start, self.clock = folder, stop, start, clock
        self.config = cast(Any, start.config)  # resolved: no field is None
        self.model, self.pad_id = start.policy.model, start.policy.tokenizer.pad_token_id
        self.parameters = start.policy.trainable()
        self.optimizer = make_adamw(
            self.parameters, weight_decay=self.config.weight_decay, betas=(0.9, 0.95), eps=1e-8
        )
        self.plan, self.epoch_ends = self._plan()
        self.metrics, self.progress = Metrics(folder.metrics_file), Progress(folder.progress_file)
        self.inputs = {"demonstrations.jsonl": file_digest(folder.inputs / "demonstrations.jsonl")}
        self.parents = {} if self.config.from_scratch else {"base": parent_of(self.config.base, self.model)}
        self.step, self.held_out, self.saved_at = 0, list[float](), clock()

    def run(self) -> None:
        """Go on from the newest checkpoint to the end. Raises Stopped at a stop, RunError at a loss of NaN."""
        figures = self._resume()
        while figures or self.step < len(self.plan):
            figures = figures or self._learn_batch()
            if self.step in self.epoch_ends:
                figures = {**figures, **self._close_epoch(figures)}
            self.metrics.append(self.step, **figures)
            self.progress.report(self.step, len(self.plan), f"epoch {self._epoch()} of {self.config.epochs}")
            figures = {}
            self._save_when_due()
        self._finish()

    def _plan(self) -> tuple[list[list[Example]], set[int]]:
        """The batches of all epochs, and the numbers of steps after which an epoch is over."""
        rows = self.start.train
        lengths = [len(row.ids) for row in rows]
        batches: list[list[Example]] = []
        ends = set()
        for epoch in range(self.config.epochs):
            plan = plan_epoch(lengths, self.config.batch_tokens, seed=self.config.seed, epoch=epoch)
            batches += [[rows[index] for index in batch] for batch in plan]
            ends.add(len(batches))
        return batches, ends

    def _epoch(self) -> int:
        return 1 + sum(end < self.step for end in self.epoch_ends)

    def _learn_batch(self) -> Figures:
        """One optimizer step, and its figures."""
        begun, batch = self.clock(), self.plan[self.step]
        rate = self.config.learning_rate * cosine(
            self.step, len(self.plan), warmup=self.config.warmup, floor=self.config.floor
        )
        set_rates(self.optimizer, rate)
        self.optimizer.zero_grad(set_to_none=True)
        loss = accumulate_gradient(
            self.model,
            batch,
            self.pad_id,
            micro_batch_tokens=self.config.micro_batch_tokens,
            device=self.model.device,
        )
        norm = float(torch.nn.utils.clip_grad_norm_(self.parameters.values(), self.config.max_grad_norm))
        self._refuse_nan(loss, norm, batch)
        self.optimizer.step()
        self.step += 1
        speed = sum(len(row.ids) for row in batch) / max(self.clock() - begun, 1e-9)
        return {
            "loss": loss,
            "lr": rate,
            "grad_norm": norm,
            "tokens_per_second": speed,
            "epoch": self._epoch(),
        }

    def _refuse_nan(self, loss: float, norm: float, batch: list[Example]) -> None:
        """Before the weights are touched; the batch is kept for a look at it, and the last checkpoint stands."""
        if math.isfinite(loss) and math.isfinite(norm):
            return
        found = {
            "step": self.step + 1,
            "loss": str(loss),
            "grad_norm": str(norm),
            "ids": [r.id for r in batch],
        }
        write_json(self.folder.path / "bad_batch.json", found)
        raise RunError(
            f"the loss of step {self.step + 1} is {loss}, its gradient {norm}: lower learning_rate. "
            "The demonstrations of the step are named in bad_batch.json"
        )

    def _close_epoch(self, figures: Figures) -> Figures:
        """The held-out loss, and the weights kept where it is the lowest. A stop comes back to the same place."""
        if not self.start.held_out:
            return {}

        def between() -> None:
            if self.stop:
                self._leave(figures)

        self.progress.report(self.step, len(self.plan), "held-out loss")
        losses = row_losses(
            self.model,
            self.start.held_out,
            self.pad_id,
            micro_batch_tokens=self.config.micro_batch_tokens,
            device=self.model.device,
            between=between,
        )
        loss = sum(losses) / sum(map(targets_of, self.start.held_out))
        self.held_out.append(loss)
        if not loss > min(self.held_out):
            save_checkpoint(
                self.folder.checkpoint / "best", step=self.step, tensors=self.parameters, state={}
            )
        return {"held_out_loss": loss, "perplexity": math.exp(min(loss, 700.0))}

    def _save_when_due(self) -> None:
        if self.stop and self.step < len(self.plan):
            self._leave({})
        if self.clock() - self.saved_at >= self.config.checkpoint_seconds:
            self._save({})

    def _leave(self, figures: Figures) -> None:
        self._save(figures)
        raise Stopped(f"stopped after step {self.step} of {len(self.plan)}")

    def _save(self, figures: Figures) -> None:
        """``figures`` are those of a step whose epoch is not closed yet; empty otherwise."""
        tensors: dict[str, Tensor] = dict(self.parameters)
        tensors |= optimizer_tensors(self.optimizer, self.parameters)
        state = {"held_out": self.held_out, "figures": figures}
        save_checkpoint(self.folder.checkpoint, step=self.step, tensors=tensors, state=state)
        self.saved_at = self.clock()

    def _resume(self) -> Figures:
        """Take over the newest checkpoint; the figures of a step whose epoch is still to be closed. Raises BadInput."""
        claim_checkpoint(self.folder, self.config, inputs=self.inputs, parents=self.parents, free=FREE)
        checkpoint = load_checkpoint(self.folder.checkpoint)
        if checkpoint is None:
            self.metrics.cut_after(0)
            return {}
        self._copy(checkpoint.tensors)
        load_optimizer_tensors(self.optimizer, self.parameters, checkpoint.tensors)
        self.step, self.held_out = checkpoint.step, checkpoint.state["held_out"]
        figures: Figures = checkpoint.state["figures"]
        self.metrics.cut_after(self.step - 1 if figures else self.step)
        return figures

    @torch.no_grad()
    def _copy(self, tensors: dict[str, Tensor]) -> None:
        for name, value in self.parameters.items():
            value.copy_(tensors[name])

    def _finish(self) -> None:
        """The best weights (the last ones without held-out demonstrations), the report and what it was made from."""
        self.progress.report(self.step, len(self.plan), "saving the policy")
        best = load_checkpoint(self.folder.checkpoint / "best") if self.held_out else None
        if best is not None:
            self._copy(best.tensors)
        report = self._report()
        write_json(self.folder.output / "report.json", report)
        meta = {
            "made_by": "sft",
            "config": asdict(self.config),
            "inputs": self.inputs,
            "parents": self.parents,
            "metrics": report,
        }
        save_policy(self.start.policy, self.folder.output, meta)

    def _report(self) -> dict[str, Any]:
        losses = self.held_out
        best = losses.index(min(losses)) if losses else None
        return {
            "demonstrations": len(self.start.train),
            "held_out_demonstrations": len(self.start.held_out),
            **self.start.cut,
            "steps": self.step,
            "held_out_loss": losses,
            "perplexity": math.exp(losses[best]) if best is not None else None,
            "best_epoch": best + 1 if best is not None else None,
        }
