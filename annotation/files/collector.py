"""Python's collector of cycles, held back while a file is read or written."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# After so many objects more than were let go, and of older ones after so many looks: gc.set_threshold.
RARELY = (50_000, 20, 100)


@contextmanager
def few_collections() -> Iterator[None]:
    """Look for cycles rarely: what a file's lines become has none, and looking takes a sixth of a transfer's time."""
    before = gc.get_threshold()
    gc.set_threshold(*RARELY)
    try:
        yield
    finally:
        gc.set_threshold(*before)
