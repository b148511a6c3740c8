"""A fitted reward model, made once for all modules that want the same one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.rewardmodel.pure.factories import fit, make_fit


@pytest.fixture(scope="session")
def fitted_by(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """What a fit with these settings leaves in output/, to be read alone: the same settings are fitted once."""
    outputs: dict[tuple[tuple[str, Any], ...], Path] = {}

    def fitted_with(**config: Any) -> Path:
        settings = tuple(sorted(config.items()))
        if settings not in outputs:
            folder = make_fit(tmp_path_factory.mktemp("fit") / "run", **config)
            fit(folder)
            outputs[settings] = folder.output
        return outputs[settings]

    return fitted_with


@pytest.fixture(scope="module")
def fitted(request: pytest.FixtureRequest, fitted_by: Callable[..., Path]) -> Path:
    """output/ of a fit with the settings that the module names FIT, else those of every test."""
    return fitted_by(**getattr(request.module, "FIT", {}))
