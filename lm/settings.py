"""Fields that the configs of several trainings and samplings share. No torch here: the web process reads configs."""

from typing import Annotated, Literal

from lm.lora import LoraSettings
from runs.folder.config import Meaning

Lora = Annotated[
    LoraSettings | None,
    Meaning(
        "learn a small adapter beside the weights of a trained base",
        name="LoRA",
        source="Hu et al. 2106.09685",
        none="all weights learn",
    ),
]

MaxGradNorm = Annotated[
    float,
    Meaning(
        "gradients are scaled down to this norm",
        name="gradient clipping",
        source="GPT-3, 2005.14165",
        above=0,
    ),
]
GradientCheckpointing = Annotated[
    bool, Meaning("keep the activations of one layer at a time: less memory, a third slower")
]
Floor = Annotated[float, Meaning("the last rate, as a share of the highest", name="last rate", least=0)]
Warmup = Annotated[float, Meaning("share of the steps with a rising rate", name="warm-up", least=0)]
PromptTokens = Annotated[
    int,
    Meaning("longer prompts lose their beginning", name="longest prompt", unit="tokens", least=1),
]
MicroBatchTokens = Annotated[
    int,
    Meaning(
        "go through the network together, padding counted: the memory; changes no result beyond rounding",
        name="micro-batch",
        unit="tokens",
        least=1,
    ),
]
Resamples = Annotated[
    int,
    Meaning(
        "drawn from the prompts, for the bootstrap intervals",
        name="bootstrap resamples",
        source="Efron and Tibshirani 1993",
        least=1,
    ),
]
BatchPrompts = Annotated[int, Meaning("sampled together", name="prompts at a time", unit="prompts", least=1)]
Layers = Annotated[int, Meaning("of a network from scratch", least=1)]
Heads = Annotated[int, Meaning("of attention, of a network from scratch", least=1)]
Hidden = Annotated[
    int, Meaning("of a network from scratch: heads times an even number", name="hidden width", least=1)
]
Date = Annotated[
    str, Meaning("the day that the base's chat template states, where it states one: YYYY-MM-DD")
]
Seed = Annotated[int, Meaning("the same seed, inputs and settings give the same result on the CPU")]
Threads = Annotated[
    int,
    Meaning("of the CPU, a process; part of the result, because sums depend on it", least=1),
]
Processes = Annotated[
    int,
    Meaning("share each step, on one machine, one a GPU; changes no result beyond rounding", least=1),
]
Device = Annotated[str, Meaning("auto takes CUDA where there is one, else the CPU; or cpu, cuda, cuda:1")]
CheckpointSeconds = Annotated[
    float,
    Meaning(
        "between checkpoints that the run can go on from", name="checkpoint every", unit="seconds", least=0
    ),
]
Checkpoints = Annotated[
    int,
    Meaning("the newest, and those before it, stay on disk", name="checkpoints kept", least=1),
]
Tracker = Annotated[
    Literal["none", "tensorboard", "wandb", "mlflow"],
    Meaning(
        "hears of every step's figures too: its package has to be where the run is, its address in the environment"
    ),
]
