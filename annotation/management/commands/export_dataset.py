"""Export what counts of a project's judgements as a folder of Parquet with a card, which datasets and hubs load."""

import shutil
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.commands import AnnotationCommand
from annotation.files.child import Watch, in_run
from annotation.files.export import find_project
from runs.folder.errors import RunError


class Command(AnnotationCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--output", required=True, type=Path, metavar="FOLDER", help="a new one")
        parser.add_argument("--license", default="other", metavar="NAME", help="what its card says")
        parser.add_argument("--push", metavar="REPO", help="and upload it to a hub, as OWNER/NAME")

        parser.add_argument("--run-folder", metavar="DIR", help="set by a worker")

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        from annotation.files.dataset import write  # pyarrow and the hub's library take half a second

        def work(watch: Watch = lambda done, total: None) -> dict[str, Any]:
            return write(
                project=find_project(options["project"]),
                output=options["output"],
                license=options["license"],
                watch=watch,
            )

        if options["run_folder"]:
            # What an attempt before this one wrote is of another moment.
            shutil.rmtree(options["output"], ignore_errors=True)
            raise SystemExit(in_run(options["run_folder"], "rows", work))
        result = work()
        if options["push"]:
            result["pushed"] = _push(options["output"], options["push"])
        return result


def _push(folder: Path, repository: str) -> str:
    from runs.pushing import push

    try:
        return push(folder, repository, kind="dataset")
    except RunError as error:
        raise CommandError(str(error)) from error
