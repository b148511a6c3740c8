"""JSONL out: every row of a kind in the order in which it was made, streamed, with where it comes from.

Export, import into an empty database, and export again give the same bytes: whatever an import cannot know
by itself stands under the reserved key ``concord`` and is read back from there. Rewards of completions stand there too
and are not read back: they are a reward model's, which another database has not.

files.py        a kind -> lines; find_project
scope.py        of which project, split and form of prompt
described.py    tasks with their prompt and completions, many at once
rewards.py      what reward models gave completions, from whoever offers it
answers.py      completions one by one, as a list under Data sends them: no import takes them
prompts.py tasks.py demonstrations.py rankings.py pairs.py ratings.py remarks.py    the rows of a kind as objects
                (pairs.py as lines: of them there are most)

What trains stands in kinds of its own: rankings of gold tasks, repeats and adjudications are never in "rankings" or
"pairs", so a file that a trainer loads does not change when a project checks its annotators.
"""

from annotation.files.export.files import (
    FORMS,
    ExportReport,
    check,
    count,
    find_project,
    lines,
    require_named,
    streamed,
    write,
)

__all__ = [
    "FORMS",
    "ExportReport",
    "check",
    "count",
    "find_project",
    "lines",
    "require_named",
    "streamed",
    "write",
]
