"""What a training runs by: nothing in its resolved config waits to be chosen."""

from types import NoneType
from typing import Any, get_args, get_type_hints

import pytest

from rewardmodel.bradley_terry.config import FitConfig, ResolvedFit
from rltrainer.policy.config import ResolvedSft, SftConfig
from rltrainer.ppo.config import PpoConfig, ResolvedPpo
from runs.folder.config import meanings


def optional_fields(config: type[Any]) -> set[str]:
    return {name for name, kind in get_type_hints(config).items() if NoneType in get_args(kind)}


@pytest.mark.parametrize(
    ("config", "resolved"), [(FitConfig, ResolvedFit), (SftConfig, ResolvedSft), (PpoConfig, ResolvedPpo)]
)
def test_none_is_in_no_type_of_what_is_filled_in(config: type[Any], resolved: type[Any]) -> None:
    """What is left is absent: no adapter, no target, no limit, no model to compare with."""
    filled_in = {name for name, meaning in meanings(config).items() if meaning.filled_in}
    absent = {"lora", "kl_target", "kl_limit", "update_kl_limit", "missing_eos_penalty", "incumbent"}
    assert filled_in
    assert filled_in <= optional_fields(config)
    assert optional_fields(resolved) == optional_fields(config) - filled_in
    assert optional_fields(resolved) <= absent
