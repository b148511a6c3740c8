"""PPO and REINFORCE as trainings in the frame (lm.training): sample, score, learn, again.

Left out on purpose: an engine of its own for sampling, a pretraining loss beside (PPO-ptx), and several reward models
at once. ``reward_of`` is any function of prompts and texts, so a made-up reward can test it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from lm.ranks import ALONE, Ranks
from lm.training import Figures, Frame, Learning, NotFinite, Training
from rltrainer.policy.prompts import Prompt
from rltrainer.ppo.divergence import adapted_beta
from rltrainer.ppo.figures import rollout_figures, speed_figures, target_figures
from rltrainer.ppo.learner import Learner
from rltrainer.ppo.order import generator_of, prompts_of_step
from rltrainer.ppo.rollout import RewardFunction, Rollout, Seconds, collect
from rltrainer.ppo.targets import Targets, targets_of
from rltrainer.ppo.update import RowsNotFinite, Updated, update
from rltrainer.ppo.watching import is_looked_at, watched_answers

KEPT = "kept"


class PolicyGradient(Training):
    """``prompts`` are the train split's; ``beta`` is the KL's coefficient of the next step.

    What the policy answers to the ``watched`` prompts is written down now and then (rltrainer.ppo.watching).

    ``kept`` is None until the KL's limit is passed; then the training is over, and its policy is the one that was kept
    after so many steps.
    """

    def __init__(
        self,
        learner: Learner,
        reward_of: RewardFunction,
        prompts: Sequence[Prompt],
        ranks: Ranks = ALONE,
        clock: Callable[[], float] = time.monotonic,
        watched: Sequence[Prompt] = (),
    ) -> None:
        self.learner, self.reward_of, self.prompts = learner, reward_of, prompts
        self.config, self.steps, self.ranks, self.clock = learner.config, learner.steps, ranks, clock
        self.watched = watched
        self.beta = self.config.beta
        self.kept: int | None = None

    @property
    def learning(self) -> Sequence[Learning]:
        learner = self.learner
        learning = [Learning(learner.policy_parameters, learner.policy_optimizer)]
        if learner.value_optimizer is not None:
            learning.append(Learning(learner.value_parameters, learner.value_optimizer))
        return learning

    def learn(self, step: int, frame: Frame) -> Figures:
        """One rollout and what is learnt from it."""
        config, learner, seconds = self.config, self.learner, Seconds()
        if step == 0:
            self._look(0, frame)
        # 1. The prompts of this step, by seed and epoch.
        numbers = prompts_of_step(len(self.prompts), config.batch_prompts, seed=config.seed, step=step)
        prompts = [self.prompts[number] for number in numbers]
        # 2. Completions, their scores, log-probabilities, reference and values.
        sampling = generator_of("sampling", config.seed, step)
        rollout = collect(
            learner.policy, learner.value, self.reward_of, prompts, config, sampling, seconds, self.clock,
            between=frame.between, ranks=self.ranks,
        )  # fmt: skip
        # 3. Whether these weights are still near enough to the reference.
        sampled = rollout_figures(rollout, config.kl_clamp)
        kl = sampled["kl"]
        if self._past_limit(kl, step, frame):
            self.go_back(frame)
            return {}
        # 4. Rewards a token, advantages and returns.
        targets = targets_of(rollout, config, self.beta)
        # 5. Epochs of optimizer steps.
        begun, rate = self.clock(), learner.set_rates(step)
        updated = self._update(rollout, targets, prompts, step, frame)
        speed = speed_figures(rollout, seconds, self.clock() - begun)
        # 6. The figures of this step, then beta for the next one.
        beta, self.beta = self.beta, self._next_beta(kl)
        learnt = {**target_figures(rollout, targets), **updated._asdict()}
        return {**sampled, **learnt, "beta": beta, "learning_rate": rate, **speed}

    def doing(self, step: int) -> str:
        return "training"

    def closes(self, step: int) -> bool:
        return bool(self.watched) and is_looked_at(step + 1, self.config)

    def validate(self, frame: Frame) -> Figures:
        """A look, and no figures: those of a step are of what was sampled."""
        self._look(frame.step, frame)
        return {}

    def over(self) -> bool:
        return self.kept is not None

    def state(self) -> dict[str, Any]:
        return {"beta": self.beta, "kept": self.kept}

    def restore(self, step: int, state: Mapping[str, Any]) -> None:
        self.beta, self.kept = state["beta"], state["kept"]

    def go_back(self, frame: Frame) -> None:
        """End with the newest policy that was kept under the KL's limit: at worst that of step 0, the reference."""
        self.kept = frame.take_kept(KEPT)
        frame.save()

    def _look(self, step: int, frame: Frame) -> None:
        """Write down what the policy answers after ``step`` steps; main alone, for all hold the same weights."""
        if not self.ranks.main:
            return
        answers = watched_answers(
            self.learner.policy, self.reward_of, self.watched, self.config, frame.between
        )
        if step == 0:  # what was stopped within the first step begins it again
            frame.watched.cut_after(-1)
        for answer in answers:
            frame.watched.append(step, **answer._asdict())

    def _update(
        self, rollout: Rollout, targets: Targets, prompts: Sequence[Prompt], step: int, frame: Frame
    ) -> Updated:
        """One update. From its first optimizer step to its last the weights are of no step."""

        def tear() -> None:
            self.torn = True

        shuffled = generator_of("minibatches", self.config.seed, step)
        try:
            _refuse_scores(rollout)
            updated = update(
                self.learner,
                rollout,
                targets,
                shuffled,
                between=frame.between,
                before_change=tear,
                ranks=self.ranks,
            )
        except RowsNotFinite as error:
            raise self._with_evidence(error, rollout, targets, prompts) from error
        self.torn = False
        return updated

    def _with_evidence(
        self, error: RowsNotFinite, rollout: Rollout, targets: Targets, prompts: Sequence[Prompt]
    ) -> NotFinite:
        rows = error.rows
        named = {**rollout.tensors(), **targets._asdict()}
        tensors = {name: value[rows].cpu() for name, value in named.items()}
        evidence = {
            "prompts": [prompts[row // self.config.samples].id for row in rows],
            "completions": [rollout.texts[row] for row in rows],
            "scores": [str(rollout.scores[row].item()) for row in rows],
        }
        return NotFinite(str(error), evidence, tensors)

    def _past_limit(self, kl: float, step: int, frame: Frame) -> bool:
        """Whether the policy is too far off; where it is not, it is kept as the one to go back to."""
        limit = self.config.kl_limit
        if limit is None:
            return False
        if kl <= limit and step % self.config.keep_every == 0:
            frame.keep(KEPT, self.learner.policy_parameters)
        return kl > limit

    def _next_beta(self, kl: float) -> float:
        config = self.config
        if config.kl_target is None:
            return self.beta
        return adapted_beta(
            self.beta, kl=kl, target=config.kl_target, episodes=config.episodes, horizon=config.kl_horizon
        )


def _refuse_scores(rollout: Rollout) -> None:
    bad = (~torch.isfinite(rollout.scores)).nonzero().flatten().tolist()
    if bad:
        raise RowsNotFinite(f"the reward model's scores of {len(bad)} completions are not finite", bad)
