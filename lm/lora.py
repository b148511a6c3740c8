"""The sizes of a LoRA adapter. No torch here: the web process reads configs."""

from dataclasses import dataclass

from runs.folder.errors import BadInput


@dataclass(frozen=True)
class LoraSettings:
    """Sizes of a LoRA adapter (Hu et al. 2106.09685), on every linear layer but a language model's head."""

    rank: int = 16  # columns of A; Schulman et al., "LoRA Without Regret" (2025): little is gained above
    alpha: float = 32.0  # the update is scaled by alpha / rank; twice the rank as in Hu et al.

    def __post_init__(self) -> None:
        if self.rank < 1 or self.alpha <= 0:
            raise BadInput(f"lora.rank {self.rank} must be at least 1 and lora.alpha {self.alpha} above 0")
