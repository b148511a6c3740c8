"""The frozen configs of the policy's runs. No torch here: the web process reads these."""

from dataclasses import dataclass
from typing import Annotated, Any

from lm import settings
from lm.rendering import DATE, check_date
from runs.folder.config import Meaning, Preset, check_ranges, resolve
from runs.folder.errors import BadInput

Base = Annotated[str, Meaning("a policy folder or a hub name")]
NewTokens = Annotated[
    int,
    Meaning("a longer one is cut here; EOS included", name="longest answer", unit="tokens", least=1),
]
Temperature = Annotated[
    float, Meaning("divides the logits: 1 is the policy itself, 0 always the likeliest token", least=0)
]
TopK = Annotated[int, Meaning("draw from this many likeliest tokens; 0 keeps all", name="top k", least=0)]
TopP = Annotated[
    float,
    Meaning(
        "draw from the likeliest tokens that hold this mass; 1 keeps all",
        name="top p",
        source="Holtzman et al. 1904.09751",
        above=0,
        most=1,
    ),
]
Samples = Annotated[int, Meaning("sampled for each prompt", name="completions", least=1)]
_BY_BASE = "by the base"


@dataclass(frozen=True)
class SamplingSettings:
    """How completions are drawn. PPO uses the temperature alone, so that its log-probabilities agree."""

    max_new_tokens: NewTokens = 64
    temperature: Temperature = 1.0
    top_k: TopK = 0
    top_p: TopP = 1.0
    samples: Samples = 1

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True)
class SftConfig:
    """Supervised fine-tuning on demonstrations. None means: chosen by what the base is (see ``resolved``)."""

    base: Annotated[str, Meaning('"scratch", a folder or a hub name')] = "scratch"
    lora: settings.Lora = None
    epochs: Annotated[
        int | None,
        Meaning(
            "passes over the demonstrations of the train split; the weights of the best stay",
            none=_BY_BASE,
            filled_in=True,
            least=1,
        ),
    ] = None
    learning_rate: Annotated[
        float | None, Meaning("the highest, after warm-up", none=_BY_BASE, filled_in=True, least=0)
    ] = None
    warmup: settings.Warmup = 0.05
    floor: settings.Floor = 0.1
    weight_decay: Annotated[
        float | None, Meaning("of matrices only", none=_BY_BASE, filled_in=True, least=0)
    ] = None
    batch_tokens: Annotated[
        int | None,
        Meaning(
            "learnt from in one optimizer step, padding counted",
            name="batch",
            unit="tokens",
            none=_BY_BASE,
            filled_in=True,
            least=1,
        ),
    ] = None
    micro_batch_tokens: settings.MicroBatchTokens = 8192
    max_grad_norm: settings.MaxGradNorm = 1.0
    max_prompt_tokens: settings.PromptTokens = 512
    max_completion_tokens: Annotated[
        int,
        Meaning(
            "longer completions lose their end and their EOS",
            name="longest completion",
            unit="tokens",
            least=1,
        ),
    ] = 512
    held_out_rows: Annotated[
        int,
        Meaning(
            "from the validation split, drawn by the seed and read after each epoch, at most",
            name="held out",
            unit="demonstrations",
            least=0,
        ),
    ] = 1000
    gradient_checkpointing: settings.GradientCheckpointing = False
    vocabulary: Annotated[int, Meaning("of a byte-level BPE from scratch", unit="tokens", least=1)] = 1024
    hidden: settings.Hidden = 160
    layers: settings.Layers = 4
    heads: settings.Heads = 4
    context: Annotated[
        int,
        Meaning("of a network from scratch: prompt and completion together, at most", unit="tokens", least=1),
    ] = 512
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
        if self.from_scratch and self.lora is not None:
            raise BadInput('LoRA learns beside a trained base: with base "scratch" leave lora out')

    @property
    def from_scratch(self) -> bool:
        return self.base == "scratch"

    def resolved(self, parameters: int) -> "ResolvedSft":
        """What is left open takes the default of its kind of base; ``parameters`` is its size."""
        defaults = SCRATCH if self.from_scratch else FULL if self.lora is None else LORA
        if defaults is FULL and parameters < SMALL:
            defaults = FULL_SMALL
        return resolve(self, ResolvedSft, defaults)


@dataclass(frozen=True, kw_only=True)
class ResolvedSft(SftConfig):
    """An SftConfig in which nothing is left open."""

    epochs: int
    learning_rate: float
    weight_decay: float
    batch_tokens: int


# From scratch: tried on 5,600 crowd-written restaurant descriptions, two cores.
SCRATCH: dict[str, Any] = {"epochs": 6, "learning_rate": 3e-3, "weight_decay": 0.1, "batch_tokens": 2048}
# Pretrained: Stiennon et al. (2009.01325) and Tulu 2 (2311.10702) lie about here.
FULL: dict[str, Any] = {"epochs": 2, "learning_rate": 2e-5, "weight_decay": 0.0, "batch_tokens": 16384}
# A base of a few million parameters, such as one made from scratch, wants larger steps than a large one.
FULL_SMALL: dict[str, Any] = {"epochs": 2, "learning_rate": 5e-4, "weight_decay": 0.0, "batch_tokens": 4096}
SMALL = 20_000_000
# LoRA wants about ten times the rate of full weights: Schulman et al., "LoRA Without Regret" (2025).
LORA: dict[str, Any] = {"epochs": 2, "learning_rate": 2e-4, "weight_decay": 0.0, "batch_tokens": 16384}
SFT_BY_BASE = {
    "from scratch": SCRATCH,
    f"for a base below {SMALL // 10**6}M parameters": FULL_SMALL,
    "for a larger one": FULL,
    "with LoRA": LORA,
}

SFT_PRESETS = {
    "quick": Preset(
        "quick look",
        "One pass over texts cut at 256 tokens: the least time in which it shows whether it works.",
        {"epochs": 1, "max_prompt_tokens": 256, "max_completion_tokens": 256, "held_out_rows": 200},
    ),
    "careful": Preset(
        "careful",
        "Eight passes, of which the best on held-out demonstrations stays: four times the time where a trained base is "
        "started from, a third more from scratch.",
        {"epochs": 8, "held_out_rows": 5000},
    ),
    "lora": Preset(
        "LoRA on a GPU",
        "An adapter beside a trained base, which scratch is not: little memory, at the price of a third more time, for "
        "activations are computed twice.",
        {"lora": {"rank": 16, "alpha": 32.0}, "gradient_checkpointing": True, "device": "cuda"},
    ),
}


@dataclass(frozen=True)
class SampleConfig:
    """Distinct completions of each prompt, to be ranked."""

    base: Base
    completions: Annotated[
        int,
        Meaning(
            "distinct texts for each prompt",
            source="InstructGPT, 2203.02155, ranked 4 to 9",
            least=1,
        ),
    ] = 4
    tries: Annotated[
        int,
        Meaning("of sampling, for prompts whose texts are not distinct yet", unit="rounds", least=1),
    ] = 4
    max_new_tokens: NewTokens = 128
    temperature: Temperature = 1.0
    top_k: TopK = 0
    top_p: TopP = 1.0
    max_prompt_tokens: settings.PromptTokens = 512
    batch_prompts: settings.BatchPrompts = 16
    date: settings.Date = DATE
    seed: settings.Seed = 0
    threads: settings.Threads = 2
    device: settings.Device = "auto"

    def __post_init__(self) -> None:
        check_date(self.date)
        check_ranges(self)

    @property
    def limits(self) -> dict[str, int]:
        """How long a prompt and its answer may be, as ``encode_with_room`` takes it."""
        return {"max_prompt_tokens": self.max_prompt_tokens, "max_new_tokens": self.max_new_tokens}

    def settings(self, samples: int) -> SamplingSettings:
        """How ``samples`` completions of a prompt are drawn."""
        return SamplingSettings(self.max_new_tokens, self.temperature, self.top_k, self.top_p, samples)


SAMPLE_PRESETS = {
    "quick": Preset(
        "quick look",
        "Answers of 32 tokens at most and one round: the least time, and fewer answers where they come out alike.",
        {"max_new_tokens": 32, "tries": 1},
    ),
    "careful": Preset(
        "careful",
        "Answers of up to 512 tokens, and up to ten rounds until a prompt's are distinct: as much more time as the "
        "answers get longer and more rounds are needed.",
        {"max_new_tokens": 512, "tries": 10},
    ),
    "gpu": Preset(
        "on a GPU",
        "128 prompts at a time: the fastest where the memory is enough.",
        {"batch_prompts": 128, "device": "cuda"},
    ),
}


@dataclass(frozen=True)
class CheckConfig:
    """A base that is loaded and tried."""

    base: Base
    date: settings.Date = DATE
    threads: settings.Threads = 2
    device: settings.Device = "auto"

    def __post_init__(self) -> None:
        check_date(self.date)
        check_ranges(self)


@dataclass(frozen=True)
class EvaluateConfig:
    """Several policies on the same prompts; the first is the reference of the KL."""

    policies: Annotated[tuple[str, ...], Meaning("policy folders or hub names")]
    reward_model: Annotated[str | None, Meaning("a reward model folder", none="none judges")] = None
    completions: Samples = 2
    max_new_tokens: NewTokens = 128
    temperature: Annotated[
        float, Meaning("divides the logits; the KL is of the policies at this temperature", above=0)
    ] = 1.0
    max_prompt_tokens: settings.PromptTokens = 512
    batch_prompts: settings.BatchPrompts = 16
    resamples: settings.Resamples = 1000
    date: settings.Date = DATE
    seed: settings.Seed = 0
    threads: settings.Threads = 2
    device: settings.Device = "auto"

    def __post_init__(self) -> None:
        check_date(self.date)
        check_ranges(self)
        if not self.policies:
            raise BadInput("policies must name at least one policy")

    @property
    def limits(self) -> dict[str, int]:
        """How long a prompt and its answer may be, as ``encode_with_room`` takes it."""
        return {"max_prompt_tokens": self.max_prompt_tokens, "max_new_tokens": self.max_new_tokens}

    def settings(self) -> SamplingSettings:
        """How the completions of a prompt are drawn: by the temperature alone, so that the KL is the policy's."""
        return SamplingSettings(self.max_new_tokens, self.temperature, samples=self.completions)


EVALUATE_PRESETS = {
    "quick": Preset(
        "quick look",
        "One answer of 32 tokens at most to a prompt, and coarse intervals: half the time or less.",
        {"completions": 1, "max_new_tokens": 32, "resamples": 200},
    ),
    "careful": Preset(
        "careful",
        "Eight answers to a prompt and finer intervals: four times the time.",
        {"completions": 8, "resamples": 10_000},
    ),
    "gpu": Preset(
        "on a GPU",
        "128 prompts at a time: the fastest where the memory is enough.",
        {"batch_prompts": 128, "device": "cuda"},
    ),
}
