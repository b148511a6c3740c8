"""Errors of annotation. Their messages reach the person who asked, so they say what to do.

AnnotationError
├── UnknownProject       no project has this slug
├── BadRequest           what was asked cannot be done as it is
│   ├── BadRanking       the order is not whole, or not an order
│   ├── BadRating        a score is missing, or not on its scale
│   ├── BadText          too long, or characters that cannot be kept
│   ├── TwoForms         pairs of text and of chat prompts, of which a file holds one
│   ├── TookTooLong      what is looked for is not found in the time that anybody waits
│   └── Busy             somebody else is writing; later it can be done
├── NotAllowed           this person has no such role in this project
├── LeaseOver            the assignment is not this annotator's any more
├── ClaimsPaused         the annotator gets no tasks until a researcher resumes them
├── NothingToSnapshot    the project has no rankings to train on
└── BadFile              an import has bad lines; none of it is stored
"""

from collections.abc import Sequence
from typing import NamedTuple


class AnnotationError(Exception):
    """A request about judgements that cannot be met."""


class UnknownProject(AnnotationError):
    """No project has this slug."""


class BadRequest(AnnotationError):
    """What was asked cannot be done as it is."""


class BadRanking(BadRequest):
    """The order is not whole, or not an order."""


class BadRating(BadRequest):
    """A score is missing, or not on its scale."""


class BadText(BadRequest):
    """A text is too long or holds characters that cannot be kept."""


class TwoForms(BadRequest):
    """There are pairs of text prompts and of chat prompts, and a file holds one form."""


class TookTooLong(BadRequest):
    """These take too long to find: narrow the list down."""


class Busy(BadRequest):
    """Somebody else is writing to the project for longer than anybody would wait. Try again later."""


class NotAllowed(AnnotationError):
    """This person has no such role in this project."""


class LeaseOver(AnnotationError):
    """The task went back to the queue, or was judged already; take the next one."""


class ClaimsPaused(AnnotationError):
    """You get no tasks here until a researcher resumes you. The message says why you were paused."""


class NothingToSnapshot(AnnotationError):
    """The project has no current rankings to train on: rank some tasks or import rankings first."""


class BadLine(NamedTuple):
    """One bad line of an import. ``number`` counts from 1; ``field`` is empty where the whole line is bad."""

    number: int
    field: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.number}{', ' + self.field if self.field else ''}: {self.reason}"


class BadFile(AnnotationError):
    """An import has bad lines; nothing of it is stored."""

    def __init__(self, lines: Sequence[BadLine], more: int = 0) -> None:
        self.lines = list(lines)
        self.more = more
        shown = "\n".join(str(line) for line in self.lines)
        rest = f"\nand {more} more" if more else ""
        super().__init__(
            f"{len(self.lines) + more} bad line(s), nothing imported. Mend them, or import the rest without them.\n"
            f"{shown}{rest}"
        )
