"""PpoConfig. No torch here: the web process reads it."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from lm import settings
from lm.rendering import DATE, check_date
from rltrainer.policy.config import NewTokens, Samples, SamplingSettings
from runs.folder.config import Meaning, Preset, check_ranges, resolve
from runs.folder.errors import BadInput

Algorithm = Literal["ppo", "reinforce"]
Baseline = Literal["none", "batch_mean", "leave_one_out"]
ValueInit = Literal["reward_model", "policy"]
_BY_SIZE = "by the policy's size"
_BY_ALGORITHM = "by the algorithm"


@dataclass(frozen=True)
class PpoConfig:
    """One training by policy gradient. None means: chosen by algorithm and size (see ``resolved``)."""

    policy: Annotated[str, Meaning("a policy folder or a hub name; also the frozen reference")]
    reward_model: Annotated[str, Meaning("a reward model folder")]
    algorithm: Annotated[Algorithm, Meaning("PPO with a value network, or REINFORCE with a baseline")] = "ppo"
    lora: settings.Lora = None
    # The reward.
    beta: Annotated[
        float,
        Meaning(
            "what a nat away from the reference costs, in deviations of the reward",
            name="KL coefficient, beta",
            unit="deviations a nat",
            source="0.05 in Stiennon et al. 2009.01325",
            least=0,
        ),
    ] = 0.1
    kl_target: Annotated[
        float | None,
        Meaning(
            "beta is adapted until the KL stays here",
            name="KL target",
            unit="nats a completion",
            none="beta stays as it is",
            above=0,
        ),
    ] = None
    kl_horizon: Annotated[
        int,
        Meaning(
            "over which beta adapts",
            name="KL horizon",
            unit="episodes",
            source="Ziegler et al. 1909.08593",
            least=1,
        ),
    ] = 10_000
    kl_clamp: Annotated[
        float,
        Meaning(
            "a token's log-ratio, at most",
            name="KL clamp",
            unit="nats",
            source="k3 overflows float32 at 89",
            above=0,
        ),
    ] = 20.0
    missing_eos_penalty: Annotated[
        float | None,
        Meaning(
            "the most that a completion earns that did not end",
            name="missing EOS penalty",
            unit="deviations of the reward",
            none="it earns its score",
        ),
    ] = -1.0
    # The rollout.
    steps: Annotated[
        int | None, Meaning("rollouts: of sampling, then learning", none=_BY_SIZE, filled_in=True, least=1)
    ] = None
    batch_prompts: Annotated[
        int, Meaning("drawn for a rollout, each with several completions", name="prompts a rollout", least=1)
    ] = 32
    samples: Samples = 4
    max_new_tokens: NewTokens = 64
    max_prompt_tokens: settings.PromptTokens = 512
    temperature: Annotated[
        float, Meaning("divides the logits, in sampling and in every log-probability", above=0)
    ] = 1.0
    # The update.
    gamma: Annotated[
        float,
        Meaning("of later rewards", name="discount (gamma)", source="Ziegler et al. 1909.08593", least=0),
    ] = 1.0
    lam: Annotated[
        float,
        Meaning(
            "of generalised advantage estimation",
            name="GAE lambda",
            source="Schulman et al. 1506.02438; Ziegler et al. 1909.08593",
            least=0,
        ),
    ] = 0.95
    clip: Annotated[
        float, Meaning("of the ratio, either way", source="Schulman et al. 1707.06347", least=0)
    ] = 0.2
    value_clip: Annotated[
        float, Meaning("of the value's change", source="Ziegler et al. 1909.08593", least=0)
    ] = 0.2
    entropy_coefficient: Annotated[
        float, Meaning("of the entropy bonus; language models start with plenty", least=0)
    ] = 0.0
    whiten: Annotated[bool, Meaning("PPO's advantages to mean 0 and deviation 1 over the rollout")] = True
    baseline: Annotated[
        Baseline,
        Meaning(
            "what REINFORCE takes from the rewards", source="Kool et al. 2019; Ahmadian et al. 2402.14740"
        ),
    ] = "leave_one_out"
    epochs: Annotated[
        int | None,
        Meaning(
            "passes over a rollout; 1 for REINFORCE",
            source="Ziegler et al. 1909.08593: 4 for PPO",
            none=_BY_ALGORITHM,
            filled_in=True,
            least=1,
        ),
    ] = None
    minibatches: Annotated[
        int | None,
        Meaning(
            "optimizer steps of a pass; 1 for REINFORCE",
            source="Ziegler et al. 1909.08593: 4 for PPO",
            none=_BY_ALGORITHM,
            filled_in=True,
            least=1,
        ),
    ] = None
    micro_batch_tokens: settings.MicroBatchTokens = 8192
    learning_rate: Annotated[
        float | None, Meaning("of the policy, falling to 0 in a line", none=_BY_SIZE, filled_in=True, least=0)
    ] = None
    value_learning_rate: Annotated[
        float | None,
        Meaning("of the value network", none="twice that of a whole policy", filled_in=True, least=0),
    ] = None
    adam_eps: Annotated[
        float,
        Meaning(
            "added below the fraction of its step",
            name="Adam's epsilon",
            source='Huang et al., "The N implementation details of RLHF with PPO" (2023)',
            least=0,
        ),
    ] = 1e-5
    max_grad_norm: settings.MaxGradNorm = 1.0
    value_init: Annotated[
        ValueInit,
        Meaning(
            "what the value network starts as", name="value network", source="Stiennon et al.; InstructGPT"
        ),
    ] = "reward_model"
    update_kl_limit: Annotated[
        float | None,
        Meaning(
            "between old and new policy; more ends the update (where every ratio is at the clip it is about 0.02)",
            name="KL limit of an update",
            unit="nats a token",
            none="no limit",
            above=0,
        ),
    ] = 0.05
    kl_limit: Annotated[
        float | None,
        Meaning(
            "more ends the run with the last policy below it",
            name="KL limit of the run",
            unit="nats a completion",
            none="no limit",
            above=0,
        ),
    ] = None
    keep_every: Annotated[
        int,
        Meaning(
            "between the policies, on disk, that the run's KL limit can go back to", unit="steps", least=1
        ),
    ] = 1
    # What is looked at.
    watched_prompts: Annotated[
        int,
        Meaning(
            "of those held out, whose answers are shown as it learns; 0: no look; changes no result",
            name="watched prompts",
            unit="prompts",
            least=0,
        ),
    ] = 4
    watch_every: Annotated[
        int | None,
        Meaning(
            "between two looks at the answers to the watched prompts",
            name="look every",
            unit="steps",
            none="about ten looks",
            filled_in=True,
            least=1,
        ),
    ] = None
    # The run.
    held_out_prompts: Annotated[
        int,
        Meaning("read for the report, before and after", name="held out", unit="prompts", least=1),
    ] = 128
    date: settings.Date = DATE
    seed: settings.Seed = 0
    threads: settings.Threads = 2
    processes: settings.Processes = 1
    device: settings.Device = "auto"
    checkpoint_seconds: settings.CheckpointSeconds = 60.0
    checkpoints: settings.Checkpoints = 1
    tracker: settings.Tracker = "none"

    def __post_init__(self) -> None:
        check_date(self.date)
        check_ranges(self)
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
            "watch_every": max(1, -(-(self.steps or steps) // LOOKS)),
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
    """A PpoConfig in which nothing is left open. A limit or target that is None is none."""

    steps: int
    watch_every: int
    epochs: int
    minibatches: int
    learning_rate: float
    value_learning_rate: float


# Most parameters, learning rate, steps. Policies of a billion and more learn at about 1e-6 for hundreds of thousands
# of episodes (Stiennon et al.; InstructGPT); one of a few million, made from scratch, wants far larger steps, and few:
# tried on restaurant descriptions, two cores.
SIZES = ((20_000_000, 2e-4, 12), (200_000_000, 3e-5, 100), (2_000_000_000, 3e-6, 500))
LARGEST = (1e-6, 1000)
LOOKS = 10  # at the watched prompts, where nobody says how often
LORA_FACTOR = 10  # of the learning rate: Schulman et al., "LoRA Without Regret" (2025)


def _by_size(config: PpoConfig, parameters: int) -> tuple[float, int]:
    """Learning rate and steps for a policy of so many parameters."""
    rate, steps = next(((rate, steps) for most, rate, steps in SIZES if parameters <= most), LARGEST)
    return (rate * LORA_FACTOR if config.lora else rate), steps


PRESETS = {
    "quick": Preset(
        "quick look",
        "Four rollouts of 8 prompts, and a report on 32: the least time in which it shows whether the reward rises.",
        {"steps": 4, "batch_prompts": 8, "held_out_prompts": 32},
    ),
    "careful": Preset(
        "careful",
        "Rollouts of 128 prompts, so that each step is surer, and a report on 512: four times the time.",
        {"batch_prompts": 128, "held_out_prompts": 512},
    ),
    "lora": Preset(
        "LoRA on a GPU",
        "An adapter beside a trained policy, at ten times the learning rate: gradients and Adam's state of the policy "
        "are those of the adapter alone, which saves memory. PPO's value network learns whole.",
        {"lora": {"rank": 16, "alpha": 32.0}, "device": "cuda"},
    ),
}
