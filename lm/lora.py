"""The sizes of a LoRA adapter, and the file that keeps one. No torch here: the web process reads both."""

from dataclasses import dataclass
from typing import Annotated

from runs.folder.config import Meaning, check_ranges

# Beside the merged weights, where LoRA learnt them (lm.adapter).
ADAPTER = "adapter.safetensors"


@dataclass(frozen=True)
class LoraSettings:
    """Sizes of a LoRA adapter (Hu et al. 2106.09685), on every linear layer but a language model's head."""

    rank: Annotated[
        int,
        Meaning(
            "columns of A",
            source='Schulman et al., "LoRA Without Regret" (2025): little is gained above',
            least=1,
        ),
    ] = 16
    alpha: Annotated[
        float,
        Meaning(
            "the update is scaled by alpha / rank", source="Hu et al. 2106.09685: twice the rank", above=0
        ),
    ] = 32.0

    def __post_init__(self) -> None:
        check_ranges(self, "lora.")
