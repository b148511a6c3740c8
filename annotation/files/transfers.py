"""Imports and exports as kinds of run, so that a large one is done by a worker, with progress and a log."""

import shutil
import sys
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.core.files import File
from django.db import transaction

from annotation.errors import BadRequest
from annotation.files import looking, uploads
from annotation.files.export import require_named
from annotation.models import DatasetExport, Project, Transfer
from runs import lifecycle
from runs.folder.files import read_json
from runs.folder.folder import RunFolder
from runs.kinds import Kind
from runs.models import Run
from runs.writing import write

REPORT_NAME = "report.json"


def request_import(
    *,
    project: Project,
    kind: str | None,
    file: "File[Any]",
    file_name: str = "",
    skip_bad: bool = False,
    columns: Mapping[str, str] | None = None,
    created_by: User | None = None,
) -> Run:
    """Queue an import of an uploaded file, gzip or not. Raises BadRequest for an unknown kind or too large a file.

    Without ``kind`` it may be of another tool (annotation.files.foreign), and ``columns`` say which is which.

    The file is stored before the transaction, and removed where that is rolled back; where a whole request is, the
    sweep removes it (annotation.files.uploads).
    """
    require_named(Transfer.Kind.values, kind, None, None)
    stored = uploads.keep(file)
    try:
        return _queue_import(
            project=project,
            kind=kind or looking.kind_of(stored, columns or {}),
            stored=stored,
            file_name=file_name[:200],
            skip_bad=skip_bad,
            columns=None if kind else dict(columns or {}),
            created_by=created_by,
        )
    except BaseException:
        uploads.drop(stored)
        raise


def request_looked_at(*, project: Project, word: str, skip_bad: bool, created_by: User) -> Run:
    """Queue an import of a file that waited while it was looked at. Raises BadRequest."""
    upload = looking.sent(word, project=project, user=created_by)
    return _queue_import(
        project=project,
        kind=looking.kind_of(upload.stored, upload.columns),
        stored=upload.stored,
        file_name=upload.file_name,
        skip_bad=skip_bad,
        columns=upload.columns,
        created_by=created_by,
    )


def request_rest(*, run: Run, created_by: User | None = None) -> Run:
    """Queue an import of the good lines of a file that was refused for its bad ones. Raises BadRequest where ``run``
    is no such import, or its file was removed."""
    if not has_rest(run):
        raise BadRequest("There is no rest to import: choose the file again.")
    failed = run.transfer
    return _queue_import(
        project=failed.project,
        kind=failed.kind,
        stored=str(failed.file.name),
        file_name=failed.file_name,
        skip_bad=True,
        columns=failed.columns,
        created_by=created_by,
    )


def has_rest(run: Run) -> bool:
    """Whether ``run`` is an import of a whole file that failed, and its file is still there."""
    if run.kind != IMPORT.name or run.status != Run.Status.FAILED or run.transfer.skip_bad:
        return False
    return uploads.is_kept(run.transfer)


@write
def _queue_import(
    *,
    project: Project,
    kind: str,
    stored: str,
    file_name: str,
    skip_bad: bool,
    columns: dict[str, str] | None,
    created_by: User | None,
) -> Run:
    run = lifecycle.create(kind=IMPORT.name, created_by=created_by)
    Transfer.objects.create(
        run=run,
        project=project,
        direction=Transfer.Direction.IMPORT,
        kind=kind,
        file=stored,
        file_name=file_name,
        skip_bad=skip_bad,
        columns=columns,
    )
    return run


@write
def request_export(
    *,
    project: Project,
    kind: str,
    split: str | None = None,
    form: str | None = None,
    created_by: User | None = None,
) -> Run:
    """Queue an export into the run's folder, from where its page offers it. ``split`` and ``form`` are those of the
    prompts. Raises BadRequest."""
    require_named(Transfer.Kind.values, kind, split, form)
    run = lifecycle.create(kind=EXPORT.name, created_by=created_by)
    Transfer.objects.create(
        run=run,
        project=project,
        direction=Transfer.Direction.EXPORT,
        kind=kind,
        split=split or "",
        form=form or "",
    )
    return run


def _export_again(run: Run, created_by: User | None) -> Run:
    transfer = run.transfer
    return request_export(
        project=transfer.project,
        kind=transfer.kind,
        split=transfer.split or None,
        form=transfer.form or None,
        created_by=created_by,
    )


@write
def request_dataset(*, project: Project, license: str = "other", created_by: User | None = None) -> Run:
    """Queue an export as a data set into the run's folder, from where its page offers it."""
    run = lifecycle.create(kind=DATASET.name, created_by=created_by)
    DatasetExport.objects.create(run=run, project=project, license=license)
    return run


@write
def _dataset_again(run: Run, created_by: User | None) -> Run:
    export = run.dataset_export
    return request_dataset(project=export.project, license=export.license, created_by=created_by)


def _prepare_import(run: Run, folder: RunFolder) -> None:
    transfer = run.transfer
    with transfer.file.open("rb") as source, (folder.inputs / uploads.INPUT_NAME).open("wb") as target:
        shutil.copyfileobj(source, target)
    folder.write_config({"kind": transfer.kind, "skip_bad": transfer.skip_bad})


def _prepare_export(run: Run, folder: RunFolder) -> None:
    transfer = run.transfer
    folder.write_config(
        {"kind": transfer.kind, "split": transfer.split or None, "form": transfer.form or None}
    )


def _prepare_dataset(run: Run, folder: RunFolder) -> None:
    folder.write_config({"license": run.dataset_export.license})


def _import_command(run: Run, folder: RunFolder) -> list[str]:
    transfer = run.transfer
    command = ["import_jsonl", str(folder.inputs / uploads.INPUT_NAME)]
    if transfer.skip_bad:
        command.append("--skip-bad")
    if transfer.columns is None:
        return _manage(transfer.project, folder, [*command, "--kind", transfer.kind])
    named = [f"{ours}={theirs}" for ours, theirs in transfer.columns.items()]
    return _manage(
        transfer.project, folder, [*command, "--convert", *(["--columns", ",".join(named)] if named else [])]
    )


def _export_command(run: Run, folder: RunFolder) -> list[str]:
    transfer = run.transfer
    output = folder.output / f"{transfer.project.slug}-{transfer.kind}.jsonl"
    command = ["export_jsonl", "--output", str(output), "--kind", transfer.kind]
    for name, value in (("--split", transfer.split), ("--form", transfer.form)):
        command += [name, value] if value else []
    return _manage(transfer.project, folder, command)


def _dataset_command(run: Run, folder: RunFolder) -> list[str]:
    export = run.dataset_export
    output = folder.output / f"{export.project.slug}-judgements"
    return _manage(
        export.project,
        folder,
        ["export_dataset", "--output", str(output), f"--license={export.license}"],
    )


def _manage(project: Project, folder: RunFolder, command: list[str]) -> list[str]:
    what = ["--project", project.slug, "--run-folder", str(folder.path)]
    return [sys.executable, "manage.py", *command, *what]


def _store(run: Run, folder: RunFolder) -> dict[str, Any]:
    """An import has made its rows and an export its file: their counts are left."""
    report: dict[str, Any] = read_json(folder.output / REPORT_NAME)
    return report


def _finish(run: Run, report: dict[str, Any]) -> None:
    Run.objects.filter(pk=run.pk).update(result=report)


def _finish_import(run: Run, report: dict[str, Any]) -> None:
    """What was imported is rows now: the file is removed once they are kept for certain."""
    _finish(run, report)
    transaction.on_commit(lambda: uploads.forget(run.transfer), robust=True)


IMPORT = Kind(
    name="import",
    title="Import",
    prepare=_prepare_import,
    command=_import_command,
    store=_store,
    finish=_finish_import,
    row="transfer",
)
EXPORT = Kind(
    name="export",
    title="Export",
    prepare=_prepare_export,
    command=_export_command,
    store=_store,
    finish=_finish,
    row="transfer",
    again=_export_again,
)
DATASET = Kind(
    name="export_dataset",
    title="Export a data set",
    prepare=_prepare_dataset,
    command=_dataset_command,
    store=_store,
    finish=_finish,
    row="dataset_export",
    again=_dataset_again,
)
