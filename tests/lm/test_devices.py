"""What a run computes on is told in its folder."""

from pathlib import Path

import pytest
import torch

from lm.devices import choose_device, device_of_run
from runs.folder.errors import BadInput
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
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
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


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch believes this machine to have two."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.mark.usefixtures("two_gpus")
class TestOnTwoGpus:
    def test_the_second_is_chosen_by_its_number(self) -> None:
        assert choose_device("cuda:1") == torch.device("cuda:1")

    def test_a_number_that_is_not_there_is_refused(self) -> None:
        with pytest.raises(BadInput, match=r'device "cuda:2" .* has "cuda:0", "cuda:1" alone'):
            choose_device("cuda:2")

    @pytest.mark.parametrize("number", ["0", "2"])
    def test_more_processes_are_refused_in_each_of_them(
        self, number: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In all, so that none waits for one that is gone."""
        monkeypatch.setenv("WORLD_SIZE", "3")
        monkeypatch.setenv("LOCAL_RANK", number)
        with pytest.raises(BadInput, match="3 processes need a GPU each, and this machine has 2"):
            choose_device("cuda")

    def test_processes_of_other_machines_are_not_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WORLD_SIZE", "4")
        monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
        monkeypatch.setenv("LOCAL_RANK", "1")
        assert choose_device("auto") == torch.device("cuda:1")

    def test_several_processes_on_one_gpu_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WORLD_SIZE", "2")
        with pytest.raises(BadInput, match='"cuda:1" is one GPU, and 2 processes need one each: use "cuda"'):
            choose_device("cuda:1")
