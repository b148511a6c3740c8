"""What goes wrong. Everything is a ConcordError; those with names of their own are what programs branch on."""

from http import HTTPStatus
from typing import Any

import httpx

from concord_client.types import RunDetail, Wrong


class ConcordError(Exception):
    """What the server refused: ``code`` is for programs and stays, ``detail`` is for people.

    ``errors`` says what is wrong with which part of the request. The code is empty where somebody between here and
    Concord answered.
    """

    def __init__(self, status: int, code: str, detail: str, errors: tuple[Wrong, ...] = ()) -> None:
        super().__init__(status, code, detail, errors)
        self.status, self.code, self.detail, self.errors = status, code, detail, errors

    def __str__(self) -> str:
        """What happened, in words."""
        return f"{self.detail} ({' '.join(filter(None, (str(self.status), self.code)))})"


class NotFound(ConcordError):
    """There is nothing there, or it is not this token's to see."""


class Conflict(ConcordError):
    """It is not so any more, or not yet: a lease is over, a setting has changed, a run has ended."""


class Unreachable(ConcordError):
    """Nobody answered, however often it was tried. What was asked may have been done."""

    def __init__(self, detail: str) -> None:
        super().__init__(0, "", detail)

    def __reduce__(self) -> tuple[type, tuple[str]]:
        """From another process as it was."""
        return (type(self), (self.detail,))

    def __str__(self) -> str:
        """There is no status."""
        return self.detail


class RunFailed(Exception):
    """A run that was waited for has failed or was cancelled; ``run`` has its reason and the end of its log."""

    def __init__(self, run: RunDetail) -> None:
        super().__init__(run)
        self.run = run

    def __str__(self) -> str:
        """Which run, and why."""
        return f"run {self.run['id']} ({self.run['kind']}) {self.run['status']}: {self.run['reason']}"


def refusal(response: httpx.Response) -> ConcordError:
    """The error that ``response`` is."""
    status = response.status_code
    if response.has_redirect_location:
        there = response.headers["Location"]
        return ConcordError(status, "", f"Concord is elsewhere: {there}. Give the client that address.")
    kind = {404: NotFound, 409: Conflict, 412: Conflict}.get(status, ConcordError)
    try:
        problem = response.json()
        return kind(status, problem["code"], problem["detail"], tuple(problem.get("errors", ())))
    except (ValueError, TypeError, KeyError):
        known = status in HTTPStatus._value2member_map_
        return kind(status, "", HTTPStatus(status).phrase if known else "An answer that is not Concord's.")


def value_of(response: httpx.Response) -> Any:
    """What a successful answer holds. Raises ConcordError where it is not JSON: somebody else answered."""
    try:
        return response.json()
    except ValueError as error:
        detail = f"What {response.url.host} answered is not Concord's. Is the client's address right?"
        raise ConcordError(response.status_code, "", detail) from error
