"""Score prompts with completions by a project's active reward model: JSONL in, JSONL with scores out."""

import json
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.errors import AnnotationError
from annotation.files.export import find_project
from annotation.files.intake import read_scorable
from rewardmodel.activation import require_active
from rewardmodel.errors import RewardModelError
from rewardmodel.scoring import score_lines
from runs.commands import ConcordCommand


class Command(ConcordCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help='lines of {"prompt", "completion"}; - is stdin')
        parser.add_argument("--project", required=True, metavar="SLUG")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            version = require_active(find_project(options["project"]))
            lines = list(read_scorable(options["file"]))
            for line, score in zip(lines, score_lines(version=version, lines=lines), strict=True):
                cuts = {
                    "truncated": score.truncated,
                    "prompt_cut": score.prompt_cut,
                    "completion_cut": score.completion_cut,
                }
                line_with_score = {
                    **line,
                    "score": score.value,
                    **{name: True for name, cut in cuts.items() if cut},
                }
                sys.stdout.write(json.dumps(line_with_score, ensure_ascii=False) + "\n")
        except (AnnotationError, RewardModelError) as error:
            raise CommandError(str(error)) from error
