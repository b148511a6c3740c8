"""Import prompts, completions or judgements: all lines, or none.

With --convert files of other tools and data sets too: Parquet, Arrow, CSV, JSON lists, exports of Label Studio and
Argilla. --look tells how a file is understood, and stores nothing.
"""

import argparse
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.commands import AnnotationCommand
from annotation.errors import BadRequest
from annotation.files.child import Watch, import_foreign, import_path, in_run, look
from annotation.files.export import find_project
from annotation.files.looking import columns_of
from annotation.models import Transfer


class Command(AnnotationCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", help="JSONL, gzip or not; - is stdin; with --convert other files, and folders of datasets"
        )
        parser.add_argument("--project", metavar="SLUG", help="needed but for --look")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--kind", choices=Transfer.Kind.values)
        what.add_argument("--convert", action="store_true", help="as the file itself says")
        what.add_argument(
            "--look", action="store_true", help="tell how --convert understands it; store nothing"
        )
        parser.add_argument(
            "--columns",
            type=_columns,
            default={},
            metavar="OURS=THEIRS,...",
            help="which column is which, where the file does not say: prompt, completion, left, right, winner",
        )
        parser.add_argument("--skip-bad", action="store_true", help="name bad lines and import the rest")
        parser.add_argument("--run-folder", metavar="DIR", help="set by a worker")

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        def work(watch: Watch = lambda done, total: None) -> dict[str, Any]:
            if options["kind"]:
                return import_path(
                    project=find_project(options["project"]),
                    kind=options["kind"],
                    path=options["file"],
                    skip_bad=options["skip_bad"],
                    watch=watch,
                )
            return import_foreign(
                project=find_project(options["project"]),
                path=options["file"],
                columns=options["columns"],
                skip_bad=options["skip_bad"],
                watch=watch,
            )

        if options["look"]:
            return look(options["file"], options["columns"])
        if not options["project"]:
            raise CommandError("--project SLUG: into which project?")

        if options["run_folder"]:
            raise SystemExit(in_run(options["run_folder"], "bytes of the file", work))
        answer = work()
        for bad in answer["bad_lines"]:
            self.stderr.write(f"line {bad['number']}, {bad['field'] or 'all of it'}: {bad['reason']}")
        for note in answer.get("notes", ()):
            self.stderr.write(note)
        return answer


def _columns(text: str) -> dict[str, str]:
    try:
        return columns_of(text)
    except BadRequest as error:
        raise argparse.ArgumentTypeError(str(error)) from error
