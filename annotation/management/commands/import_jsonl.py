"""Import prompts, completions or judgements: all lines, or none."""

from typing import Any

from django.core.management.base import CommandParser

from annotation.commands import AnnotationCommand
from annotation.files.child import Watch, import_path, in_run
from annotation.files.export import find_project
from annotation.models import Transfer


class Command(AnnotationCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="JSONL, gzip or not; - is stdin")
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--kind", required=True, choices=Transfer.Kind.values)
        parser.add_argument("--skip-bad", action="store_true", help="name bad lines and import the rest")
        parser.add_argument("--run-folder", metavar="DIR", help="set by a worker")

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        def work(watch: Watch = lambda done, total: None) -> dict[str, Any]:
            return import_path(
                project=find_project(options["project"]),
                kind=options["kind"],
                path=options["file"],
                skip_bad=options["skip_bad"],
                watch=watch,
            )

        if options["run_folder"]:
            raise SystemExit(in_run(options["run_folder"], "bytes of the file", work))
        answer = work()
        for bad in answer["bad_lines"]:
            self.stderr.write(f"line {bad['number']}, {bad['field'] or 'all of it'}: {bad['reason']}")
        for note in answer.get("notes", ()):
            self.stderr.write(note)
        return answer
