"""A folder as one archive, made while it is sent."""

import io
import zipfile
from pathlib import Path

import pytest

from runs.folder.archive import CHUNK_BYTES, zipped
from runs.folder.files import folder_manifest


def make_folder(path: Path) -> Path:
    (path / "deep" / "er").mkdir(parents=True)
    (path / "weights").write_bytes(bytes(range(256)) * (5 * CHUNK_BYTES // 256) + b"the rest")
    (path / "deep" / "er" / "one.txt").write_text("Ein Säckchen\n")
    (path / "empty").touch()
    return path


def test_what_is_unpacked_is_the_folder_under_its_own_name(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "ours-v1")
    secret = tmp_path / "secret"
    secret.write_text("elsewhere")
    manifest = folder_manifest(folder)
    (folder / "link").symlink_to(secret)
    with zipfile.ZipFile(io.BytesIO(b"".join(zipped(folder)))) as archive:
        assert archive.testzip() is None
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        archive.extractall(tmp_path / "unpacked")
    assert [path.name for path in (tmp_path / "unpacked").iterdir()] == ["ours-v1"]
    assert folder_manifest(tmp_path / "unpacked" / "ours-v1") == manifest


def test_it_comes_in_pieces_and_a_file_is_read_when_its_turn_comes(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "ours")
    pieces = zipped(folder)
    first = next(pieces)  # deep/er/one.txt
    (folder / "weights").write_bytes(b"another" * CHUNK_BYTES)
    rest = list(pieces)
    # A chunk, and the headers around it.
    assert max(map(len, rest)) < CHUNK_BYTES + 1000
    with zipfile.ZipFile(io.BytesIO(first + b"".join(rest))) as archive:
        assert archive.read("ours/weights") == b"another" * CHUNK_BYTES


def test_one_that_breaks_off_is_known_for_one(tmp_path: Path) -> None:
    whole = b"".join(zipped(make_folder(tmp_path / "ours")))
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(whole[:-CHUNK_BYTES]))
