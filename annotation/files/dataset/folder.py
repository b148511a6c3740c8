"""What counts of a project's judgements, as Parquet: of one moment, whole or absent."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from django.db import connection, transaction
from pyarrow import Table
from pyarrow.parquet import ParquetWriter

from annotation.errors import BadRequest
from annotation.files import export
from annotation.files.collector import few_collections
from annotation.files.dataset import card, columns
from annotation.files.jsonl.provenance import SPLITS
from annotation.models import Project, Prompt
from runs.folder.errors import BadInput
from runs.folder.files import file_digest, whole_folder

# Rows that are in memory at once.
BATCH_ROWS = 1000


class Count(NamedTuple):
    """How many rows a file has, and how many of them are by simulated annotators."""

    rows: int
    simulated: int


@few_collections()
def write(
    *,
    project: Project,
    output: Path,
    license: str = "other",
    watch: Callable[[int, int], None] = lambda rows, total: None,
) -> dict[str, Any]:
    """Write ``output``, a folder that holds nothing yet; what there is to say of it. ``watch`` hears how many rows are
    written, of about how many.

    A superseded judgement counts no more and is left out; so are gold tasks and what was asked again. Raises
    BadRequest where there is nothing to write, or the folder holds something.
    """
    try:
        with whole_folder(output) as folder, _one_moment():
            total = sum(export.count(project=project, kind=kind) for kind in columns.KINDS)
            files = list(_write_files(project, folder, lambda rows: watch(rows, total)))
            if not files:
                raise BadRequest(f"{project.slug} has no judgements yet: there is nothing to export.")
            text = card.text(project=project, files=files, license=license)
            (folder / "README.md").write_text(text, encoding="utf-8")
    except BadInput as error:
        raise BadRequest(f"{error}.") from error
    return {
        "project": project.slug,
        "folder": str(output),
        "rows": sum(file.rows for file in files),
        "files": [file._asdict() for file in files],
    }


@contextmanager
def _one_moment() -> Iterator[None]:
    """Whatever is stored meanwhile, all files tell of the same rows."""
    with transaction.atomic():
        if len(connection.savepoint_ids) == 0:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def _write_files(project: Project, folder: Path, watch: Callable[[int], None]) -> Iterator[card.File]:
    forms = [form for form in export.FORMS if Prompt.objects.filter(project=project, form=form).exists()]
    done = 0
    for kind in columns.KINDS:
        for form in forms:
            # A file has one form of prompt, as its column has one type.
            name = kind if len(forms) == 1 else f"{kind}_{form}"
            for split in SPLITS:
                path = f"{name}/{split}.parquet"
                rows = _rows(project, kind, split, form)
                count = _write(folder / path, columns.schema(kind, form), rows, partial(_after, watch, done))
                if count.rows:
                    done += count.rows
                    yield card.File(name, split, path, *count, sha256=file_digest(folder / path))


def _after(watch: Callable[[int], None], done: int, more: int) -> None:
    watch(done + more)


def _rows(project: Project, kind: str, split: str, form: str) -> Iterator[dict[str, Any]]:
    for line in export.lines(project=project, kind=kind, split=split, form=form):
        value = orjson.loads(line)
        if not value["concord"].get("superseded"):
            yield columns.row(value)


def _write(path: Path, schema: Any, rows: Iterator[dict[str, Any]], watch: Callable[[int], None]) -> Count:
    """Write the rows; a file only where there are any."""
    count = Count(0, 0)
    writer = None
    try:
        while batch := list(islice(rows, BATCH_ROWS)):
            if writer is None:
                path.parent.mkdir(exist_ok=True)
                writer = ParquetWriter(path, schema)
            writer.write_table(Table.from_pylist(batch, schema))
            simulated = sum(row["concord"]["simulated"] for row in batch)
            count = Count(count.rows + len(batch), count.simulated + simulated)
            watch(count.rows)
    finally:
        if writer is not None:
            writer.close()
    return count
