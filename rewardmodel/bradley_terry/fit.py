"""Fitting a reward model to rankings (InstructGPT, 2203.02155, section 3.5).

    1 read the snapshot, load the base or make one    4 after an epoch: validation loss, the best weights kept
    2 check that completions may share their prompt   5 a checkpoint now and then, and at a stop
    3 a step: K-wise losses of some rankings          6 the best weights, normalised, reported, into output/

With ``seeds`` above 1 the fit is made again from another seed, and the best epoch of all is kept. Left out on
purpose: several machines, and dropout. A resumed run goes on bit for bit on the CPU: nothing in a step is
random, and the order of the rankings is a function of the seed and the epoch.
"""

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from lm.optimizer import cosine, load_optimizer_tensors, make_adamw, optimizer_tensors, set_rates
from lm.origin import claim_checkpoint
from rewardmodel.bradley_terry.batches import plan_epoch
from rewardmodel.bradley_terry.finish import finish
from rewardmodel.bradley_terry.gradient import Measure, accumulate_gradient, mean_loss
from rewardmodel.bradley_terry.objective import TIE, Objective
from rewardmodel.bradley_terry.start import Start, start_network
from runs.folder.checkpoint import load_checkpoint, save_checkpoint
from runs.folder.errors import RunError, Stopped
from runs.folder.folder import RunFolder
from runs.folder.metrics import Metrics
from runs.folder.progress import Progress
from runs.folder.stopping import StopSignal

Line = dict[str, float | None]
# Paths, which another machine may have others of, and what changes no step: a fit may go on with others.
FREE = ("base", "incumbent", "checkpoint_seconds", "micro_batch_tokens", "resamples")


class Planned(NamedTuple):
    """One step: which rankings it learns from, in which attempt and epoch, from 0; ``closes`` an epoch or not."""

    rankings: list[int]
    attempt: int
    epoch: int
    step: int
    closes: bool


class Fitting:
    """One run and where it stands: ``step`` steps are made, ``validation`` has the loss of each closed epoch."""

    def __init__(
        self, folder: RunFolder, stop: StopSignal, start: Start, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.folder, self.stop, self.start, self.clock = folder, stop, start, clock
        self.config: Any = start.config  # resolved: no field is None
        self.plan = self._plan()
        self.steps_an_attempt = len(self.plan) // self.config.seeds
        self.metrics, self.progress = Metrics(folder.metrics_file), Progress(folder.progress_file)
        self.step, self.validation, self.saved_at = 0, list[float](), clock()
        self._begin_attempt(0)

    def run(self) -> None:
        """Go on from the newest checkpoint to the end. Raises Stopped at a stop, RunError at a loss of NaN."""
        line = self._resume()
        while line or self.step < len(self.plan):
            line = line or self._learn()
            if self.plan[self.step - 1].closes:
                line |= self._close_epoch(line)
            self.metrics.append(self.step, **line)
            self._report()
            line = {}
            self._save_when_due()
        self._take_best()
        finish(
            self.folder,
            self.start,
            self.measure.network,
            float(self.tie_parameter.detach()),
            validation=self.validation,
            between=self.stop.check,
            progress=self.progress,
        )

    def _plan(self) -> list[Planned]:
        """The steps of all epochs of all attempts."""
        plan: list[Planned] = []
        tasks: dict[int, list[int]] = {}
        for number, example in enumerate(self.start.train):
            tasks.setdefault(id(example.encoded), []).append(number)
        for attempt in range(self.config.seeds):
            for epoch in range(self.config.epochs):
                batches = plan_epoch(
                    list(tasks.values()),
                    self.config.batch_rankings,
                    seed=self.config.seed + attempt,
                    epoch=epoch,
                )
                for number, batch in enumerate(batches):
                    step = epoch * len(batches) + number
                    plan.append(Planned(batch, attempt, epoch, step, number + 1 == len(batches)))
        return plan

    def _begin_attempt(self, attempt: int) -> None:
        """A network that knows nothing yet, and an optimizer without a past."""
        config = self.config
        network = self.start.network
        if attempt:
            network = start_network(config, self.start.tokenizer, seed=config.seed + attempt)
        first = torch.tensor(self.start.tie_parameter, device=network.head.weight.device)
        self.tie_parameter = nn.Parameter(first)
        self.parameters = {name: value for name, value in network.named_parameters() if value.requires_grad}
        if config.ties in ("davidson", "rao_kupper"):
            self.parameters[TIE] = self.tie_parameter
        self.optimizer = make_adamw(self.parameters, weight_decay=config.weight_decay, apart=[TIE])
        self.measure = Measure(
            network=network,
            tie_parameter=self.tie_parameter,
            objective=Objective(config.ties, config.margin, config.label_smoothing, config.centering),
            share=self.start.share,
            row_limit=self.start.limits.row,
            micro_batch_tokens=config.micro_batch_tokens,
            pad_id=self.start.tokenizer.pad_token_id,
        )

    def _learn(self) -> Line:
        """One optimizer step, and its figures."""
        begun, planned, config = self.clock(), self.plan[self.step], self.config
        if planned.attempt and planned.step == 0:
            self._begin_attempt(planned.attempt)
        factor = cosine(planned.step, self.steps_an_attempt, warmup=config.warmup, floor=config.floor)
        set_rates(self.optimizer, config.learning_rate * factor, apart=config.tie_learning_rate * factor)
        self.optimizer.zero_grad(set_to_none=True)
        figures = accumulate_gradient(self.measure, [self.start.train[index] for index in planned.rankings])
        norm = float(torch.nn.utils.clip_grad_norm_(self.parameters.values(), config.max_grad_norm))
        _refuse_nan(self.step + 1, loss=figures.loss, gradient=norm)
        self.optimizer.step()
        self.step += 1
        return {
            "loss": figures.loss,
            "accuracy": figures.accuracy,
            "gradient_norm": norm,
            "learning_rate": config.learning_rate * factor,
            "tie_parameter": float(self.tie_parameter.detach()),
            "epoch": planned.epoch + 1,
            "attempt": planned.attempt + 1,
            "rankings_per_second": len(planned.rankings) / max(self.clock() - begun, 1e-9),
        }

    def _close_epoch(self, line: Line) -> Line:
        """The validation loss after an epoch; the weights are kept where it is the lowest so far."""
        if not self.start.validation:
            return {}
        figures = mean_loss(self.measure, self.start.validation, between=lambda: self._leave_at_stop(line))
        _refuse_nan(self.step, validation_loss=figures.loss)
        self.validation.append(figures.loss)
        if self.validation.index(min(self.validation)) + 1 == len(self.validation):  # the first of equals
            save_checkpoint(
                self.folder.checkpoint / "best", step=self.step, tensors=self._tensors(), state={}
            )
        return {"validation_loss": figures.loss, "validation_accuracy": figures.accuracy}

    def _report(self) -> None:
        planned = self.plan[self.step - 1]
        doing = f"epoch {planned.epoch + 1} of {self.config.epochs}"
        if self.config.seeds > 1:
            doing = f"seed {planned.attempt + 1} of {self.config.seeds}, {doing}"
        self.progress.report(self.step, len(self.plan), doing)

    def _tensors(self) -> dict[str, Tensor]:
        return {name: value.detach() for name, value in self.parameters.items()}

    def _save_when_due(self) -> None:
        if self.step < len(self.plan):
            self._leave_at_stop({})
        if self.clock() - self.saved_at >= self.config.checkpoint_seconds or self.step == len(self.plan):
            self._save({})

    def _leave_at_stop(self, line: Line) -> None:
        if self.stop:
            self._save(line)
            raise Stopped(f"stopped after step {self.step} of {len(self.plan)}")

    def _save(self, line: Line) -> None:
        """``line`` is that of a step whose epoch is not closed yet; empty otherwise."""
        tensors = self._tensors() | optimizer_tensors(self.optimizer, self.parameters)
        state = {"validation": self.validation, "line": line}
        save_checkpoint(self.folder.checkpoint, step=self.step, tensors=tensors, state=state)
        self.saved_at = self.clock()

    def _resume(self) -> Line:
        """Take over the newest checkpoint; the line of a step whose epoch is still to be closed. Raises BadInput."""
        inputs, parents = self.start.inputs, self.start.parents
        claim_checkpoint(self.folder, self.config, inputs=inputs, parents=parents, free=FREE)
        checkpoint = load_checkpoint(self.folder.checkpoint)
        if checkpoint is None:
            self.metrics.cut_after(0)
            return {}
        attempt = self.plan[checkpoint.step - 1].attempt if checkpoint.step else 0
        if attempt:
            self._begin_attempt(attempt)
        self._copy(checkpoint.tensors)
        load_optimizer_tensors(self.optimizer, self.parameters, checkpoint.tensors)
        self.step, self.validation = checkpoint.step, checkpoint.state["validation"]
        line: Line = checkpoint.state["line"]
        self.metrics.cut_after(self.step - 1 if line else self.step)
        return line

    def _take_best(self) -> None:
        best = load_checkpoint(self.folder.checkpoint / "best") if self.validation else None
        if best is not None:
            self._copy(best.tensors)

    @torch.no_grad()
    def _copy(self, tensors: dict[str, Tensor]) -> None:
        for name, value in self.parameters.items():
            value.copy_(tensors[name])


def _refuse_nan(step: int, **figures: float) -> None:
    for name, value in figures.items():
        if not math.isfinite(value):
            raise RunError(
                f"the {name.replace('_', ' ')} of step {step} is {value}: the fit diverged. "
                "Lower learning_rate, or look for odd texts; the last good checkpoint is kept"
            )
