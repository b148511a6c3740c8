"""Some of many, by seed: the first by id are of one week, one import or one annotator."""

from collections.abc import Sequence
from typing import TypeVar

import torch

T = TypeVar("T")


def drawn(items: Sequence[T], most: int, *, seed: int) -> list[T]:
    """At most ``most`` of ``items``, drawn without replacement and in their order: a function of ``seed``."""
    if len(items) <= most:
        return list(items)
    places = torch.randperm(len(items), generator=torch.Generator().manual_seed(seed))[:most]
    return [items[place] for place in sorted(places.tolist())]
