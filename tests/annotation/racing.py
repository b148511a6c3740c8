"""Annotators who race for tasks through the page, and what must be so when they have all gone home."""

import random
import time
from collections import Counter
from contextlib import closing
from functools import partial

from django.contrib.auth.models import User
from django.test import Client as Browser

from annotation.models import Assignment, Comparison, Ranking, Slot
from benchmarks.clients import Answer, Client
from tests.annotation.judging import at_once

# A web process that was killed is there again within this time.
PATIENCE_SECONDS = 60


def logged_in(user: User) -> dict[str, str]:
    """The cookies of a browser in which ``user`` is logged in."""
    browser = Browser()
    browser.force_login(user)
    return {name: cookie.value for name, cookie in browser.cookies.items()}


def patiently(client: Client, method: str, path: str, fields: dict[str, str] | None = None) -> Answer:
    """As a browser whose person presses the button again: what was sent may have been stored already."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            answer = client.send(method, path, fields)
            assert answer.status == 200, (answer.status, answer.body[:500])
            return answer
        except OSError:
            assert time.monotonic() < deadline, "the web server is gone"
            client.close()
            time.sleep(0.1)


def work_through(
    port: int, slug: str, cookies: dict[str, str], seed: int, skips: float = 0.05
) -> Counter[str]:
    """Rank until nothing is left, with drafts and skips in between; every tenth form goes out twice at the same moment.

    Returns what was sent, by its kind.
    """
    rng = random.Random(seed)
    page = f"/projects/{slug}/rank/"
    sent: Counter[str] = Counter()
    with closing(Client(port, cookies)) as first, closing(Client(port, cookies)) as second:
        first.page = patiently(first, "GET", page).body
        while (form := first.form()) is not None:
            if rng.random() < 0.2:
                patiently(first, "POST", f"{page}draft/", form)
                sent["draft"] += 1
            kind = "skip" if rng.random() < skips else "submit"
            fields = {**form, "reason": "not mine"} if kind == "skip" else form
            second.cookies.update(first.cookies)
            tabs = [first, second] if rng.random() < 0.1 else [first]
            answers = at_once([partial(patiently, tab, "POST", f"{page}{kind}/", fields) for tab in tabs])
            assert all(isinstance(answer, Answer) for answer in answers), answers
            first.page = answers[0].body  # type: ignore[attr-defined]  # just asserted
            sent[kind] += 1
            sent["twice"] += len(tabs) - 1
    assert b"Nothing left for you" in first.page
    return sent


def assert_ranked_once_each(tasks: int, overlap: int) -> None:
    """Of each of ``tasks`` pairs there are ``overlap`` rankings, nobody's twice, and nobody who skipped it has one."""
    pairs = Counter(Ranking.objects.values_list("task_id", "annotator_id"))
    assert (len(pairs), pairs.total()) == (tasks * overlap, tasks * overlap)
    assert set(Counter(task for task, _ in pairs).values()) == {overlap}
    assert set(Slot.objects.values_list("task_id", "annotator_id")) == set(pairs)
    done = Counter(Assignment.objects.values_list("status", flat=True))
    assert (done["submitted"], set(done) - {"submitted", "skipped"}) == (tasks * overlap, set())
    assert not set(Assignment.objects.filter(status="skipped").values_list("task_id", "annotator_id")) & set(
        pairs
    )
    assert Comparison.objects.count() == tasks * overlap
