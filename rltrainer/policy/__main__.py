"""python -m rltrainer.policy sft|sample|evaluate|check|export DIR: one run, from its folder."""

from runs.folder.child import leave, run_command

COMMANDS = {
    "sft": "rltrainer.policy.sft:main",
    "sample": "rltrainer.policy.sample:main",
    "evaluate": "rltrainer.policy.evaluate:main",
    "check": "rltrainer.policy.check:main",
    "export": "rltrainer.policy.handing_over:main",
}

if __name__ == "__main__":
    leave(run_command("rltrainer.policy", COMMANDS))
