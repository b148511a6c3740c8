"""python -m rltrainer.policy sft|sample|evaluate|check|export DIR: one run, from its folder."""

import argparse
from pathlib import Path

from rltrainer.policy import check, evaluate, handing_over, sample, sft
from runs.folder.child import leave, run_child

COMMANDS = {
    "sft": sft.main,
    "sample": sample.main,
    "evaluate": evaluate.main,
    "check": check.main,
    "export": handing_over.main,
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command on the folder; 0 done, 1 failed (failure.json says why), 3 stopped with a checkpoint."""
    parser = argparse.ArgumentParser(prog="python -m rltrainer.policy")
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("folder", type=Path, metavar="DIR")
    options = parser.parse_args(arguments)
    return run_child(options.folder, COMMANDS[options.command])


if __name__ == "__main__":
    leave(main())
