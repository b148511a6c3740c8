"""The resident process: keeps models loaded and answers questions, which are rows.

The oldest question comes first. Where its kind gains by it, others that wait and are short go along: what many ask at
the same moment is scored in one batch. They are answered in the transaction that locked them, so that those whose
scorer died are taken by the next one. Any number of scorers share the work. Woken by NOTIFY. Which kinds of question
there are, the apps say when they are ready.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import TextField
from django.db.models.functions import Cast, Length, Now
from django.utils.module_loading import import_string

from runs.folder.errors import RunError
from runs.models import Question
from runs.resident import asking
from runs.writing import write

_LOOK_SECONDS = 1.0
# Nobody waits for an answer for so long.
_FORGOTTEN = timedelta(hours=1)
# Questions that are answered together, and how long one of them may be, in characters of its JSON: somebody who asks
# for little does not wait until much is answered.
MOST_TOGETHER, SHORT = 16, 64 * 1024


class Loaded:
    """The models used last, ``settings.SCORER_MODELS`` of them, by a name that says their content."""

    def __init__(self) -> None:
        self._models: OrderedDict[str, Any] = OrderedDict()

    def get(self, name: str, load: Callable[[], Any]) -> Any:
        """The model called ``name``; ``load`` brings it where it is not here, and the one longest unused goes."""
        if name not in self._models:
            while len(self._models) >= settings.SCORER_MODELS:
                self._models.popitem(last=False)
            self._models[name] = load()
        self._models.move_to_end(name)
        return self._models[name]

    def clear(self) -> None:
        """Give the memory back."""
        self._models.clear()


# From questions of a kind and the models to the answer of each, all as JSON. Raises RunError with the reason.
Answerer = Callable[[Sequence[dict[str, Any]], Loaded], Sequence[Any]]
# What a model that cannot be loaded or used raises; torch says with a RuntimeError that memory is short.
_FAILURES = (RunError, RuntimeError, OSError)
_answerers: dict[str, str] = {}
_together: set[str] = set()


def register(kind: str, answerer: str, *, together: bool = False) -> None:
    """Called from an app's ``ready``. ``answerer`` names an Answerer, which is imported when it is asked for the first
    time: nothing else needs what it loads. ``together``: several at once take little longer than one; of other kinds
    it gets one question at a time, so that nobody waits for another's answer."""
    _answerers[kind] = answerer
    if together:
        _together.add(kind)


def serve(stopped: Callable[[], bool]) -> None:
    """Answer questions until ``stopped`` says so."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock_shared(%s)", [asking.LOCK])
        cursor.execute(f"LISTEN {asking.QUESTION_CHANNEL}")
    loaded = Loaded()
    while not stopped():
        if not answer_waiting(loaded):
            Question.objects.filter(asked_at__lt=Now() - _FORGOTTEN).delete()
            asking.wait_for_notice(_LOOK_SECONDS)


@write
def answer_waiting(loaded: Loaded) -> int:
    """Answer the oldest question that nobody is at, with others that go along; how many, 0 where none waits."""
    waiting = Question.objects.filter(answered_at=None, kind__in=_answerers)
    waiting = waiting.annotate(size=Length(Cast("request", TextField()))).order_by("pk")
    waiting = waiting.select_for_update(skip_locked=True, no_key=True)
    questions = list(waiting[:1])
    if questions and questions[0].kind in _together and questions[0].size <= SHORT:
        (first,) = questions
        others = waiting.filter(kind=first.kind, size__lte=SHORT, pk__gt=first.pk)
        questions += others[: MOST_TOGETHER - 1]
    for question, (answer, failure) in zip(questions, _answers(questions, loaded), strict=True):
        Question.objects.filter(pk=question.pk).update(answer=answer, failure=failure, answered_at=Now())
        asking.notify(asking.ANSWER_CHANNEL, question.pk)
    return len(questions)


def _answers(questions: Sequence[Question], loaded: Loaded) -> list[tuple[Any, str]]:
    """The answer of each, or the reason why there is none: where all together fail, each is tried alone."""
    if not questions:
        return []
    answerer: Answerer = import_string(_answerers[questions[0].kind])
    if len(questions) > 1:
        try:
            return [(answer, "") for answer in answerer([one.request for one in questions], loaded)]
        except _FAILURES:
            return [_answer_alone(answerer, one, loaded) for one in questions]
    return [_answer_alone(answerer, questions[0], loaded)]


def _answer_alone(answerer: Answerer, question: Question, loaded: Loaded) -> tuple[Any, str]:
    """Where memory was short it is tried once more with all of it."""
    for last in (False, True):
        try:
            (answer,) = answerer([question.request], loaded)
        except _FAILURES as error:
            if last or "memory" not in str(error).lower():
                return None, f"{type(error).__name__}: {error}"
            loaded.clear()
        else:
            return answer, ""
    raise AssertionError("the last try has answered")
