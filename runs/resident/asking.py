"""Questions to the resident scorer. The process that asks loads no model."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connection

from runs.errors import NoScorer, NotAnswered
from runs.models import Question
from runs.writing import write

# The channels on which the scorer is woken, and those who wait for it.
QUESTION_CHANNEL, ANSWER_CHANNEL = "concord_asked", "concord_answered"
# Held by a scorer's connection for as long as it lives, so that nobody waits for one that died.
LOCK = 7418
# Long enough for a model to be loaded first.
WAIT_SECONDS = 120.0
_LOOK_SECONDS = 1.0


def is_running() -> bool:
    """Whether a resident scorer is connected to this database."""
    with connection.cursor() as cursor:
        cursor.execute(_RUNNING, [LOCK])
        return bool(cursor.fetchone()[0])


_RUNNING = """
    SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = %s
        AND objsubid = 1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""


def ask(*, kind: str, request: Mapping[str, Any], wait: float = WAIT_SECONDS) -> Any:
    """The answer to a question of a ``kind`` that some app answers (serving), as JSON.

    Not inside a transaction: the scorer would not see what it is asked. Raises NoScorer where none answers in ``wait``
    seconds, NotAnswered with the reason where it could not.
    """
    with _listening(ANSWER_CHANNEL):
        question = Question.objects.create(kind=kind, request=dict(request))
        try:
            notify(QUESTION_CHANNEL, question.pk)
            return _answer(question, time.monotonic() + wait)
        finally:
            forget(question)


@write
def forget(question: Question) -> None:
    """Delete it, unless a scorer is at it, whose row is locked for as long as a model takes to load: whoever asked has
    waited long enough, and the scorer deletes what nobody fetched."""
    rows = Question.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=question.pk)
    Question.objects.filter(pk__in=[row.pk for row in rows]).delete()


def _answer(question: Question, until: float) -> Any:
    while True:
        question.refresh_from_db(fields=["answer", "failure", "answered_at"])
        if question.answered_at is not None:
            if question.failure:
                raise NotAnswered(question.failure)
            return question.answer
        if not is_running():
            raise NoScorer(
                "No scorer is running. Whoever runs Concord starts one: “make serve” does, and “manage.py scorer” "
                "adds one."
            )
        if time.monotonic() > until:
            raise NoScorer("The scorer did not answer in time: ask for less at once, or try again.")
        wait_for_notice(_LOOK_SECONDS)


@contextmanager
def _listening(channel: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {channel}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"UNLISTEN {channel}")


def notify(channel: str, question: int) -> None:
    """Wake whoever listens, when this transaction is over."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [channel, str(question)])


def wait_for_notice(seconds: float) -> None:
    """Until a channel that is listened to says something, ``seconds`` at most."""
    for _ in connection.connection.notifies(timeout=seconds, stop_after=1):
        pass
