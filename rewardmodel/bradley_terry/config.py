"""The frozen configs of the reward model's runs. No torch here: the web process reads these."""

from dataclasses import dataclass
from typing import Any, Literal

from lm.lora import LoraSettings
from lm.rendering import DATE, check_date
from runs.folder.config import resolve

Ties = Literal["drop", "half", "rao_kupper", "davidson"]


@dataclass(frozen=True)
class AnnotatorWeight:
    """How much one annotator's rankings count; everybody else's count 1, and 0 leaves them out."""

    annotator: str  # the pseudonym
    weight: float

    def __post_init__(self) -> None:
        _at_least(self, 0, "weight")


@dataclass(frozen=True)
class FitConfig:
    """A fit of a reward model to rankings. None means: chosen by what the base is (see ``resolved``)."""

    base: str = "scratch"  # "scratch", a folder (of a policy or a reward model) or a hub name
    keep_head: bool = (
        False  # go on with the head and tie parameter of a base that is a reward model (warm start)
    )
    incumbent: str | None = None  # a reward model folder to be compared with on the same held-out prompts
    lora: LoraSettings | None = None  # None trains all weights
    ties: Ties = "davidson"  # what a shared tier says of two scores (Davidson 1970)
    margin: float = 0.0  # reward units a unit of preference strength (Llama 2, 2307.09288 eq. 2); 0 is off
    label_smoothing: float = 0.0  # share of judgements taken to be wrong; 0 is off
    centering: float = 0.0  # weight of (r1 + r2)^2 (Eisenstein et al. 2312.09244 use 0.01); 0 is off
    annotator_weights: tuple[AnnotatorWeight, ...] = ()
    epochs: int | None = (
        None  # passes over the train split; more than one overfits a pretrained base (2009.01325)
    )
    learning_rate: float | None = None  # the highest, after warm-up
    tie_learning_rate: float = 0.01  # of the one tie parameter, which starts at the share of ties
    warmup: float = 0.03  # share of the steps with a rising rate
    floor: float = 0.1  # the last rate as a share of the highest
    weight_decay: float | None = None  # of matrices only
    batch_rankings: int | None = None  # rankings a step
    micro_batch_tokens: int = 4096  # tokens a forward pass: the memory; changes no result beyond rounding
    max_grad_norm: float = 1.0  # gradient clipping, as in GPT-3 (2005.14165)
    seeds: int = 1  # fits from seed, seed + 1, ...; the best on validation is kept (Stiennon: 3 to 10)
    max_prompt_tokens: int = 1024  # longer prompts lose their beginning
    max_completion_tokens: int = 1024  # longer completions lose their end; EOS included
    validation_rankings: int = 1000  # drawn by the seed and read after each epoch, at most
    # Train rankings, drawn by the seed, whose completions have mean 0 and deviation 1, at most.
    reference_rankings: int = 2000
    resamples: int = 1000  # of prompts, for the bootstrap intervals (Efron and Tibshirani 1993)
    gradient_checkpointing: bool = False  # a third slower, activations of one layer at a time
    vocabulary: int = 4096  # from scratch: most tokens of the byte-level BPE
    hidden: int = 160  # from scratch: width
    layers: int = 4  # from scratch
    heads: int = 4  # from scratch
    context: int = 1024  # from scratch: most tokens of prompt and completion together
    date: str = DATE  # the day that the base's chat template states, where it states one; YYYY-MM-DD
    seed: int = 0
    threads: int = 2  # CPU threads of a process; part of the result, because sums depend on it
    processes: int = 1  # that share each step, on one machine: one a GPU; changes no result beyond rounding
    device: str = "auto"  # "auto" takes CUDA where there is one
    checkpoint_seconds: float = 60.0
    checkpoints: int = 1  # that stay: the newest, and those before it

    def __post_init__(self) -> None:
        check_date(self.date)
        _at_least(self, 1, "epochs", "batch_rankings", "micro_batch_tokens", "seeds", "resamples", "threads")
        _at_least(
            self,
            1,
            "processes",
            "hidden",
            "layers",
            "heads",
            "max_prompt_tokens",
            "reference_rankings",
            "checkpoints",
        )
        _at_least(self, 2, "max_completion_tokens", "context")  # a token and EOS
        _at_least(self, 259, "vocabulary")  # 256 bytes and three specials
        _at_least(self, 0, "margin", "centering", "learning_rate", "tie_learning_rate", "weight_decay")
        _at_least(self, 0, "validation_rankings", "warmup", "floor", "checkpoint_seconds")
        if not self.max_grad_norm > 0:
            raise ValueError(f"max_grad_norm must be above 0, not {self.max_grad_norm}")
        if not 0 <= self.label_smoothing < 0.5:
            raise ValueError(f"label_smoothing must be at least 0 and below 0.5, not {self.label_smoothing}")
        if self.from_scratch and self.keep_head:
            raise ValueError("keep_head goes on with a reward model: name its folder as the base")
        if self.from_scratch and self.lora is not None:
            raise ValueError('lora learns beside a trained base: with base "scratch" leave it out')
        if self.hidden % self.heads or self.hidden // self.heads % 2:
            raise ValueError(f"hidden {self.hidden} must be heads {self.heads} times an even number")

    @property
    def from_scratch(self) -> bool:
        return self.base == "scratch"

    def resolved(self, parameters: int) -> "ResolvedFit":
        """What is left open takes the default of its kind of base; ``parameters`` is its size."""
        return resolve(self, ResolvedFit, self._defaults(parameters))

    def _defaults(self, parameters: int) -> dict[str, Any]:
        if self.from_scratch:
            return SCRATCH
        if self.lora is not None:
            return LORA
        return FULL_SMALL if parameters < SMALL else FULL


@dataclass(frozen=True, kw_only=True)
class ResolvedFit(FitConfig):
    """A FitConfig in which nothing is left open."""

    epochs: int
    learning_rate: float
    weight_decay: float
    batch_rankings: int


# From scratch: tried on 1,700 crowd rankings of five restaurant descriptions, two cores. One to three epochs,
# half the rate, a quarter of the vocabulary or half the layers are within noise of it (accuracy, mean of two folds).
SCRATCH: dict[str, Any] = {"epochs": 3, "learning_rate": 1e-3, "weight_decay": 0.1, "batch_rankings": 16}
# Stiennon et al. (2009.01325): 1 epoch, batches of 64; the rate is that of summarize_from_feedback_details.
FULL: dict[str, Any] = {"epochs": 1, "learning_rate": 9e-6, "weight_decay": 0.0, "batch_rankings": 64}
# A trunk of a few million parameters, such as a policy made from scratch, wants larger steps than a large one.
FULL_SMALL: dict[str, Any] = {"epochs": 2, "learning_rate": 5e-4, "weight_decay": 0.0, "batch_rankings": 16}
SMALL = 20_000_000
LORA: dict[str, Any] = {"epochs": 1, "learning_rate": 1e-4, "weight_decay": 0.0, "batch_rankings": 64}


@dataclass(frozen=True)
class EvaluateConfig:
    """The held-out report of a reward model on a snapshot."""

    reward_model: str = "inputs/reward_model"  # a reward model folder
    micro_batch_tokens: int = 4096  # tokens a forward pass
    resamples: int = 1000  # of prompts, for the bootstrap intervals
    threads: int = 2
    device: str = "auto"

    def __post_init__(self) -> None:
        _at_least(self, 1, "micro_batch_tokens", "resamples", "threads")


@dataclass(frozen=True)
class ContestConfig:
    """Several reward models on one snapshot's held-out rankings."""

    reward_models: tuple[str, ...] = ()  # reward model folders; the others are compared with the first
    worst: int = 12  # pairs to read that they rank worst
    micro_batch_tokens: int = 4096  # tokens a forward pass
    resamples: int = 1000  # of prompts, for the bootstrap intervals
    threads: int = 2
    device: str = "auto"

    def __post_init__(self) -> None:
        _at_least(self, 1, "micro_batch_tokens", "resamples", "threads")
        _at_least(self, 0, "worst")
        if not self.reward_models:
            raise ValueError("reward_models must name at least one reward model")


@dataclass(frozen=True)
class ScoreConfig:
    """Scores of prompts with completions."""

    reward_model: str = "inputs/reward_model"  # a reward model folder
    micro_batch_tokens: int = 4096  # tokens a forward pass
    threads: int = 2
    device: str = "auto"

    def __post_init__(self) -> None:
        _at_least(self, 1, "micro_batch_tokens", "threads")


def _at_least(config: object, least: float, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        if value is not None and not least <= value < float("inf"):  # NaN is refused too
            raise ValueError(f"{name} must be at least {least}, not {value}")
