"""What a run computes on is told in its folder."""

from pathlib import Path

import pytest
import torch

from lm.devices import device_of_run
from runs.folder.files import read_json
from runs.folder.folder import RunFolder


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def test_a_cpu_is_told_with_the_version_of_torch(folder: RunFolder) -> None:
    assert device_of_run(folder, "cpu") == torch.device("cpu")
    assert read_json(folder.device_file) == {"device": "cpu", "processes": 1, "torch": torch.__version__}


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a GPU that torch believes to be there, the second of its machine."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    names = {1: "NVIDIA H200"}
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: names[device.index])
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "4")
    return names[1]


@pytest.mark.parametrize("name", ["auto", "cuda"])
def test_a_gpu_is_told_by_its_name_with_the_number_of_processes(
    name: str, folder: RunFolder, gpu: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "0")
    assert device_of_run(folder, name) == torch.device("cuda:1")
    assert read_json(folder.device_file) == {"device": gpu, "processes": 4, "torch": torch.__version__}


def test_main_alone_tells(folder: RunFolder, gpu: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "3")
    assert device_of_run(folder, "auto") == torch.device("cuda:1")
    assert not folder.device_file.exists()
