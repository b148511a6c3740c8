"""The resident scorer: a process that keeps reward models loaded and answers requests, which are rows.

One request at a time and the oldest first; it is answered in the transaction that locked it, so that a request whose
scorer died is taken by the next one. Any number of scorers share the work. Woken by NOTIFY.
"""

from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from rewardmodel import scoring
from rewardmodel.models import RewardModelVersion, ScoreRequest
from runs import artifacts
from runs.folder.errors import RunError
from runs.writing import write

# Reward models in memory at a time: a project's active one, and one that is looked at beside it.
MOST_LOADED = 2
_LOOK_SECONDS = 1.0
# Nobody waits for an answer for so long.
_FORGOTTEN = timedelta(hours=1)


def serve(stopped: Callable[[], bool]) -> None:
    """Answer requests until ``stopped`` says so."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock_shared(%s)", [scoring.LOCK])
        cursor.execute(f"LISTEN {scoring.ASKED}")
    models = Loaded()
    while not stopped():
        if not answer_one(models):
            ScoreRequest.objects.filter(asked_at__lt=Now() - _FORGOTTEN).delete()
            scoring.wait_for_notice(_LOOK_SECONDS)


class Loaded:
    """The reward models used last, by their artifacts' digests."""

    def __init__(self) -> None:
        self._models: OrderedDict[str, Any] = OrderedDict()

    def get(self, version: RewardModelVersion) -> Any:
        """The model of ``version``. Raises RunError where it cannot be loaded."""
        # Here, so that a scorer that nobody asks costs little memory.
        from lm.devices import choose_device
        from rewardmodel.bradley_terry.artifact import load_reward_model

        digest = version.artifact.digest
        if digest not in self._models:
            while len(self._models) >= MOST_LOADED:
                self._models.popitem(last=False)
            folder = artifacts.local_folder(version.artifact)
            self._models[digest] = load_reward_model(str(folder), choose_device("auto"))
        self._models.move_to_end(digest)
        return self._models[digest]


@write
def answer_one(models: Loaded) -> bool:
    """Answer the oldest request that nobody is at; False where none waits."""
    waiting = ScoreRequest.objects.filter(answered_at=None).select_related("version__artifact")
    request = waiting.select_for_update(of=("self",), skip_locked=True, no_key=True).order_by("pk").first()
    if request is None:
        return False
    try:
        request.answer = _scores(models, request)
    except (RunError, RuntimeError, OSError) as error:  # torch says with a RuntimeError that memory is short
        request.failure = f"{type(error).__name__}: {error}"
    ScoreRequest.objects.filter(pk=request.pk).update(
        answer=request.answer, failure=request.failure, answered_at=Now()
    )
    scoring.notify(scoring.ANSWERED, request.pk)
    return True


def _scores(models: Loaded, request: ScoreRequest) -> list[tuple[float, bool]]:
    items = [(line["form"], line["prompt"], line["completion"]) for line in request.lines]
    values, truncated = models.get(request.version).score_flagged(items)
    return list(zip(values.tolist(), truncated, strict=True))
