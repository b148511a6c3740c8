"""The rows of stage 1, in the order of the data's path (docs/glossary.md).

A foreign key has no index of its own (``db_index=False``) where a wider one begins with it.

project.py    Project, GuidelineVersion, Membership, Annotator, StandingChange, Invitation
words.py      the words of texts, to search for
prompt.py     Source, Prompt, Completion
task.py       Task, TaskCompletion, Slot, Bookmark, Assignment
judgement.py  Ranking, Comparison, Rating, Demonstration
snapshot.py   Snapshot
transfer.py   Transfer, DatasetExport: imports and exports as runs
quality.py    Tally, TaskTally, StaleTask: what quality statistics are read from
flag.py       Flag
withdrawal.py Withdrawal
access.py     Session, ApiToken, RequestRate, KeptAnswer: what browsers and programs come in with
webhook.py    Webhook, Delivery: who is told what happens
lookups.py    __among: in a list that is sent as one array
"""

from annotation.models import lookups
from annotation.models.access import ApiToken, KeptAnswer, RequestRate, Session
from annotation.models.flag import Flag
from annotation.models.judgement import Comparison, Demonstration, Ranking, Rating
from annotation.models.project import (
    Annotator,
    GuidelineVersion,
    Invitation,
    Membership,
    Project,
    StandingChange,
)
from annotation.models.prompt import Completion, Prompt, Source
from annotation.models.quality import StaleTask, Tally, TaskTally
from annotation.models.snapshot import Snapshot
from annotation.models.task import Assignment, Bookmark, Slot, Task, TaskCompletion
from annotation.models.transfer import DatasetExport, Transfer
from annotation.models.webhook import Delivery, Webhook
from annotation.models.withdrawal import Withdrawal

__all__ = [
    "Annotator",
    "ApiToken",
    "Assignment",
    "Bookmark",
    "Comparison",
    "Completion",
    "DatasetExport",
    "Delivery",
    "Demonstration",
    "Flag",
    "GuidelineVersion",
    "Invitation",
    "KeptAnswer",
    "Membership",
    "Project",
    "Prompt",
    "Ranking",
    "Rating",
    "RequestRate",
    "Session",
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
    "Webhook",
    "Withdrawal",
    "lookups",
]
