"""What every trainer of TRL's is told here: one step on a processor, of which nothing is kept or reported."""

from typing import Any

ONE_STEP: dict[str, Any] = {
    "max_steps": 1,
    "report_to": [],
    "use_cpu": True,
    "bf16": False,
    "activation_checkpointing": False,
    "disable_tqdm": True,
    "save_strategy": "no",
    "learning_rate": 0.01,
}
