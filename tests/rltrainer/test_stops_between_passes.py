"""Every command looks for a stop between any two passes of any network, and hears it at once in what else is long."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.modules.module import register_module_forward_pre_hook
from transformers import PreTrainedModel

from lm import bootstrap, encoding, loading
from rewardmodel.bradley_terry import commands
from rewardmodel.bradley_terry import handing_over as handing_over_rewards
from rewardmodel.bradley_terry.artifact import save_reward_model
from rltrainer.policy import check, evaluate, handing_over, sample, sft
from rltrainer.policy import loading as policies
from rltrainer.ppo import train
from runs.folder.folder import RunFolder
from runs.folder.stopping import StopSignal
from tests.rewardmodel.pure.factories import make_fit
from tests.rltrainer.policy.factories import make_folder, make_sft_folder
from tests.rltrainer.policy.test_evaluate import make_evaluate_folder
from tests.rltrainer.policy.test_sample import make_sample_folder
from tests.rltrainer.ppo.factories import make_reward_model, make_run

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


def a_fit_beside_another(path: Path) -> Prepared:
    commands.fit(make_fit(path / "first", epochs=1), StopSignal())
    return commands.fit, make_fit(path / "run", epochs=1, incumbent=str(path / "first" / "output"))


def a_ppo(path: Path) -> Prepared:
    return train.main, make_run(path / "run", steps=2)


def a_reinforce_of_an_adapter(path: Path) -> Prepared:
    return train.main, make_run(path / "run", algorithm="reinforce", steps=2, lora={"rank": 4})


def an_evaluation(path: Path) -> Prepared:
    folders = [make_folder(path / str(seed), seed) for seed in (0, 1)]
    save_reward_model(make_reward_model(), path / "judge", {})
    return evaluate.main, make_evaluate_folder(path / "run", folders, reward_model=str(path / "judge"))


def of_reward_models(name: str, path: Path, **config: Any) -> RunFolder:
    folder = make_fit(path / name)
    folder.write_config({"device": "cpu", "threads": 1, **config})
    return folder


def a_report_on_a_reward_model(path: Path) -> Prepared:
    save_reward_model(make_reward_model(), path / "judge", {})
    return commands.evaluate, of_reward_models("run", path, reward_model=str(path / "judge"))


def a_contest(path: Path) -> Prepared:
    save_reward_model(make_reward_model(), path / "judge", {})
    return commands.contest, of_reward_models("run", path, reward_models=[str(path / "judge")] * 2)


def a_scoring(path: Path) -> Prepared:
    save_reward_model(make_reward_model(), path / "judge", {})
    folder = of_reward_models("run", path, reward_model=str(path / "judge"))
    line = {"form": "text", "prompt": [{"role": "user", "content": "the cat"}]}
    lines = [json.dumps({**line, "completion": f"sat {number}"}) + "\n" for number in range(600)]
    (folder.inputs / "scored.jsonl").write_text("".join(lines))
    return commands.score, folder


class Noting(StopSignal):
    """Never asks for a stop; ``events`` has its looks and what takes long between them, in order.

    Not what is in ``at_once``: a stop is heard there wherever it comes (tests/runs/test_folder.py).
    """

    def __init__(self) -> None:
        super().__init__()
        self.events: list[str] = []
        self.depth = 0

    @contextmanager
    def at_once(self) -> Iterator[None]:
        self.events.append("look")
        self.depth += 1
        with super().at_once():
            yield
        self.depth -= 1

    def __bool__(self) -> bool:
        if not self.depth:
            self.events.append("look")
        return False

    def note(self, event: str) -> None:
        if not self.depth:
            self.events.append(event)


@pytest.fixture
def stop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Noting]:
    """Notes passes, forward of whatever has no other network inside and backward, texts that are encoded, bases that
    are loaded, and means that are drawn."""
    noting = Noting()

    def note(module: torch.nn.Module, arguments: Any) -> None:
        if isinstance(module, PreTrainedModel) and not any(
            isinstance(inner, PreTrainedModel) for inner in module.modules() if inner is not module
        ):
            noting.note("pass")

    def noted(event: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            noting.note(event)
            return function(*args, **options)

        return call

    for event, holder, name in (
        ("pass", torch.autograd, "backward"),
        ("text", encoding, "encode_text"),
        ("load", loading, "prepare"),
        ("load", policies, "prepare"),
        ("draw", bootstrap, "_resample"),
    ):
        monkeypatch.setattr(holder, name, noted(event, getattr(holder, name)))
    hook = register_module_forward_pre_hook(note)
    yield noting
    hook.remove()


def begun(make: Callable[[Path], Prepared], path: Path, stop: Noting) -> list[str]:
    """What happens from the first look on; until then everything is loading."""
    main, folder = make(path)
    stop.events.clear()
    main(folder, stop)
    return stop.events[stop.events.index("look") :]


@pytest.mark.parametrize(
    "make",
    [an_sft, an_sft_of_an_adapter, a_fit, a_fit_of_an_ensemble, a_ppo, a_reinforce_of_an_adapter, a_sampling],
)
def test_a_stop_is_looked_for_between_any_two_passes(
    tmp_path: Path, stop: Noting, make: Callable[[Path], Prepared]
) -> None:
    events = begun(make, tmp_path, stop)
    passes = [event for event in events if event in ("look", "pass")]
    assert passes.count("pass") > 4
    assert [place for place, two in enumerate(pairwise(passes)) if two == ("pass", "pass")] == []
    assert_nothing_else_is_long(events)


@pytest.mark.parametrize(
    "make",
    [a_fit_beside_another, an_evaluation, a_report_on_a_reward_model, a_contest, a_scoring],
)
def test_a_stop_is_heard_at_once_while_a_report_is_worked_out(
    tmp_path: Path, stop: Noting, make: Callable[[Path], Prepared]
) -> None:
    assert_nothing_else_is_long(begun(make, tmp_path, stop))


@pytest.mark.parametrize("module", [check, handing_over, handing_over_rewards])
def test_what_is_begun_anew_after_a_stop_hears_it_at_once_to_its_end(
    tmp_path: Path, stop: Noting, module: Any
) -> None:
    base, folder = tmp_path / "base", RunFolder(tmp_path / "run")
    if module is handing_over_rewards:
        save_reward_model(make_reward_model(), base, {})
    else:
        make_folder(base)
    folder.make()
    out = {"model": str(base), "output": "output/ours", "title": "Ours"}
    folder.write_config({"base": str(base), "device": "cpu"} if module is check else out)
    stop.events.clear()
    module.main(folder, stop)
    assert stop.events.count("pass") >= 2
    assert "look" not in stop.events


def assert_nothing_else_is_long(events: list[str]) -> None:
    """A stop is heard while a base is loaded or an interval drawn, and no rollout has more texts than are in a row."""
    assert {"load", "draw"}.isdisjoint(events)
    texts = "".join("t" if event == "text" else " " for event in events)
    assert max(map(len, texts.split()), default=0) <= 64
