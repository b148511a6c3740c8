"""When a request is sent again, and after how long. Knows no network and no clock but that of a Retry-After."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

# Who answers so has done nothing yet, or says nothing of what was done; a POST's key makes it happen once all the same.
AGAIN = frozenset({429, 502, 503, 504})
# Of these, what somebody between says who has lost the answer, or not waited for it.
LOST_BETWEEN = frozenset({502, 504})
# No answer, or half of one. What a client itself did wrong is not among them.
LOST = (httpx.NetworkError, httpx.TimeoutException, httpx.RemoteProtocolError)
FIRST_SECONDS, MOST_SECONDS = 0.25, 30.0
# Whoever is asked to wait for longer hears of it instead.
PATIENCE_SECONDS = 120.0


def pause(tries: int, attempts: int, response: httpx.Response | None) -> float | None:
    """Seconds until the next of ``attempts``, of which ``tries`` were made; None where there is none."""
    if tries >= attempts or (response is not None and response.status_code not in AGAIN):
        return None
    seconds = _asked_for(response)
    if seconds is None:
        # Half of it at random, so that those who were turned away together do not come back together.
        return min(MOST_SECONDS, FIRST_SECONDS * 2.0 ** (tries - 1)) * random.uniform(0.5, 1)  # noqa: S311
    return seconds if seconds <= PATIENCE_SECONDS else None


def _asked_for(response: httpx.Response | None) -> float | None:
    """Retry-After, of either form."""
    header = "" if response is None else response.headers.get("Retry-After", "").strip()
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def polls() -> Iterator[float]:
    """Seconds between looks at a run: soon at first, so that a short one is not waited for long."""
    seconds = 0.2
    while True:
        yield seconds
        seconds = min(5.0, seconds * 1.3)
