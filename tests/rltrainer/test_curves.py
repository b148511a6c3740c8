"""Every figure that a training writes has a name, a unit and a place on its run's page."""

from pathlib import Path

import pytest

from console.curves import COUNTERS, CURVES, GROUPS
from rewardmodel.bradley_terry import commands
from rltrainer.policy import sft
from runs.folder.files import read_json
from runs.folder.folder import RunFolder
from runs.folder.metrics import read_metrics
from runs.folder.stopping import StopSignal
from tests.rewardmodel.pure.factories import make_fit
from tests.rltrainer.policy.factories import make_sft_folder
from tests.rltrainer.ppo.factories import make_run
from tests.rltrainer.ppo.test_train import run


def written(folder: RunFolder) -> set[str]:
    return {name for line in read_metrics(folder.metrics_file)[0] for name in line}


@pytest.mark.parametrize("algorithm", ["ppo", "reinforce"])
def test_of_a_policy_gradient(tmp_path: Path, algorithm: str) -> None:
    folder = make_run(
        tmp_path,
        steps=2,
        algorithm=algorithm,
        **({} if algorithm == "ppo" else {"minibatches": 1, "epochs": 1}),
    )
    run(folder)
    assert written(folder) - COUNTERS - CURVES.keys() == set()
    assert "reward" in written(folder)
    assert read_json(folder.device_file)["device"] == "cpu"


def test_of_sft_and_of_a_fit(tmp_path: Path) -> None:
    demonstrations = make_sft_folder(tmp_path / "sft", epochs=1)
    sft.main(demonstrations, StopSignal())
    judgements = make_fit(tmp_path / "fit", epochs=1)
    commands.fit(judgements, StopSignal())
    for folder in (demonstrations, judgements):
        assert written(folder) - COUNTERS - CURVES.keys() == set()
        assert {"loss", "learning_rate", "gradient_norm"} <= written(folder)
        assert read_json(folder.device_file)["device"] == "cpu"


def test_every_curve_stands_in_a_group() -> None:
    assert {curve.group for curve in CURVES.values()} == set(GROUPS)
