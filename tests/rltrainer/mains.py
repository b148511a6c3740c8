"""Commands one after the other, each by its own ``main``, so that torch is loaded once for all of them:

python -m tests.rltrainer.mains MODULE SUBCOMMAND DIR [MODULE SUBCOMMAND DIR ...]
"""

import importlib
import sys

from runs.folder.child import DONE, leave, run_command


def main(words: list[str]) -> int:
    """The exit code of the first that is not done, else DONE."""
    for place in range(0, len(words), 3):
        module, *arguments = words[place : place + 3]
        code = run_command(module, importlib.import_module(f"{module}.__main__").COMMANDS, arguments)
        if code != DONE:
            return code
    return DONE


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
