"""metrics.jsonl: one object a step, appended by the child, followed by the worker."""

import json
import math
from pathlib import Path
from typing import Any

from runs.folder.files import write_atomically


class Metrics:
    """Appends a step's figures as one line ``{"step": int, name: number, ...}``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, step: int, **figures: float | int | str | None) -> None:
        """Write one line. A figure that is not finite is written as null: JSON has no NaN."""
        clean = {name: _finite(value) for name, value in figures.items()}
        line = json.dumps({"step": step, **clean}, allow_nan=False)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def cut_after(self, step: int) -> None:
        """Drop the lines after ``step``, and a torn last line: what a resumed run will write again."""
        if not self.path.exists():
            return
        kept = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                figures = json.loads(line)
            except ValueError:  # torn by a kill in mid-write; everything before it is whole
                break
            if figures["step"] <= step:
                kept.append(line + "\n")
        write_atomically(self.path, "".join(kept).encode())


def read_metrics(path: Path, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """The whole lines of metrics.jsonl after byte ``offset``, and the offset that follows them."""
    if not path.exists():
        return [], 0
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read()
    whole = data[: data.rfind(b"\n") + 1]
    return [json.loads(line) for line in whole.splitlines()], offset + len(whole)


def _finite(value: float | int | str | None) -> float | int | str | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value
