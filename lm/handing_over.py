"""What a version is told when it goes out in the shapes that others read. No torch here: commands write it."""

from dataclasses import dataclass

from lm.rendering import DATE


@dataclass(frozen=True)
class ExportConfig:
    """One version as a folder for transformers, or for peft with ``adapter``."""

    model: str  # the version's folder, or a policy's hub name
    output: str  # a folder: below the run's own, or anywhere by its whole path
    title: str  # the first line of its card
    adapter: bool = False  # only what LoRA learnt
    base: str = ""  # what the adapter stands beside: a hub name or a folder
    base_model: str = ""  # the hub name that it goes back to, if there is one
    license: str = "other"
    simulated: int = 0  # rankings by simulated annotators that it learnt from
    date: str = DATE  # the day that a chat template states, where it states one
    threads: int = 2

    def __post_init__(self) -> None:
        if self.adapter and not self.base:
            raise ValueError("an adapter stands beside a base: this version has none, so export it whole")
