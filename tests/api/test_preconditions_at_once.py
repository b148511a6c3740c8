"""Changes of one thing by several at the same moment: one of those who saw the same writes, and parts add up."""

import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from annotation.models import Membership
from annotation.webhooks import subscribing
from runs import noting
from tests.annotation.judging import at_once
from tests.api.test_preconditions import HELPFUL, change, id_of
from tests.api.world import Program, make_world, token_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.long
def test_parts_of_one_that_two_change_at_once_are_both_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((noting, "annotate"), (subscribing, "change")):
        monkeypatch.setattr(module, name, _slowly(getattr(module, name)))
    world = make_world()
    secret = token_of(world.cast.carol)
    two_parts: dict[str, list[dict[str, Any]]] = {
        "webhooks": [{"active": False}, {"events": ["task.completed"]}],
        "runs": [{"note": "Mine"}, {"tags": ["kept"]}],
    }
    for kind, parts in two_parts.items():
        path = f"{HELPFUL}{kind}/{id_of(world, kind)}/"
        at_once([partial(change, Program(secret), path, part, None) for part in parts])
        row = Program(secret).ask("GET", path).json()
        assert [row[name] for part in parts for name in part] == [
            value for part in parts for value in part.values()
        ]


def _slowly(function: Callable[..., Any]) -> Callable[..., Any]:
    """Between what is read and what is written the other one has time to do both."""

    def slow(*args: Any, **kwargs: Any) -> Any:
        time.sleep(0.3)
        return function(*args, **kwargs)

    return slow


def test_of_many_at_once_who_saw_the_same_one_writes() -> None:
    world = make_world()
    secret = token_of(world.cast.carol)
    tag = Program(secret).ask("GET", HELPFUL + "members/frank/").headers["ETag"]
    assert Membership.objects.get(user__username="frank").role == "annotator"
    answers = at_once(
        [lambda: change(Program(secret), HELPFUL + "members/frank/", {"role": "researcher"}, tag).status_code]
        * 8
    )
    assert Counter(answers) == {200: 1, 412: 7}
