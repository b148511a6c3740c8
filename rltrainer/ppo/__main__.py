"""python -m rltrainer.ppo train DIR: one run, from its folder."""

import argparse
from pathlib import Path

from rltrainer.ppo import train
from runs.folder.child import leave, run_child

COMMANDS = {"train": train.main}


def main(arguments: list[str] | None = None) -> int:
    """Run the command on the folder; 0 done, 1 failed (failure.json says why), 3 stopped with a checkpoint."""
    parser = argparse.ArgumentParser(prog="python -m rltrainer.ppo")
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("folder", type=Path, metavar="DIR")
    options = parser.parse_args(arguments)
    return run_child(options.folder, COMMANDS[options.command])


if __name__ == "__main__":
    leave(main())
