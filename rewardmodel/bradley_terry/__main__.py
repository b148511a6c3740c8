"""python -m rewardmodel.bradley_terry fit|evaluate|contest|score|export DIR: one run, from its folder."""

import argparse
from pathlib import Path

from rewardmodel.bradley_terry import commands, handing_over
from runs.folder.child import leave, run_child

COMMANDS = {
    "fit": commands.fit,
    "evaluate": commands.evaluate,
    "contest": commands.contest,
    "score": commands.score,
    "export": handing_over.main,
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command on the folder; 0 done, 1 failed (failure.json says why), 3 stopped with a checkpoint."""
    parser = argparse.ArgumentParser(prog="python -m rewardmodel.bradley_terry")
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("folder", type=Path, metavar="DIR")
    options = parser.parse_args(arguments)
    return run_child(options.folder, COMMANDS[options.command])


if __name__ == "__main__":
    leave(main())
