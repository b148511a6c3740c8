"""The frozen configs of the reward model's runs. No torch here: the web process reads these."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from lm import settings
from lm.rendering import DATE, check_date
from runs.folder.config import Meaning, Preset, check_ranges, resolve

Ties = Literal["drop", "half", "rao_kupper", "davidson"]
RewardModel = Annotated[str, Meaning("a reward model folder")]
_BY_BASE = "by the base"


@dataclass(frozen=True)
class AnnotatorWeight:
    """How much one annotator's rankings count; everybody else's count 1, and 0 leaves them out."""

    annotator: Annotated[str, Meaning("the pseudonym")]
    weight: Annotated[float, Meaning("of each of their rankings", least=0)]

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True)
class FitConfig:
    """A fit of a reward model to rankings. None means: chosen by what the base is (see ``resolved``)."""

    base: Annotated[str, Meaning('"scratch", a folder (of a policy or a reward model) or a hub name')] = (
        "scratch"
    )
    keep_head: Annotated[
        bool, Meaning("go on with the head and tie parameter of a base that is a reward model (warm start)")
    ] = False
    incumbent: Annotated[
        str | None, Meaning("a reward model folder to be compared with on the same held-out prompts")
    ] = None
    lora: settings.Lora = None
    ties: Annotated[
        Ties, Meaning("what a shared tier says of two scores", source="Davidson 1970 (docs/algorithms.md)")
    ] = "davidson"
    margin: Annotated[
        float,
        Meaning(
            "how much further apart two scores are to be, a unit of preference strength; 0 is off",
            unit="reward units",
            source="Llama 2, 2307.09288 eq. 2",
            least=0,
        ),
    ] = 0.0
    label_smoothing: Annotated[
        float, Meaning("share of judgements taken to be wrong; 0 is off", least=0, below=0.5)
    ] = 0.0
    centering: Annotated[
        float,
        Meaning("weight of (r1 + r2)^2; 0 is off", source="Eisenstein et al. 2312.09244 use 0.01", least=0),
    ] = 0.0
    annotator_weights: Annotated[
        tuple[AnnotatorWeight, ...],
        Meaning("how much an annotator's rankings count; everybody else's count 1, and 0 leaves them out"),
    ] = ()
    epochs: Annotated[
        int | None,
        Meaning(
            "passes over the rankings of the train split: more than one overfits a pretrained base",
            source="Stiennon et al. 2009.01325",
            none=_BY_BASE,
            filled_in=True,
            least=1,
        ),
    ] = None
    learning_rate: Annotated[
        float | None, Meaning("the highest, after warm-up", none=_BY_BASE, filled_in=True, least=0)
    ] = None
    tie_learning_rate: Annotated[
        float, Meaning("of the one tie parameter, which starts at the share of ties", least=0)
    ] = 0.01
    warmup: settings.Warmup = 0.03
    floor: settings.Floor = 0.1
    weight_decay: Annotated[
        float | None, Meaning("of matrices only", none=_BY_BASE, filled_in=True, least=0)
    ] = None
    batch_rankings: Annotated[
        int | None,
        Meaning(
            "learnt from in one optimizer step",
            name="batch",
            unit="rankings",
            none=_BY_BASE,
            filled_in=True,
            least=1,
        ),
    ] = None
    micro_batch_tokens: settings.MicroBatchTokens = 4096
    max_grad_norm: settings.MaxGradNorm = 1.0
    seeds: Annotated[
        int,
        Meaning(
            "from seed, seed + 1, ...; the best on validation is kept",
            name="fits",
            source="Stiennon et al. 2009.01325: 3 to 10",
            least=1,
        ),
    ] = 1
    max_prompt_tokens: settings.PromptTokens = 1024
    max_completion_tokens: Annotated[
        int,
        Meaning(
            "longer completions lose their end; EOS included",
            name="longest completion",
            unit="tokens",
            least=2,  # a token and EOS
        ),
    ] = 1024
    validation_rankings: Annotated[
        int, Meaning("drawn by the seed and read after each epoch, at most", unit="rankings", least=0)
    ] = 1000
    reference_rankings: Annotated[
        int,
        Meaning(
            "from the train split, drawn by the seed, whose completions get mean 0 and deviation 1, at most",
            unit="rankings",
            least=1,
        ),
    ] = 2000
    resamples: settings.Resamples = 1000
    gradient_checkpointing: settings.GradientCheckpointing = False
    vocabulary: Annotated[
        int,
        Meaning(
            "of a byte-level BPE from scratch, at most",
            unit="tokens",
            least=259,  # 256 bytes and three specials
        ),
    ] = 4096
    hidden: settings.Hidden = 160
    layers: settings.Layers = 4
    heads: settings.Heads = 4
    context: Annotated[
        int,
        Meaning(
            "of a network from scratch: prompt and completion together, at most",
            unit="tokens",
            least=2,  # a token and EOS
        ),
    ] = 1024
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
BY_BASE = {
    "from scratch": SCRATCH,
    f"for a base below {SMALL // 10**6}M parameters": FULL_SMALL,
    "for a larger one": FULL,
    "with LoRA": LORA,
}


# A quick look is of no use as a version: it says whether a fit works at all.
PRESETS = {
    "quick": Preset(
        "quick look",
        "One pass over texts cut at 256 tokens and a coarse report: the least time in which it shows whether it works.",
        {
            "epochs": 1,
            "max_prompt_tokens": 256,
            "max_completion_tokens": 256,
            "validation_rankings": 200,
            "resamples": 200,
        },
    ),
    "careful": Preset(
        "careful",
        "Fits from five seeds, of which the best on validation is kept, and finer intervals: five times the time.",
        {"seeds": 5, "validation_rankings": 5000, "resamples": 10_000},
    ),
    "lora": Preset(
        "LoRA on a GPU",
        "An adapter beside a trained base, which scratch is not: little memory, at the price of a third more time, for "
        "activations are computed twice.",
        {"lora": {"rank": 16, "alpha": 32.0}, "gradient_checkpointing": True, "device": "cuda"},
    ),
}


@dataclass(frozen=True)
class EvaluateConfig:
    """The held-out report of a reward model on a snapshot."""

    reward_model: RewardModel = "inputs/reward_model"
    micro_batch_tokens: settings.MicroBatchTokens = 4096
    resamples: settings.Resamples = 1000
    threads: settings.Threads = 2
    device: settings.Device = "auto"

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True)
class ContestConfig:
    """Several reward models on one snapshot's held-out rankings."""

    reward_models: Annotated[
        tuple[str, ...], Meaning("reward model folders; the others are compared with the first")
    ] = ()
    worst: Annotated[int, Meaning("to read, that they rank worst", unit="pairs", least=0)] = 12
    micro_batch_tokens: settings.MicroBatchTokens = 4096
    resamples: settings.Resamples = 1000
    threads: settings.Threads = 2
    device: settings.Device = "auto"

    def __post_init__(self) -> None:
        check_ranges(self)
        if not self.reward_models:
            raise ValueError("reward_models must name at least one reward model")


@dataclass(frozen=True)
class ScoreConfig:
    """Scores of prompts with completions."""

    reward_model: RewardModel = "inputs/reward_model"
    micro_batch_tokens: settings.MicroBatchTokens = 4096
    threads: settings.Threads = 2
    device: settings.Device = "auto"

    def __post_init__(self) -> None:
        check_ranges(self)
