"""Coroutines, awaited by tests that are none."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def awaited(coroutine: Coroutine[Any, Any, T]) -> T:
    """What it comes to, in a thread of its own: in this one the loop of a browser may run already."""
    with ThreadPoolExecutor(1, "awaiting") as pool:
        return pool.submit(asyncio.run, coroutine).result()
