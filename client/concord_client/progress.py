"""A run's progress as a bar on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from tqdm import tqdm

from concord_client.types import RunDetail


@contextmanager
def bar(shown: bool) -> Iterator[Callable[[RunDetail], None]]:
    """What takes each state of a run as it comes."""
    with tqdm(disable=not shown, unit="", bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt}{postfix}") as drawn:

        def show(run: RunDetail) -> None:
            drawn.total, drawn.n = run["total"] or None, run["done"]
            left = run["seconds_left"]
            drawn.set_description_str(f"{run['kind']} {run['id']}, {run['status']}", refresh=False)
            begins = run["expected_start"]
            words = (
                run["doing"],
                "" if left is None else f"{left:.0f} s left",
                ""
                if begins is None
                else f"begins at about {datetime.fromisoformat(begins).astimezone():%H:%M}",
            )
            doing = ", ".join(filter(None, words))
            drawn.set_postfix_str(doing, refresh=False)
            drawn.refresh()

        yield show
