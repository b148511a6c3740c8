"""python -m rltrainer.ppo train DIR: one run, from its folder."""

from runs.folder.child import leave, run_command

COMMANDS = {"train": "rltrainer.ppo.train:main"}

if __name__ == "__main__":
    leave(run_command("rltrainer.ppo", COMMANDS))
