"""PpoConfig. No torch here: the web process reads it."""

from dataclasses import dataclass
from typing import Any, Literal

from lm.lora import LoraSettings
from lm.rendering import DATE, check_date
from rltrainer.policy.config import SamplingSettings
from runs.folder.config import resolve
from runs.folder.errors import BadInput

Algorithm = Literal["ppo", "reinforce"]
Baseline = Literal["none", "batch_mean", "leave_one_out"]


@dataclass(frozen=True)
class PpoConfig:
    """One training by policy gradient. None means: chosen by algorithm and size (see ``resolved``)."""

    policy: str  # a policy folder or a hub name; also the frozen reference
    reward_model: str  # a reward model folder
    algorithm: Algorithm = "ppo"
    lora: LoraSettings | None = None  # None trains all weights
    # The reward.
    beta: float = (
        0.1  # coefficient of the KL, in deviations of the reward a nat; 0.05 in Stiennon et al. 2009.01325
    )
    kl_target: float | None = None  # nats a completion that beta is adapted to; None keeps beta fixed
    kl_horizon: int = 10_000  # episodes over which beta adapts (Ziegler et al. 1909.08593)
    kl_clamp: float = 20.0  # |log-ratio| of a token at most: k3 overflows float32 at 89
    missing_eos_penalty: (
        float | None
    ) = -1.0  # the most that a completion earns that did not end; None: its score
    # The rollout.
    steps: int | None = None  # rollouts; by size: see SIZES
    batch_prompts: int = 32  # prompts a rollout
    samples: int = 4  # completions a prompt
    max_new_tokens: int = 64  # EOS included
    max_prompt_tokens: int = 512  # longer prompts lose their beginning
    temperature: float = 1.0  # divides the logits in sampling and in every log-probability
    # The update.
    gamma: float = 1.0  # discount (Ziegler et al. 1909.08593)
    lam: float = 0.95  # GAE's lambda (Schulman et al. 1506.02438; Ziegler et al.)
    clip: float = 0.2  # of the ratio (Schulman et al. 1707.06347)
    value_clip: float = 0.2  # of the value's change (Ziegler et al.)
    entropy_coefficient: float = 0.0  # of the entropy bonus; language models start with plenty
    whiten: bool = True  # PPO's advantages to mean 0 and deviation 1 over the rollout
    baseline: Baseline = "leave_one_out"  # of REINFORCE (Kool et al. 2019; Ahmadian et al. 2402.14740)
    epochs: int | None = None  # passes over a rollout: 4 for PPO (Ziegler et al.), 1 for REINFORCE
    minibatches: int | None = None  # optimizer steps a pass: 4 for PPO, 1 for REINFORCE
    micro_batch_tokens: int = 8192  # tokens a forward pass, padding counted: the memory; changes no result
    learning_rate: float | None = None  # of the policy, linear to 0; by size: see SIZES
    value_learning_rate: float | None = None  # of the value network; twice that of a whole policy
    adam_eps: float = 1e-5  # Huang et al., "The N implementation details of RLHF with PPO" (2023)
    max_grad_norm: float = 1.0
    value_init: Literal["reward_model", "policy"] = "reward_model"  # Stiennon et al.; InstructGPT
    # Nats a token between old and new policy; more ends the update. Where every ratio is at the clip it is about 0.02.
    update_kl_limit: float | None = 0.05
    kl_limit: float | None = None  # nats a completion; more ends the run with the last policy below it
    keep_every: int = 1  # steps between the policies, on disk, that kl_limit can go back to
    # The run.
    held_out_prompts: int = 128  # prompts of the report before and after
    date: str = DATE  # the day that the base's chat template states, where it states one; YYYY-MM-DD
    seed: int = 0
    threads: int = 2  # CPU threads of a process; part of the result, because sums depend on it
    processes: int = 1  # that share each step, on one machine: one a GPU; changes no result beyond rounding
    device: str = "auto"  # "auto" takes CUDA where there is one
    checkpoint_seconds: float = 60.0
    checkpoints: int = 1  # that stay: the newest, and those before it

    def __post_init__(self) -> None:
        check_date(self.date)
        _at_least(
            self, 1, "steps", "batch_prompts", "samples", "max_new_tokens", "max_prompt_tokens", "epochs"
        )
        _at_least(self, 1, "minibatches", "micro_batch_tokens", "keep_every", "held_out_prompts", "threads")
        _at_least(self, 1, "kl_horizon", "processes", "checkpoints")
        _at_least(self, 0, "beta", "gamma", "lam", "clip", "value_clip", "learning_rate")
        _at_least(self, 0, "value_learning_rate", "entropy_coefficient", "adam_eps", "checkpoint_seconds")
        _above_zero(
            self, "temperature", "kl_clamp", "kl_target", "kl_limit", "update_kl_limit", "max_grad_norm"
        )
        if self.batch_prompts < self.processes:
            raise BadInput(
                f"{self.processes} processes cannot share {self.batch_prompts} prompts a rollout: raise batch_prompts"
            )
        if self.algorithm == "reinforce" and max(self.epochs or 1, self.minibatches or 1) > 1:
            raise BadInput(
                "REINFORCE learns from a rollout in one step, for after it the policy is not the one that was sampled: "
                "leave epochs and minibatches out"
            )
        if self.baseline == "leave_one_out" and self.algorithm == "reinforce" and self.samples < 2:
            raise BadInput(
                "the baseline leave_one_out needs at least 2 samples a prompt: set samples or baseline"
            )

    @property
    def episodes(self) -> int:
        """Completions a rollout."""
        return self.batch_prompts * self.samples

    @property
    def limits(self) -> dict[str, int]:
        """How long a prompt and its answer may be, as ``encode_with_room`` takes it."""
        return {"max_prompt_tokens": self.max_prompt_tokens, "max_new_tokens": self.max_new_tokens}

    @property
    def sampling(self) -> SamplingSettings:
        """By the temperature alone, so that log-probabilities are those of what was sampled."""
        return SamplingSettings(self.max_new_tokens, self.temperature, samples=self.samples)

    def resolved(self, parameters: int) -> "ResolvedPpo":
        """What is left open takes the default of its algorithm and size; ``parameters`` is the policy's."""
        ppo = self.algorithm == "ppo"
        by_size, steps = _by_size(self, parameters)
        rate = self.learning_rate if self.learning_rate is not None else by_size
        defaults: dict[str, Any] = {
            "learning_rate": by_size,
            "steps": steps,
            "epochs": 4 if ppo else 1,
            "minibatches": 4 if ppo else 1,
            "value_learning_rate": 2 * rate / (LORA_FACTOR if self.lora else 1),  # it has no adapter
        }
        resolved = resolve(self, ResolvedPpo, defaults)
        if resolved.episodes < resolved.minibatches:
            raise BadInput(
                f"{resolved.episodes} completions a rollout do not make {resolved.minibatches} minibatches"
            )
        return resolved


@dataclass(frozen=True, kw_only=True)
class ResolvedPpo(PpoConfig):
    """A PpoConfig in which nothing is left open; a limit or target that is None is none."""

    steps: int
    epochs: int
    minibatches: int
    learning_rate: float
    value_learning_rate: float


# Most parameters, learning rate, steps. Policies of a billion and more learn at about 1e-6 for hundreds of thousands
# of episodes (Stiennon et al.; InstructGPT); one of a few million, made from scratch, wants far larger steps, and few:
# tried on restaurant descriptions, two cores.
SIZES = ((20_000_000, 2e-4, 12), (200_000_000, 3e-5, 100), (2_000_000_000, 3e-6, 500))
LARGEST = (1e-6, 1000)
LORA_FACTOR = 10  # of the learning rate: Schulman et al., "LoRA Without Regret" (2025)


def _by_size(config: PpoConfig, parameters: int) -> tuple[float, int]:
    """Learning rate and steps for a policy of so many parameters."""
    rate, steps = next(((rate, steps) for most, rate, steps in SIZES if parameters <= most), LARGEST)
    return (rate * LORA_FACTOR if config.lora else rate), steps


def _at_least(config: PpoConfig, least: float, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        if value is not None and not least <= value < float("inf"):  # NaN is refused too
            raise BadInput(f"{name} is {value}: it must be at least {least}")


def _above_zero(config: PpoConfig, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        if value is not None and not 0 < value < float("inf"):
            raise BadInput(f"{name} is {value}: it must be above 0")
