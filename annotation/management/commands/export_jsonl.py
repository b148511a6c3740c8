"""Export a kind of rows as JSONL, with where each comes from."""

import sys
from typing import Any

from django.core.management.base import CommandParser

from annotation.commands import AnnotationCommand
from annotation.files.child import Watch, export_path, in_run
from annotation.files.export import FORMS, find_project, write
from annotation.models import Transfer
from annotation.models.prompt import Split


class Command(AnnotationCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--kind", required=True, choices=Transfer.Kind.values)
        parser.add_argument("--split", choices=Split.values)
        parser.add_argument("--form", choices=FORMS, help="of prompt; pairs have one form in a file")
        parser.add_argument("--output", metavar="FILE", help="stdout without")
        parser.add_argument("--run-folder", metavar="DIR", help="set by a worker")

    def perform(self, options: dict[str, Any]) -> dict[str, Any] | None:
        scope = {name: options[name] for name in ("kind", "split", "form")}

        def work(watch: Watch = lambda done, total: None) -> dict[str, Any]:
            project = find_project(options["project"])
            return export_path(project=project, path=options["output"], watch=watch, **scope)

        if options["run_folder"]:
            raise SystemExit(in_run(options["run_folder"], "lines", work))
        if options["output"]:
            answer = work()
            self._say(answer["lines"], answer["ties_left_out"], options["kind"])
            return answer
        if hasattr(sys.stdout, "reconfigure"):  # whatever the terminal speaks, JSONL is UTF-8
            sys.stdout.reconfigure(encoding="utf-8")
        report = write(project=find_project(options["project"]), out=self.stdout, **scope)
        self._say(report.lines, report.ties_left_out, options["kind"])
        return None

    def _say(self, lines: int, ties: int, kind: str) -> None:
        left_out = f"; {ties} ties left out" if kind == "pairs" else ""
        self.stderr.write(f"{lines} lines{left_out}")
