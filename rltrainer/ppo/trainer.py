"""The loop: sample, score, learn, again.

Left out on purpose: several machines, an engine of its own for sampling, a pretraining loss beside (PPO-ptx), and
several reward models at once. ``score`` is any function of prompts and texts, so a made-up reward can test it.
"""

import time
from collections.abc import Callable, Sequence

import torch
from safetensors.torch import save_file

from rltrainer.policy.prompts import Prompt
from rltrainer.ppo.divergence import adapted_beta
from rltrainer.ppo.learner import Learner
from rltrainer.ppo.measures import rollout_figures, speed_figures, step_figures
from rltrainer.ppo.order import generator_of, prompts_of_step
from rltrainer.ppo.rollout import Rollout, Score, Seconds, collect
from rltrainer.ppo.state import Place, keep_policy, load_state, save_state, take_kept
from rltrainer.ppo.targets import Targets, targets_of
from rltrainer.ppo.update import NotFinite, update
from runs.folder.errors import RunError, Stopped
from runs.folder.files import write_json
from runs.folder.folder import RunFolder
from runs.folder.metrics import Metrics
from runs.folder.progress import Progress
from runs.folder.stopping import StopSignal


class Training:
    """One run and where it stands. ``prompts`` are the train split's."""

    def __init__(
        self,
        folder: RunFolder,
        stop: StopSignal,
        learner: Learner,
        score: Score,
        prompts: Sequence[Prompt],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder, self.stop, self.learner, self.score = folder, stop, learner, score
        self.prompts, self.clock = prompts, clock
        self.config, self.steps = learner.config, learner.steps
        self.metrics, self.progress = Metrics(folder.metrics_file), Progress(folder.progress_file)
        self.place, self.saved_at = Place(0, self.config.beta), clock()

    def run(self) -> None:
        """Go on from the newest checkpoint to the last step, or to the KL's limit. Raises Stopped and RunError."""
        self.place = load_state(self.folder.checkpoint, self.learner) or self.place
        self.metrics.cut_after(self.place.step)
        while self.place.kept is None and self.place.step < self.steps:
            self.progress.report(self.place.step, self.steps, "training")
            self._step()
            self._save_when_due()

    def go_back(self) -> None:
        """End with the newest policy that was kept under the KL's limit."""
        self.place.kept = take_kept(self.folder.checkpoint, self.learner)
        self._save()

    def _step(self) -> None:
        """One rollout and what is learnt from it."""
        config, learner, step, seconds = self.config, self.learner, self.place.step, Seconds()
        # 1. The prompts of this step, by seed and epoch.
        numbers = prompts_of_step(len(self.prompts), config.batch_prompts, seed=config.seed, step=step)
        asked = [self.prompts[number] for number in numbers]
        # 2. Completions, their scores, log-probabilities, reference and values.
        drawn = generator_of("sampling", config.seed, step)
        rollout = collect(
            learner.policy, learner.value, self.score, asked, config, drawn, seconds, self.clock
        )
        self._leave_at_stop()
        # 3. Whether these weights are still near enough to the reference.
        kl = rollout_figures(rollout, config.kl_clamp)["kl"]
        if self._past_limit(kl):
            self.go_back()
            return
        # 4. Rewards a token, advantages and returns.
        targets = targets_of(rollout, config, self.place.beta)
        figures = step_figures(rollout, targets, config.kl_clamp)
        # 5. Epochs of optimizer steps.
        begun, rate = self.clock(), learner.set_rates(step)
        learnt = self._update(rollout, targets, asked)
        speed = speed_figures(rollout, seconds, self.clock() - begun)
        # 6. The line of this step, then beta for the next one.
        self.place.step += 1
        self.metrics.append(
            self.place.step,
            **{**figures, **learnt, "beta": self.place.beta, "learning_rate": rate, **speed},
        )
        self.place.beta = self._next_beta(kl)

    def _update(self, rollout: Rollout, targets: Targets, asked: Sequence[Prompt]) -> dict[str, float]:
        """One update; a batch that is not finite is saved for a look at it, and the last checkpoint stands."""
        shuffled = generator_of("minibatches", self.config.seed, self.place.step)
        try:
            _refuse_scores(rollout)
            return update(self.learner, rollout, targets, shuffled, self._abandon_at_stop)._asdict()
        except NotFinite as error:
            self._keep_evidence(error, rollout, targets, asked)
            raise RunError(
                f"step {self.place.step + 1}: {error}. Lower learning_rate, or look at the completions in "
                "bad_batch.json; their tensors are in bad_batch.safetensors, and the last good checkpoint stands"
            ) from error

    def _keep_evidence(
        self, error: NotFinite, rollout: Rollout, targets: Targets, asked: Sequence[Prompt]
    ) -> None:
        rows = error.rows
        named = {**rollout._asdict(), **targets._asdict()}
        tensors = {name: each[rows].cpu() for name, each in named.items() if isinstance(each, torch.Tensor)}
        save_file(tensors, self.folder.path / "bad_batch.safetensors")
        found = {
            "step": self.place.step + 1,
            "reason": str(error),
            "prompts": [asked[row // self.config.samples].id for row in rows],
            "completions": [rollout.texts[row] for row in rows],
            "scores": [str(rollout.scores[row].item()) for row in rows],
        }
        write_json(self.folder.path / "bad_batch.json", found)

    def _past_limit(self, kl: float) -> bool:
        """Whether the policy is too far off; where it is not, it is kept as the one to go back to."""
        limit = self.config.kl_limit
        if limit is None:
            return False
        if kl <= limit and self.place.step % self.config.keep_every == 0:
            keep_policy(self.folder.checkpoint, self.learner, self.place.step)
        return kl > limit

    def _next_beta(self, kl: float) -> float:
        config = self.config
        if config.kl_target is None:
            return self.place.beta
        return adapted_beta(
            self.place.beta,
            kl=kl,
            target=config.kl_target,
            episodes=config.episodes,
            horizon=config.kl_horizon,
        )

    def _save_when_due(self) -> None:
        last = self.place.step == self.steps
        if last or self.clock() - self.saved_at >= self.config.checkpoint_seconds:
            self._save()
        if not last:
            self._leave_at_stop()

    def _leave_at_stop(self) -> None:
        """Between a step's end and the next one's first change of weights."""
        if self.stop:
            self._save()
            raise Stopped(f"stopped after step {self.place.step} of {self.steps}")

    def _abandon_at_stop(self) -> None:
        """In the middle of an update the weights are of no step: the run goes on from the newest checkpoint."""
        self.stop.check()

    def _save(self) -> None:
        save_state(self.folder.checkpoint, self.learner, self.place)
        self.saved_at = self.clock()


def _refuse_scores(rollout: Rollout) -> None:
    bad = (~torch.isfinite(rollout.scores)).nonzero().flatten().tolist()
    if bad:
        raise NotFinite(f"the reward model's scores of {len(bad)} completions are not finite", bad)
