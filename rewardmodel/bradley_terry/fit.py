"""Fitting a reward model to rankings (InstructGPT, 2203.02155, section 3.5).

    1 read the snapshot, load the base or make one    4 after an epoch: validation loss, the best weights kept
    2 check that completions may share their prompt   5 the best weights, normalised, reported, into output/
    3 a step: K-wise losses of some rankings

It is a training in the frame (lm.training), which goes on, stops and saves. With ``seeds`` above 1 the fit is made
again from another seed, and the best epoch of all is kept. Left out on purpose: dropout. Nothing in a step is random,
and the order of the rankings is a function of the seed and the epoch.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import nn

from lm.optimizer import cosine, make_adamw, set_rates
from lm.ranks import ALONE, Ranks, join_ranks
from lm.training import Figures, Frame, Learning, NotFinite, Training, clip_gradients, first_not_finite
from rewardmodel.bradley_terry.batches import plan_epoch
from rewardmodel.bradley_terry.config import FitConfig
from rewardmodel.bradley_terry.finish import finish
from rewardmodel.bradley_terry.gradient import RankingLoss, accumulate_gradient, mean_loss
from rewardmodel.bradley_terry.objective import TIE, Objective
from rewardmodel.bradley_terry.start import Start, prepare, start_network
from runs.folder.folder import RunFolder
from runs.folder.progress import Progress
from runs.folder.stopping import StopSignal

# Paths, which another machine may have others of, and what changes no step: a fit may go on with others.
FREE = ("base", "incumbent", "resamples")
BEST = "best"


def fit_reward_model(config: FitConfig, folder: RunFolder, stop: StopSignal) -> None:
    """Fit what inputs/snapshot.jsonl holds and write the reward model into output/."""
    ranks = join_ranks()
    if ranks.main:
        Progress(folder.progress_file).report(0, 1, "reading rankings and loading the base")
    start = prepare(config, folder)
    fit = RewardFit(start, ranks)
    frame = Frame.of_run(
        folder, stop, fit, start.config, inputs=start.inputs, parents=start.parents, free=FREE, ranks=ranks
    )
    frame.run()
    if fit.validation_losses:
        frame.take_kept(BEST)
    if ranks.main:
        frame.leave_others()
        finish(
            folder,
            start,
            fit.loss.network,
            float(fit.tie_parameter.detach()),
            validation=fit.validation_losses,
            stop=stop,
            progress=frame.progress,
        )


class PlannedStep(NamedTuple):
    """Which rankings a step learns from, in which attempt and epoch, from 0; ``closes`` an epoch or not."""

    rankings: list[int]
    attempt: int
    epoch: int
    step_of_attempt: int
    closes: bool


class RewardFit(Training):
    """``validation_losses`` has the loss, in nats a ranking, of each closed epoch of each attempt."""

    def __init__(
        self, start: Start, ranks: Ranks = ALONE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.start, self.config, self.ranks, self.clock = start, start.config, ranks, clock
        self.plan = _plan(start)
        self.steps = len(self.plan)
        self.validation_losses = list[float]()
        self._begin_attempt(0)

    @property
    def learning(self) -> Sequence[Learning]:
        return [Learning(self.parameters, self.optimizer)]

    def learn(self, step: int, frame: Frame) -> Figures:
        """The rankings of one step, one optimizer step."""
        begun, planned, config = self.clock(), self.plan[step], self.config
        if planned.attempt and planned.step_of_attempt == 0:
            frame.save()  # loading a base takes long, and is broken off by a stop
            with frame.stop.at_once():
                self._begin_attempt(planned.attempt)
        factor = cosine(
            planned.step_of_attempt, self.steps // config.seeds, warmup=config.warmup, floor=config.floor
        )
        set_rates(self.optimizer, config.learning_rate * factor, apart=config.tie_learning_rate * factor)
        self.optimizer.zero_grad(set_to_none=True)
        rankings = [self.start.train[number] for number in planned.rankings]
        figures = accumulate_gradient(self.loss, rankings, between=frame.between, ranks=self.ranks)
        norm = clip_gradients(self.parameters, config.max_grad_norm)
        wrong = first_not_finite(loss=figures.loss, gradient=norm)
        if wrong:
            raise NotFinite(wrong, {"rankings": [example.ranking for example in rankings]})
        self.optimizer.step()
        return {
            "loss": figures.loss,
            "accuracy": figures.accuracy,
            "gradient_norm": norm,
            "learning_rate": config.learning_rate * factor,
            "tie_parameter": float(self.tie_parameter.detach()),
            "epoch": planned.epoch + 1,
            "attempt": planned.attempt + 1,
            "rankings_per_second": len(rankings) / max(self.clock() - begun, 1e-9),
        }

    def doing(self, step: int) -> str:
        planned = self.plan[step]
        epoch = f"epoch {planned.epoch + 1} of {self.config.epochs}"
        if self.config.seeds == 1:
            return epoch
        return f"seed {planned.attempt + 1} of {self.config.seeds}, {epoch}"

    def closes(self, step: int) -> bool:
        return self.plan[step].closes and bool(self.start.validation)

    def validate(self, frame: Frame) -> Figures:
        """The validation loss; the weights are kept where it is the lowest so far, of equals at the first."""
        figures = mean_loss(self.loss, self.start.validation, between=frame.between, ranks=self.ranks)
        wrong = first_not_finite(validation_loss=figures.loss)
        if wrong:
            raise NotFinite(wrong, {})
        self.validation_losses.append(figures.loss)
        if self.validation_losses.index(min(self.validation_losses)) + 1 == len(self.validation_losses):
            frame.keep(BEST)
        return {"validation_loss": figures.loss, "validation_accuracy": figures.accuracy}

    def state(self) -> dict[str, Any]:
        return {"validation_losses": self.validation_losses}

    def restore(self, step: int, state: Mapping[str, Any]) -> None:
        attempt = self.plan[step - 1].attempt if step else 0
        if attempt:
            self._begin_attempt(attempt)
        self.validation_losses = list(state["validation_losses"])

    def _begin_attempt(self, attempt: int) -> None:
        """A network that knows nothing yet, and an optimizer without a past."""
        config, start = self.config, self.start
        network = start.network
        if attempt:
            network = start_network(config, start.tokenizer, seed=config.seed + attempt)
        first = torch.tensor(
            start.tie_parameter, dtype=network.head.weight.dtype, device=network.head.weight.device
        )
        self.tie_parameter = nn.Parameter(first)
        self.parameters = {name: value for name, value in network.named_parameters() if value.requires_grad}
        if config.ties in ("davidson", "rao_kupper"):
            self.parameters[TIE] = self.tie_parameter
        self.optimizer = make_adamw(self.parameters, weight_decay=config.weight_decay, apart=[TIE])
        self.loss = RankingLoss(
            network=network,
            tie_parameter=self.tie_parameter,
            objective=Objective(config.ties, config.margin, config.label_smoothing, config.centering),
            share=start.share,
            row_limit=start.limits.row,
            micro_batch_tokens=config.micro_batch_tokens,
            pad_id=start.tokenizer.pad_token_id,
        )


def _plan(start: Start) -> list[PlannedStep]:
    """The steps of all epochs of all attempts."""
    plan: list[PlannedStep] = []
    config = start.config
    tasks: dict[int, list[int]] = {}
    for number, example in enumerate(start.train):
        tasks.setdefault(id(example.encoded), []).append(number)
    for attempt in range(config.seeds):
        for epoch in range(config.epochs):
            batches = plan_epoch(
                list(tasks.values()), config.batch_rankings, seed=config.seed + attempt, epoch=epoch
            )
            for number, batch in enumerate(batches):
                step = epoch * len(batches) + number
                plan.append(PlannedStep(batch, attempt, epoch, step, number + 1 == len(batches)))
    return plan
