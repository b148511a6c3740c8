"""The resident process: keeps models loaded and answers questions, which are rows.

One question at a time and the oldest first; it is answered in the transaction that locked it, so that a question whose
scorer died is taken by the next one. Any number of scorers share the work. Woken by NOTIFY. Which kinds of question
there are, the apps say when they are ready.
"""

from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from runs.folder.errors import RunError
from runs.models import Question
from runs.resident import asking
from runs.writing import write

_LOOK_SECONDS = 1.0
# Nobody waits for an answer for so long.
_FORGOTTEN = timedelta(hours=1)


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


# From what was asked and the models to the answer, both as JSON. Raises RunError with the reason.
Answerer = Callable[[dict[str, Any], Loaded], Any]
_answerers: dict[str, str] = {}


def register(kind: str, answerer: str) -> None:
    """Called from an app's ``ready``. ``answerer`` names an Answerer, which is imported when it is asked for the first
    time: nothing else needs what it loads."""
    _answerers[kind] = answerer


def serve(stopped: Callable[[], bool]) -> None:
    """Answer questions until ``stopped`` says so."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock_shared(%s)", [asking.LOCK])
        cursor.execute(f"LISTEN {asking.QUESTION_CHANNEL}")
    loaded = Loaded()
    while not stopped():
        if not answer_one(loaded):
            Question.objects.filter(asked_at__lt=Now() - _FORGOTTEN).delete()
            asking.wait_for_notice(_LOOK_SECONDS)


@write
def answer_one(loaded: Loaded) -> bool:
    """Answer the oldest question that nobody is at; False where none waits."""
    waiting = Question.objects.filter(answered_at=None, kind__in=_answerers)
    question = waiting.select_for_update(skip_locked=True, no_key=True).order_by("pk").first()
    if question is None:
        return False
    answer, failure = _answer(question, loaded)
    Question.objects.filter(pk=question.pk).update(answer=answer, failure=failure, answered_at=Now())
    asking.notify(asking.ANSWER_CHANNEL, question.pk)
    return True


def _answer(question: Question, loaded: Loaded) -> tuple[Any, str]:
    """The answer, or the reason why there is none. Where memory was short it is tried once more with all of it."""
    answerer: Answerer = import_string(_answerers[question.kind])
    for last in (False, True):
        try:
            return answerer(question.request, loaded), ""
        except (
            RunError,
            RuntimeError,
            OSError,
        ) as error:  # torch says with a RuntimeError that memory is short
            if last or "memory" not in str(error).lower():
                return None, f"{type(error).__name__}: {error}"
        loaded.clear()
    raise AssertionError("the last try has answered")
