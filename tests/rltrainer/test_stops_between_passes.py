"""Every command looks for a stop between any two forward passes of any network, once it has begun."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.modules.module import register_module_forward_pre_hook
from transformers import PreTrainedModel

from rewardmodel.bradley_terry import commands
from rltrainer.policy import evaluate, sample, sft
from runs.folder.folder import RunFolder
from runs.folder.stopping import StopSignal
from tests.rewardmodel.pure.factories import make_fit
from tests.rltrainer.policy.factories import make_folder, make_sft_folder
from tests.rltrainer.policy.test_evaluate import make_evaluate_folder
from tests.rltrainer.policy.test_sample import make_sample_folder

pytestmark = pytest.mark.long  # they train

Main = Callable[[RunFolder, StopSignal], None]
Prepared = tuple[Main, RunFolder]


def an_sft(path: Path) -> Prepared:
    return sft.main, make_sft_folder(path / "run", epochs=1)


def an_sft_of_an_adapter(path: Path) -> Prepared:
    base = make_folder(path / "base")
    return sft.main, make_sft_folder(path / "run", epochs=1, base=str(base), lora={"rank": 4})


def a_fit(path: Path) -> Prepared:
    return commands.fit, make_fit(path / "run", epochs=2)


def a_fit_of_an_ensemble(path: Path) -> Prepared:
    return commands.fit, make_fit(path / "run", epochs=1, seeds=2)


def a_sampling(path: Path) -> Prepared:
    return sample.main, make_sample_folder(path / "run", make_folder(path / "base"), completions=2)


def an_evaluation(path: Path) -> Prepared:
    folders = [make_folder(path / str(seed), seed) for seed in (0, 1)]
    return evaluate.main, make_evaluate_folder(path / "run", folders)


class Noting(StopSignal):
    """Never asks for a stop; ``events`` has its looks and the passes between them, in order.

    Not those while something is loaded: a stop is heard at once then (tests/runs/test_folder.py).
    """

    def __init__(self) -> None:
        super().__init__()
        self.events: list[str] = []
        self.is_loading = False

    @contextmanager
    def loading(self) -> Iterator[None]:
        self.is_loading = True
        with super().loading():
            yield
        self.is_loading = False

    def __bool__(self) -> bool:
        self.events.append("look")
        return False


@pytest.fixture
def stop() -> Iterator[Noting]:
    """Notes passes of whatever has no other network inside."""
    noting = Noting()

    def note(module: torch.nn.Module, arguments: Any) -> None:
        if (
            isinstance(module, PreTrainedModel)
            and not noting.is_loading
            and not any(
                isinstance(inner, PreTrainedModel) for inner in module.modules() if inner is not module
            )
        ):
            noting.events.append("pass")

    hook = register_module_forward_pre_hook(note)
    yield noting
    hook.remove()


@pytest.mark.parametrize(
    "make", [an_sft, an_sft_of_an_adapter, a_fit, a_fit_of_an_ensemble, a_sampling, an_evaluation]
)
def test_a_stop_is_looked_for_between_any_two_passes(
    tmp_path: Path, stop: Noting, make: Callable[[Path], Prepared]
) -> None:
    main, folder = make(tmp_path)
    stop.events.clear()
    main(folder, stop)
    # Until the first look everything is loading.
    begun = stop.events[stop.events.index("look") :]
    assert begun.count("pass") > 4
    assert [place for place, two in enumerate(pairwise(begun)) if two == ("pass", "pass")] == []
