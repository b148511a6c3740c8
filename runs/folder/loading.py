"""What a process loads at its start stays to its end: Python's collector of cycles leaves it alone.

While modules are loaded the collector goes through all that is there again and again, for nothing: that is a sixth of
the three seconds that torch and transformers take, and of a command's half a second.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Nothing that is made within is looked at, now or later."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
