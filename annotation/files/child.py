"""What the child process of an import or export does: the same as the command by hand, with progress and a report."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from annotation.errors import AnnotationError
from annotation.files import export, intake
from annotation.files.foreign.understanding import Foreign
from annotation.files.looking import broken
from annotation.files.transfers import REPORT_NAME
from annotation.models import Project
from runs.folder.child import run_child
from runs.folder.errors import BadInput
from runs.folder.files import write_json
from runs.folder.folder import RunFolder
from runs.folder.progress import Progress
from runs.folder.stopping import StopSignal

# Told of everything done so far out of all there is, now and then.
Watch = Callable[[int, int], None]


def import_path(
    *,
    project: Project,
    kind: str,
    path: str,
    skip_bad: bool,
    watch: Watch = lambda done, total: None,
) -> dict[str, Any]:
    """Import a file, or stdin where ``path`` is "-"; ``watch`` hears bytes. Raises BadFile, BadRequest."""
    total = Path(path).stat().st_size if Path(path).is_file() else 0
    with intake.open_input(path) as stream:
        report = intake.import_file(
            project=project,
            kind=kind,
            stream=stream,
            skip_bad=skip_bad,
            watch=lambda lines: watch(stream.tell() if total else 0, total),
        )
    return {"project": project.slug, "kind": kind, **report.as_json()}


def look(path: str, columns: Mapping[str, str]) -> dict[str, Any]:
    """How a file of another tool is understood. Raises BadRequest."""
    with broken(path):
        return _foreign(path, columns).understand().as_json()


def import_foreign(
    *,
    project: Project,
    path: str,
    columns: Mapping[str, str],
    skip_bad: bool,
    watch: Watch = lambda done, total: None,
) -> dict[str, Any]:
    """Import a file of another tool; ``watch`` hears records. Raises BadFile, BadRequest."""
    with broken(path):
        foreign = _foreign(path, columns)
        understanding = foreign.understand(watch=lambda records: watch(0, records))
        report = intake.import_lines(
            project=project,
            kind=understanding.kind,
            lines=foreign.lines,
            skip_bad=skip_bad,
            watch=lambda lines: watch(lines, understanding.lines + understanding.bad_records),
        )
    report.notes += [
        f"{count} of {understanding.records} records are left out: {reason}."
        for reason, count in understanding.left_out.items()
    ]
    return {
        "project": project.slug,
        "kind": understanding.kind,
        "understood_as": understanding.shape,
        "records": understanding.records,
        **report.as_json(),
    }


def _foreign(path: str, columns: Mapping[str, str]) -> Foreign:
    return Foreign(Path(path), intake.limits(), columns)


def export_path(
    *,
    project: Project,
    kind: str,
    path: str,
    split: str | None,
    form: str | None,
    watch: Watch = lambda done, total: None,
) -> dict[str, Any]:
    """Export into a file, which is whole or absent; ``watch`` hears lines. Raises BadRequest."""
    total = export.count(project=project, kind=kind, split=split, form=form)
    partial = Path(path).with_name(f".{Path(path).name}.part")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as out:
            report = export.write(
                project=project,
                kind=kind,
                out=out,
                split=split,
                form=form,
                watch=lambda lines: watch(lines, total),
            )
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    counts = {"lines": report.lines, "ties_left_out": report.ties_left_out}
    return {"project": project.slug, "kind": kind, **counts, "file": path}


def in_run(folder: str, doing: str, work: Callable[[Watch], dict[str, Any]]) -> int:
    """Do ``work`` as the child of a run: progress, stop signal, report, and the exit code that the worker reads."""

    def main(run_folder: RunFolder, stop: StopSignal) -> None:
        progress = Progress(run_folder.progress_file)

        def watch(done: int, total: int) -> None:
            stop.check()
            progress.report(min(done, total), total, doing)

        try:
            report = work(watch)
        except AnnotationError as error:
            raise BadInput(str(error)) from error
        files_made = {name: Path(report[name]).name for name in ("file", "folder") if name in report}
        write_json(run_folder.output / REPORT_NAME, {**report, **files_made})

    return run_child(Path(folder), main)
