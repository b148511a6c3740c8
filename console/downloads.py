"""What a succeeded export hands out: its file as it lies there, or its folder as one archive; and single files of what
a run keeps."""

import mimetypes
from pathlib import Path

from django.core.files.storage import storages
from django.http import FileResponse, Http404, StreamingHttpResponse

from runs.execution import folder_of
from runs.folder.archive import zipped, zipped_bytes
from runs.models import Artifact, Run

JSONL, ZIP, ANY = "application/jsonl", "application/zip", "application/octet-stream"
# Their output is a folder, which their result names.
OF_A_FOLDER = frozenset({"export_reward_model", "export_policy", "export_dataset"})
KINDS = OF_A_FOLDER | {"export"}


def exported(run: Run) -> Path | None:
    """The file or folder, for as long as it is there; None of any other run. A link would lead out of the run's own."""
    if run.kind not in KINDS or run.status != Run.Status.SUCCEEDED:
        return None
    output = folder_of(run).output
    if run.kind in OF_A_FOLDER:
        folder = output / Path(run.result["folder"]).name
        return folder if folder.is_dir() and not folder.is_symlink() else None
    files = (path for path in output.glob("*.jsonl*") if path.is_file() and not path.is_symlink())
    return next(files, None)


def answer(path: Path) -> FileResponse | StreamingHttpResponse:
    """The file, or the folder as an archive that is made while it is sent."""
    if path.is_dir():
        headers = {
            "Content-Disposition": f'attachment; filename="{path.name}.zip"',
            # So that a browser shows how far it is, and one that breaks off is noticed.
            "Content-Length": str(zipped_bytes(path)),
        }
        return StreamingHttpResponse(zipped(path), content_type=ZIP, headers=headers)
    kind = mimetypes.guess_type(path.name)[0] or JSONL
    return FileResponse(path.open("rb"), as_attachment=True, filename=path.name, content_type=kind)


def kept(artifact: Artifact | None, name: str) -> FileResponse:
    """One file of an artifact, as it is read from the storage. Raises Http404 of a name that is none of its files'."""
    if artifact is None or name not in artifact.files:
        raise Http404
    try:
        file = storages["artifacts"].open(f"{artifact.digest}/{name}")
    except FileNotFoundError as error:
        raise Http404 from error
    return FileResponse(file, as_attachment=True, filename=Path(name).name, content_type=ANY)
