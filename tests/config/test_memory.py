"""What tests write goes into memory where there is plenty, and what killed runs left there goes away."""

import os
import tempfile
from pathlib import Path

import pytest

from tests import memory

# Linux numbers processes up to 4,194,304.
NOBODY = 4_194_305


@pytest.fixture
def limit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that says what a container may have."""
    file = tmp_path_factory.mktemp("limits") / "memory.max"
    file.write_text("max\n")
    return file


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit: Path) -> None:
    """As on a machine whose memory is at tmp_path, before anybody has chosen a folder."""
    monkeypatch.setattr(memory, "FOLDER", tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", tempfile.tempdir)
    monkeypatch.setenv("TMPDIR", "")  # so that it is afterwards as it was, whatever a test makes of it
    monkeypatch.delenv("TMPDIR")
    monkeypatch.setattr(memory, "FREE_BYTES", 1)
    monkeypatch.setattr(memory, "LIMITS", (limit.with_name("none"), limit))


def test_it_is_where_everything_temporary_goes_and_what_a_killed_run_left_is_gone(tmp_path: Path) -> None:
    left, ours, other = (tmp_path / f"concord-tests-{pid}" for pid in (NOBODY, os.getpid(), os.getppid()))
    for home in (left / "home", ours / "home", other / "home"):
        home.mkdir(parents=True)
    folder = memory.write_there()
    assert folder == tmp_path / f"concord-tests-{os.getpid()}"
    assert Path(tempfile.mkdtemp()).parent == folder
    assert os.environ["TMPDIR"] == str(folder)
    assert not left.exists()
    assert not (ours / "home").exists()
    assert (other / "home").is_dir()


def test_a_folder_that_somebody_names_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "named"))
    assert memory.write_there() is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lack", ["room", "folder", "right"])
def test_where_there_is_too_little_the_disk_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit: Path, lack: str
) -> None:
    if lack == "room":
        monkeypatch.setattr(memory, "FREE_BYTES", 1 << 60)
    elif lack == "right":
        limit.write_text(f"{8 << 30}\n")
    else:
        monkeypatch.setattr(memory, "FOLDER", tmp_path / "none")
    assert memory.write_there() is None
    assert "TMPDIR" not in os.environ
    assert list(tmp_path.iterdir()) == []
