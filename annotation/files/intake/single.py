"""One prompt or one task from a program: a file of one line, and the row that it names."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.conf import settings

from annotation.errors import BadFile, BadLine
from annotation.files.intake.files import import_values
from annotation.files.jsonl.errors import BadField
from annotation.files.jsonl.fields import Limits
from annotation.files.jsonl.kinds import parse
from annotation.files.jsonl.records import PromptLine, TaskLine
from annotation.models import Project, Prompt, Task
from runs.writing import write


class Added(NamedTuple):
    """The row, and whether it was there before."""

    row: Any
    is_new: bool


@write
def add_prompt(*, project: Project, line: Mapping[str, Any]) -> Added:
    """The prompt of a line of kind "prompts", made where it is new. Raises BadFile, which names the field."""
    parsed = _parsed("prompts", line)
    assert isinstance(parsed, PromptLine)
    report = import_values(project=project, kind="prompts", values=[line])
    return Added(Prompt.objects.get(project=project, digest=parsed.prompt.digest), report.added > 0)


@write
def add_task(*, project: Project, line: Mapping[str, Any]) -> Added:
    """The task of a line of kind "completions", made where it is new. Raises BadFile, which names the field."""
    parsed = _parsed("completions", line)
    assert isinstance(parsed, TaskLine)
    report = import_values(project=project, kind="completions", values=[line])
    return Added(Task.objects.get(project=project, key=parsed.key), report.added > 0)


def _parsed(kind: str, line: Mapping[str, Any]) -> Any:
    limits = Limits(text_bytes=settings.MAX_TEXT_BYTES, line_bytes=settings.MAX_LINE_BYTES)
    try:
        return parse(kind, json.dumps(line).encode(), limits)
    except BadField as error:
        raise BadFile([BadLine(1, error.field, error.reason)]) from error
