"""The frozen configs of the policy's runs. No torch here: the web process reads these."""

from dataclasses import dataclass
from typing import Any

from lm.lora import LoraSettings
from lm.rendering import DATE, check_date
from runs.folder.config import resolve
from runs.folder.errors import BadInput


@dataclass(frozen=True)
class SamplingSettings:
    """How completions are drawn. PPO uses the temperature alone, so that its log-probabilities agree."""

    max_new_tokens: int = 64  # tokens, EOS included; two short sentences
    temperature: float = 1.0  # divides the logits; 0 is greedy. 1 is the policy itself
    top_k: int = 0  # keep the k likeliest tokens; 0 keeps all
    top_p: float = (
        1.0  # keep the likeliest tokens that hold this mass (Holtzman et al. 1904.09751); 1 keeps all
    )
    samples: int = 1  # completions a prompt

    def __post_init__(self) -> None:
        right = self.max_new_tokens > 0 and self.samples > 0 and self.temperature >= 0
        if not right or self.top_k < 0 or not 0 < self.top_p <= 1:
            raise BadInput(
                f"{self}: max_new_tokens and samples are at least 1, temperature and top_k at least 0, "
                "and top_p is above 0 and at most 1"
            )


@dataclass(frozen=True)
class SftConfig:
    """Supervised fine-tuning on demonstrations. None means: chosen by what the base is (see ``resolved``)."""

    base: str = "scratch"  # "scratch", a folder or a hub name
    lora: LoraSettings | None = None  # None trains all weights
    epochs: int | None = None  # passes over the train split
    learning_rate: float | None = None  # the highest, after warm-up
    warmup: float = 0.05  # share of the steps with a rising rate
    floor: float = 0.1  # the last rate as a share of the highest
    weight_decay: float | None = None  # of matrices only
    batch_tokens: int | None = None  # tokens a step, padding counted
    micro_batch_tokens: int = 8192  # tokens a forward pass: the memory; changes no result beyond rounding
    max_grad_norm: float = 1.0  # gradient clipping, as in GPT-3 (2005.14165)
    max_prompt_tokens: int = 512  # longer prompts lose their beginning
    max_completion_tokens: int = 512  # longer completions lose their end and their EOS
    held_out_rows: int = 1000  # validation demonstrations, drawn by the seed, read after each epoch, at most
    gradient_checkpointing: bool = False  # a third slower, activations of one layer at a time
    vocabulary: int = 1024  # from scratch: tokens of the byte-level BPE
    hidden: int = 160  # from scratch: width
    layers: int = 4  # from scratch
    heads: int = 4  # from scratch
    context: int = 512  # from scratch: most tokens of prompt and completion together
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
            self, 1, "micro_batch_tokens", "max_prompt_tokens", "max_completion_tokens", "threads", "epochs"
        )
        _at_least(self, 1, "processes", "batch_tokens", "vocabulary", "hidden", "layers", "heads", "context")
        _at_least(self, 1, "checkpoints")
        _at_least(self, 0, "held_out_rows", "learning_rate", "weight_decay", "warmup", "floor")
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


@dataclass(frozen=True)
class SampleConfig:
    """Distinct completions of each prompt, to be ranked."""

    base: str  # a policy folder or a hub name
    completions: int = 4  # distinct texts a prompt; InstructGPT ranked 4 to 9 (2203.02155)
    tries: int = 4  # rounds of sampling for prompts whose texts are not distinct yet
    max_new_tokens: int = 128  # EOS included
    temperature: float = 1.0
    top_k: int = 0  # 0 keeps all
    top_p: float = 1.0  # 1 keeps all
    max_prompt_tokens: int = 512  # longer prompts lose their beginning
    batch_prompts: int = 16  # prompts sampled together
    date: str = DATE  # the day that the base's chat template states, where it states one; YYYY-MM-DD
    seed: int = 0
    threads: int = 2
    device: str = "auto"

    def __post_init__(self) -> None:
        check_date(self.date)
        _at_least(self, 1, "completions", "tries", "max_prompt_tokens", "batch_prompts", "threads")
        self.settings(self.completions)

    @property
    def limits(self) -> dict[str, int]:
        """How long a prompt and its answer may be, as ``encode_with_room`` takes it."""
        return {"max_prompt_tokens": self.max_prompt_tokens, "max_new_tokens": self.max_new_tokens}

    def settings(self, samples: int) -> SamplingSettings:
        """How ``samples`` completions of a prompt are drawn."""
        return SamplingSettings(self.max_new_tokens, self.temperature, self.top_k, self.top_p, samples)


@dataclass(frozen=True)
class CheckConfig:
    """A base that is loaded and tried."""

    base: str  # a policy folder or a hub name
    date: str = DATE  # the day that the base's chat template states, where it states one; YYYY-MM-DD
    threads: int = 2
    device: str = "auto"

    def __post_init__(self) -> None:
        check_date(self.date)
        _at_least(self, 1, "threads")


@dataclass(frozen=True)
class EvaluateConfig:
    """Several policies on the same prompts; the first is the reference of the KL."""

    policies: tuple[str, ...]  # policy folders or hub names
    reward_model: str | None = None  # a reward model folder
    completions: int = 2  # samples a prompt
    max_new_tokens: int = 128  # EOS included
    temperature: float = 1.0  # the KL is of the policies at this temperature
    max_prompt_tokens: int = 512  # longer prompts lose their beginning
    batch_prompts: int = 16  # prompts sampled together
    resamples: int = 1000  # of prompts, for the bootstrap intervals (Efron and Tibshirani 1993)
    date: str = DATE  # the day that the base's chat template states, where it states one; YYYY-MM-DD
    seed: int = 0
    threads: int = 2
    device: str = "auto"

    def __post_init__(self) -> None:
        check_date(self.date)
        _at_least(self, 1, "completions", "max_prompt_tokens", "batch_prompts", "resamples", "threads")
        if not self.policies:
            raise BadInput("policies must name at least one policy")
        if self.temperature == 0:
            raise BadInput("temperature 0 has no KL: take a temperature above 0")
        self.settings()

    @property
    def limits(self) -> dict[str, int]:
        """How long a prompt and its answer may be, as ``encode_with_room`` takes it."""
        return {"max_prompt_tokens": self.max_prompt_tokens, "max_new_tokens": self.max_new_tokens}

    def settings(self) -> SamplingSettings:
        """How the completions of a prompt are drawn: by the temperature alone, so that the KL is the policy's."""
        return SamplingSettings(self.max_new_tokens, self.temperature, samples=self.completions)


def _at_least(config: Any, least: int, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        if value is not None and value < least:
            raise BadInput(f"{name} is {value}: it must be at least {least}")
