"""The published write path of stage 1: prompts, completions, tasks with slots, and files of judgements.

What others call:
    import_file, import_values    lines of a JSONL kind, all or nothing; import_lines: those made of other files
    read_scorable, scorable_values   prompts with completions to be scored
    source_for                    who wrote a text
    add_sampled_completions       what a policy answered, as tasks to be ranked
    add_demonstration             what a person wrote
    create_tasks                  completions to be rated, prompts to be answered
    set_priorities                what is to be ranked next
    configure_project             name, guidelines and numbers of a project, that one too
    change_overlap                how many annotators judge a task, of tasks that are there too
    add_prompt, add_task          one of them, found or made

In the order of an import:
    files.py           a stream of lines -> batches -> rows, in one transaction
    desk.py            one import in progress: its project, counts, bad lines and what it has looked up
    finding.py         what there is of the prompts that a batch names, whatever Postgres has counted
    prompts.py         split, and prompts found or made
    names.py           sources and annotators found or made
    completions.py     completions found or made
    flagging.py        those that name their model are flagged
    tasks.py           tasks found or made, with their slots
    again.py           tasks that ask another again: repeats and adjudications
    gold.py            gold tasks
    rankings.py        rankings and comparisons; ratings.py and demonstrations.py: the other judgements
    judgements.py      what these three share
    flags.py skips.py  what else annotators said of tasks
    slots.py           who has judged a task holds one of its slots
    overlap.py         how many hold one, changed later
    sampled.py         a policy's answers
    asked.py           tasks to rate and to demonstrate
    single.py          one prompt or task from a program
    copying.py         many rows at once, by COPY
"""

from annotation.files.intake.asked import create_tasks
from annotation.files.intake.demonstrations import add_demonstration
from annotation.files.intake.desk import Report
from annotation.files.intake.files import (
    import_file,
    import_lines,
    import_values,
    limits,
    open_input,
    read_scorable,
    scorable_values,
)
from annotation.files.intake.names import source_for
from annotation.files.intake.overlap import change_overlap, configure_project
from annotation.files.intake.sampled import SampledPrompt, add_sampled_completions
from annotation.files.intake.single import add_prompt, add_task
from annotation.files.intake.tasks import set_priorities

__all__ = [
    "Report",
    "SampledPrompt",
    "add_demonstration",
    "add_prompt",
    "add_sampled_completions",
    "add_task",
    "change_overlap",
    "configure_project",
    "create_tasks",
    "import_file",
    "import_lines",
    "import_values",
    "limits",
    "open_input",
    "read_scorable",
    "scorable_values",
    "set_priorities",
    "source_for",
]
