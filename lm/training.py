"""The frame of every training: SFT, the fit of a reward model, PPO and REINFORCE run in it.

A training says what a step learns, what is measured where an epoch ends, and what a checkpoint needs beside weights
and optimizers. The frame owns what is the same for all:

    1 go on from the newest checkpoint    4 the figures of the step, measured where it closes an epoch
    2 a step                              5 a checkpoint now and then, and after the last step
    3 refuse what is not finite           6 leave at a stop, with a checkpoint

**A stop** is heard at once while the checkpoint is read, and looked for between any two passes from then on. Until a
step changes the first weight, leaving it loses nothing but its passes: the checkpoint is of the step before, and the
run goes on bit for bit on the CPU. Between the first and the last change of a step that makes several (an update of
PPO), the weights are of no step: the run goes on from the checkpoint it has.

**Several processes** (lm.ranks) all run the frame. Main alone writes the folder, and leaves at a stop without asking
the others: it holds all weights, so its checkpoint is whole.
"""

import math
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, NamedTuple

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import Parameter

from lm.optimizer import load_optimizer_tensors, optimizer_tensors
from lm.origin import claim_checkpoint
from lm.ranks import ALONE, Ranks
from lm.tracking import Tracker
from runs.folder.checkpoint import load_checkpoint, save_checkpoint
from runs.folder.errors import BadInput, RankLost, RunError, Stopped
from runs.folder.files import write_json
from runs.folder.folder import RunFolder
from runs.folder.metrics import Metrics
from runs.folder.progress import Progress
from runs.folder.stopping import StopSignal

Figures = dict[str, float | None]


class Learning(NamedTuple):
    """An optimizer with the parameters it changes, by name."""

    parameters: Mapping[str, Parameter]
    optimizer: torch.optim.Optimizer


class NotFinite(RunError):
    """A loss, a gradient or a score is NaN or infinite, and nothing was learnt of it.

    ``evidence`` goes into bad_batch.json and ``tensors`` into bad_batch.safetensors, for a look at them.
    """

    def __init__(
        self, what: str, evidence: Mapping[str, Any], tensors: Mapping[str, Tensor] | None = None
    ) -> None:
        super().__init__(what)
        self.evidence, self.tensors = evidence, dict(tensors or {})


class Training(ABC):
    """One training as the frame sees it. Steps are counted from 0."""

    steps: int
    # Whether the weights are between two steps, so that a checkpoint of them would be of neither.
    torn = False

    @property
    @abstractmethod
    def learning(self) -> Sequence[Learning]:
        """What the steps change; the names of all parameters differ."""

    @abstractmethod
    def learn(self, step: int, frame: "Frame") -> Figures:
        """One step and its figures; none where the training is over without it.

        Calls ``frame.between`` before each forward pass. Raises NotFinite before a weight changes.
        """

    @abstractmethod
    def doing(self, step: int) -> str:
        """What ``step`` belongs to, for the run's page."""

    def closes(self, step: int) -> bool:
        """Whether ``validate`` follows ``step``."""
        return False

    def validate(self, frame: "Frame") -> Figures:
        """Figures where an epoch ends; they may choose which weights to keep. A stop comes back to its beginning."""
        return {}

    def over(self) -> bool:
        """Whether the training ends before its last step."""
        return False

    def state(self) -> dict[str, Any]:
        """What a checkpoint needs beside weights and optimizers, as JSON."""
        return {}

    def restore(self, step: int, state: Mapping[str, Any]) -> None:
        """Take over the ``state`` of a checkpoint after ``step`` steps; its weights follow."""
        del step, state  # who keeps nothing has nothing to take over


# What changes no result of any training: a run may go on with others.
FREE = ("checkpoint_seconds", "checkpoints", "micro_batch_tokens", "processes", "tracker")


class Frame:
    """One training in its run's folder: ``step`` steps are made."""

    def __init__(
        self,
        folder: RunFolder,
        stop: StopSignal,
        training: Training,
        *,
        checkpoint_seconds: float,
        checkpoints: int = 1,
        ranks: Ranks = ALONE,
        clock: Callable[[], float] = time.monotonic,
        follow: Callable[[int], Tracker] | None = None,
    ) -> None:
        """``follow`` begins, after so many steps, whoever else hears of the figures."""
        self.folder, self.stop, self.training = folder, stop, training
        self.ranks, self.clock = ranks, clock
        self._follow = follow
        self._tracker: Tracker | None = None
        self.metrics, self.progress = Metrics(folder.metrics_file), Progress(folder.progress_file)
        self.watched = Metrics(folder.watched_file)  # what is looked at as it learns, by who looks
        self.step, self.saved_at = 0, clock()
        self._checkpoint_seconds, self._checkpoints = checkpoint_seconds, checkpoints
        self._open_figures: Figures = {}  # of a step whose epoch is not closed yet

    @classmethod
    def of_run(
        cls,
        folder: RunFolder,
        stop: StopSignal,
        training: Training,
        config: Any,
        *,
        inputs: Mapping[str, str],
        parents: Mapping[str, str],
        free: Collection[str],
        ranks: Ranks,
    ) -> "Frame":
        """The frame by a run's resolved ``config``, once the folder's checkpoint is found to be of this run.

        ``inputs``, ``parents`` and ``free`` are those of ``claim_checkpoint``; what is free in every training need not
        be named. Raises BadInput naming what differs.
        """
        claim_checkpoint(folder, config, inputs=inputs, parents=parents, free={*FREE, *free}, ranks=ranks)
        return cls(
            folder,
            stop,
            training,
            checkpoint_seconds=config.checkpoint_seconds,
            checkpoints=config.checkpoints,
            ranks=ranks,
            follow=None
            if config.tracker == "none"
            else partial(Tracker, config.tracker, folder, asdict(config)),
        )

    def run(self) -> None:
        """Go on from the newest checkpoint to the end.

        Raises Stopped at a stop, RunError where something is not finite, and RankLost where another process is gone.
        """
        try:
            self._resume()
            self.stop.loaded()
            while self._open_figures or (self.step < self.training.steps and not self.training.over()):
                self._advance()
        except RankLost:
            if self.stop and self.ranks.main:  # who left was told to
                self._leave()
            raise
        finally:
            if self._tracker is not None:
                self._tracker.close()

    def between(self) -> None:
        """Called between any two forward passes: leaves at a stop. Raises Stopped."""
        if self.stop and self.ranks.main:
            self._leave()

    def keep(self, name: str, weights: Mapping[str, Tensor] | None = None) -> None:
        """Keep ``weights`` (all that learn) as they are, in place of those kept under ``name`` before."""
        if self.ranks.main:
            tensors = self._weights() if weights is None else weights
            save_checkpoint(self.folder.checkpoint / name, step=self.step, tensors=tensors, state={})

    def take_kept(self, name: str) -> int:
        """Go back to the weights kept under ``name``; after how many steps they were kept."""
        self.ranks.wait()
        kept = load_checkpoint(self.folder.checkpoint / name)
        if kept is None:
            raise BadInput(f"{self.folder.checkpoint / name} is gone: remove checkpoint/ to start again")
        self._copy(kept.tensors, kept.tensors.keys())
        return kept.step

    def leave_others(self) -> None:
        """From now on main is alone: the other processes end here, and nothing is waited for."""
        self.ranks = ALONE

    def save(self) -> None:
        """Replace the newest checkpoint; of those before it as many stay as are to.

        Raises RunError where a weight is not finite: a loss is of the weights before its step, so the last step of all
        is seen by none.
        """
        self.saved_at = self.clock()
        tensors = dict(self._weights())
        broken = next(
            (name for name, value in tensors.items() if not bool(torch.isfinite(value).all())), None
        )
        if broken is not None:
            raise RunError(
                f"after step {self.step} the weights {broken} are not finite. Lower learning_rate; the last good "
                "checkpoint stands"
            )
        if not self.ranks.main:
            return
        for parameters, optimizer in self.training.learning:
            tensors |= optimizer_tensors(optimizer, parameters)
        state = {"training": self.training.state(), "figures": self._open_figures}
        save_checkpoint(
            self.folder.checkpoint, step=self.step, tensors=tensors, state=state, kept=self._checkpoints
        )

    def report(self, done: int, total: int, doing: str) -> None:
        """Say how far the run is."""
        if self.ranks.main:
            self.progress.report(done, total, doing)

    def _advance(self) -> None:
        """A step, unless it is made and only its epoch is to be closed; its figures; a checkpoint where one is due."""
        training = self.training
        if not self._open_figures:
            self.report(self.step, training.steps, training.doing(self.step))
            self.between()
            learnt = self._finite(lambda: training.learn(self.step, self), self.step + 1)
            if not learnt:
                return
            self._open_figures = learnt
            self.step += 1
        figures = dict(self._open_figures)
        if training.closes(self.step - 1):
            figures |= self._finite(lambda: training.validate(self), self.step)
        self._open_figures = {}
        if self.ranks.main:
            self.metrics.append(self.step, **figures)
            measured = ", ".join(
                f"{name} {value:.4g}" for name, value in figures.items() if isinstance(value, int | float)
            )
            print(f"step {self.step} of {training.steps}: {measured}", file=sys.stderr, flush=True)  # noqa: T201 (a log)
        if self._tracker is not None:
            self._tracker.tell(self.step, figures)
        self.report(self.step, training.steps, training.doing(self.step - 1))
        if self.step == training.steps or self.clock() - self.saved_at >= self._checkpoint_seconds:
            self.save()

    def _finite(self, figures_of: Callable[[], Figures], step: int) -> Figures:
        """The figures of ``step``, counted from 1; where they are not finite, the evidence is kept. Raises RunError."""
        try:
            return figures_of()
        except NotFinite as error:
            evidence = {"step": step, "reason": str(error), **error.evidence}
            if self.ranks.main:
                write_json(self.folder.path / "bad_batch.json", evidence)
                if error.tensors:
                    save_file(error.tensors, self.folder.path / "bad_batch.safetensors")
            raise RunError(
                f"step {step}: {error}. Lower learning_rate, or look at the texts that bad_batch.json "
                "names; the last good checkpoint stands"
            ) from error

    def _leave(self) -> None:
        if self.training.torn:
            raise Stopped("stopped within an update; the run goes on from its newest checkpoint")
        self.save()
        raise Stopped(f"stopped after step {self.step} of {self.training.steps}")

    def _resume(self) -> None:
        checkpoint = load_checkpoint(self.folder.checkpoint)
        self.ranks.wait()  # before main writes another
        if checkpoint is not None:
            self.training.restore(checkpoint.step, checkpoint.state["training"])
            self._copy(checkpoint.tensors, self._weights().keys())
            for parameters, optimizer in self.training.learning:
                load_optimizer_tensors(optimizer, parameters, checkpoint.tensors)
            self.step, self._open_figures = checkpoint.step, checkpoint.state["figures"]
        if self.ranks.main:
            last_step = self.step - 1 if self._open_figures else self.step
            self.metrics.cut_after(last_step)
            self.watched.cut_after(last_step)
            if self._follow is not None:
                self._tracker = self._follow(last_step)

    def _weights(self) -> dict[str, Tensor]:
        return {
            name: value.detach()
            for parameters, _ in self.training.learning
            for name, value in parameters.items()
        }

    @torch.no_grad()
    def _copy(self, tensors: Mapping[str, Tensor], names: Collection[str]) -> None:
        weights = self._weights()
        for name in names:
            weights[name].copy_(tensors[name])


def clip_gradients(parameters: Mapping[str, Parameter], limit: float) -> float:
    """Scale the gradients down to the norm ``limit`` where theirs is larger; their norm before."""
    return float(torch.nn.utils.clip_grad_norm_(parameters.values(), limit)) if parameters else 0.0


def first_not_finite(**figures: float) -> str | None:
    """Names the first of ``figures`` that is NaN or infinite, in words; None where all are finite."""
    for name, value in figures.items():
        if not math.isfinite(value):
            return f"the {name.replace('_', ' ')} is {value}"
    return None
