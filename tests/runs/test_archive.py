"""A folder as one archive, made while it is sent."""

import io
import zipfile
from pathlib import Path

import pytest

from runs.folder.archive import CHUNK_BYTES, archive_bytes, zipped, zipped_bytes
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


def written(path: Path) -> int:
    return sum(map(len, zipped(path)))


def test_its_size_is_known_before_it_is_made(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "ours-v1 für alle")
    (folder / "Säckchen.txt").write_text("ein Name in UTF-8")
    assert zipped_bytes(folder) == written(folder)
    (tmp_path / "nothing").mkdir()
    assert zipped_bytes(tmp_path / "nothing") == written(tmp_path / "nothing") == 22


@pytest.mark.parametrize("limit", [0, 50, 99, 100, 104, 105, 106, 200, 300, 301, 400, 500, 1000])
def test_so_it_is_in_the_64_bit_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    # zipfile's own limit brought down to where small files reach it: by size, by place, by the table's size.
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", limit)
    folder = tmp_path / "ours"
    folder.mkdir()
    for name, size in (("a", 100), ("b", 1), ("c", 105), ("d", 0)):
        (folder / name).write_bytes(b"1" * size)
    assert zipped_bytes(folder) == written(folder)


def test_so_it_is_with_more_files_than_the_old_form_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 3)
    for count in range(1, 6):
        (tmp_path / str(count)).touch()
        assert zipped_bytes(tmp_path) == written(tmp_path)


def test_the_size_of_what_is_too_large_to_be_written_here() -> None:
    weights, config = ("ours/model.safetensors", 16 * 2**30), ("ours/zconfig.json", 700)
    headers = (30 + 22 + 20) + (30 + 17)
    descriptors = 24 + 16
    table = (46 + 22 + 4 + 16) + (46 + 17 + 4 + 8)
    assert archive_bytes([weights, config]) == 16 * 2**30 + 700 + headers + descriptors + table + 56 + 20 + 22
