"""The rows of stage 1, in the order of the data's path (docs/glossary.md).

project.py    Project, Membership, Annotator, StandingChange, Invitation
prompt.py     Source, Prompt, Completion
task.py       Task, TaskCompletion, Slot, Assignment
judgement.py  Ranking, Comparison, Rating, Demonstration
snapshot.py   Snapshot
transfer.py   Transfer: an import or export as a run
quality.py    Tally, TaskTally, StaleTask: what quality statistics are read from
flag.py       Flag
withdrawal.py Withdrawal
"""

from annotation.models.flag import Flag
from annotation.models.judgement import Comparison, Demonstration, Ranking, Rating
from annotation.models.project import Annotator, Invitation, Membership, Project, StandingChange
from annotation.models.prompt import Completion, Prompt, Source
from annotation.models.quality import StaleTask, Tally, TaskTally
from annotation.models.snapshot import Snapshot
from annotation.models.task import Assignment, Slot, Task, TaskCompletion
from annotation.models.transfer import Transfer
from annotation.models.withdrawal import Withdrawal

__all__ = [
    "Annotator",
    "Assignment",
    "Comparison",
    "Completion",
    "Demonstration",
    "Flag",
    "Invitation",
    "Membership",
    "Project",
    "Prompt",
    "Ranking",
    "Rating",
    "Slot",
    "Snapshot",
    "Source",
    "StaleTask",
    "StandingChange",
    "Tally",
    "Task",
    "TaskCompletion",
    "TaskTally",
    "Transfer",
    "Withdrawal",
]
