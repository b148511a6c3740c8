"""python -m rewardmodel.bradley_terry fit|evaluate|contest|score|export DIR: one run, from its folder."""

from runs.folder.child import leave, run_command

COMMANDS = {
    "fit": "rewardmodel.bradley_terry.commands:fit",
    "evaluate": "rewardmodel.bradley_terry.commands:evaluate",
    "contest": "rewardmodel.bradley_terry.commands:contest",
    "score": "rewardmodel.bradley_terry.commands:score",
    "export": "rewardmodel.bradley_terry.handing_over:main",
}

if __name__ == "__main__":
    leave(run_command("rewardmodel.bradley_terry", COMMANDS))
