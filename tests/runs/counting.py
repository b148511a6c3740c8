"""A small kind of run with a real child: it adds numbers one a step, keeps checkpoints, and can be told to fail.

Its result depends on every step, so a step lost or done twice changes it.
"""

import hashlib
import sys
import time
from pathlib import Path

import torch

from lm.devices import device_of_run
from runs.folder.checkpoint import load_checkpoint, save_checkpoint
from runs.folder.child import run_child
from runs.folder.errors import BadInput, Stopped
from runs.folder.files import write_json
from runs.folder.folder import RunFolder
from runs.folder.metrics import Metrics
from runs.folder.progress import Progress
from runs.folder.stopping import StopSignal

WATCHED = "00000000-0000-4000-8000-000000000000"


def main(folder: RunFolder, stop: StopSignal) -> None:
    """Chain a digest over ``steps`` numbers, with a checkpoint every step."""
    config = folder.read_config()
    device_of_run(folder, "cpu")
    metrics, progress = Metrics(folder.metrics_file), Progress(folder.progress_file, every=0.0)
    step, digest = 0, ""
    checkpoint = load_checkpoint(folder.checkpoint)
    if checkpoint is not None:
        step, digest = checkpoint.step, checkpoint.state["digest"]
    watched = Metrics(folder.watched_file)
    for lines in (metrics, watched):
        lines.cut_after(step)
    while step < config["steps"]:
        if step == config.get("fail_at"):
            raise BadInput("the number is not to its liking; give it another")
        if step == config.get("fill_disk_at"):
            Path("/dev/full").write_text("x")
        step += 1
        digest = hashlib.sha256(f"{digest}{step}".encode()).hexdigest()
        metrics.append(step, value=float(step), nothing=float("nan"))
        watched.append(step, prompt_id=WATCHED, answer=f"{step}, I say", reward=step / 2)
        progress.report(step, config["steps"], "counting")
        save_checkpoint(
            folder.checkpoint, step=step, tensors={"x": torch.tensor([step])}, state={"digest": digest}
        )
        if stop and not config.get("deaf"):
            raise Stopped
        time.sleep(config["seconds"])
    write_json(folder.output / "result.json", {"digest": digest})


def expected(steps: int) -> str:
    """The digest of a run that was left alone."""
    digest = ""
    for step in range(1, steps + 1):
        digest = hashlib.sha256(f"{digest}{step}".encode()).hexdigest()
    return digest


if __name__ == "__main__":
    sys.exit(run_child(Path(sys.argv[1]), main))
