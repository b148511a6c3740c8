"""The resident scorer, as a real process on the test's own database: what it answers, and what happens without it."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.test import Client

from annotation import tokens
from annotation.models import ApiToken
from rewardmodel import scoring
from rewardmodel.errors import ScoringFailed
from rewardmodel.models import RewardModelVersion
from runs import artifacts
from runs.errors import NoScorer
from runs.folder.starting import Process
from runs.models import Artifact, Question
from runs.resident import asking, serving
from tests.annotation.factories import make_member, make_project
from tests.pages.cast import make_cast
from tests.rewardmodel.versions import make_active
from tests.runs.conftest import wait_for
from tests.runs.slow_storage import answered_at_once, in_thread
from tests.scorers import scorers
from tests.storing import store_artifacts_in

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

TEXTS = ["it is great and great", "it is awful and awful", "it is plain", ""]


def line(text: str, prompt: str = "How is the inn 0?") -> dict[str, Any]:
    return {"form": "text", "prompt": [{"role": "user", "content": prompt}], "completion": text}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> Path:
    """Where this process and the scorer find the artifacts."""
    store_artifacts_in(tmp_path / "home" / "artifacts", settings)
    return tmp_path / "home"


@pytest.fixture
def start(home: Path) -> Iterator[Callable[[], Process]]:
    """Start a scorer with it; none outlives the test."""
    with scorers(home) as begin:
        yield begin


@pytest.fixture
def version(fitted: Path) -> RewardModelVersion:
    """The active reward model of a project, in this test's own storage."""
    return make_active(make_project(), fitted)


def test_it_gives_the_scores_of_a_child_and_keeps_nothing(version: RewardModelVersion, start: Any) -> None:
    lines = [line(text) for text in TEXTS] + [line("it is good " * 200)]
    lines.append({**line(TEXTS[0]), "prompt": [{"role": "user", "content": "How is the inn? " * 200}]})
    expected = scoring.score_lines(version=version, lines=lines)
    assert [one_score.completion_cut for one_score in expected] == [False] * 4 + [True, False]
    assert [one_score.prompt_cut for one_score in expected] == [False] * 5 + [True]
    process = start()
    for answered in (
        scoring.ask(version=version, lines=lines),
        scoring.score_lines(version=version, lines=lines),
    ):
        assert [one_score.value for one_score in answered] == pytest.approx(
            [one_score.value for one_score in expected], abs=1e-5
        )
        assert [one_score[1:] for one_score in answered] == [one_score[1:] for one_score in expected]
    assert not Question.objects.exists()
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(10) == 0
    wait_for(lambda: not asking.is_running())


def test_without_one_nobody_waits(version: RewardModelVersion) -> None:
    with pytest.raises(NoScorer, match=r"manage\.py scorer"):
        scoring.ask(version=version, lines=[line("a")])
    assert not Question.objects.exists()


def test_inside_a_transaction_a_child_is_asked(version: RewardModelVersion, start: Any) -> None:
    from django.db import transaction

    start()
    with transaction.atomic():
        (answered,) = scoring.score_lines(version=version, lines=[line("it is good")])
    assert answered.value == pytest.approx(
        scoring.ask(version=version, lines=[line("it is good")])[0].value, abs=1e-5
    )


def test_many_who_ask_at_once_get_their_own_answers(version: RewardModelVersion, start: Any) -> None:
    start()
    start()

    def ask(number: int) -> list[float]:
        try:
            answered = scoring.ask(
                version=version, lines=[line(text, f"How is {number}?") for text in TEXTS[:3]]
            )
            return [one_score.value for one_score in answered]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(24)))
    alone = scoring.ask(
        version=version, lines=[line(text, f"How is {number}?") for number in range(24) for text in TEXTS[:3]]
    )
    values = [one_score.value for one_score in alone]
    for number, scores in enumerate(answers):
        assert scores == pytest.approx(values[3 * number : 3 * number + 3], abs=1e-5)


def test_what_a_killed_scorer_was_at_is_answered_by_the_next(version: RewardModelVersion, start: Any) -> None:
    """It holds the row's lock while it loads the model: the lock goes with its connection."""
    first = start()
    lines = [line(f"{text} {number}") for number in range(500) for text in TEXTS]
    request = Question.objects.create(kind="scores", request={"version": version.pk, "lines": lines})
    asking.notify(asking.QUESTION_CHANNEL, request.pk)
    wait_for(lambda: _locked(request.pk))
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    request.refresh_from_db()
    assert request.answered_at is None
    start()
    wait_for(lambda: Question.objects.filter(pk=request.pk, answered_at__isnull=False).exists())
    request.refresh_from_db()
    assert request.failure == ""
    assert len(request.answer or []) == 2000


def _locked(pk: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM runs_question WHERE id = %s", [pk])
        assert cursor.fetchone()[0] == 1
        cursor.execute("BEGIN")
        cursor.execute("SELECT id FROM runs_question WHERE id = %s FOR UPDATE SKIP LOCKED", [pk])
        free = cursor.fetchone() is not None
        cursor.execute("ROLLBACK")
    return not free


def test_a_damaged_artifact_is_told_and_the_scorer_goes_on(version: RewardModelVersion, start: Any) -> None:
    start()
    broken = Artifact.objects.get(pk=version.artifact_id)
    (artifacts.local_folder(broken) / "head.safetensors").write_bytes(b"not weights")
    with pytest.raises(ScoringFailed):
        scoring.ask(version=version, lines=[line("a")])
    assert asking.is_running()


def test_it_waits_no_longer_than_it_was_told(version: RewardModelVersion, start: Any) -> None:
    process = start()
    os.kill(process.pid, signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(NoScorer, match="in time"):
        scoring.ask(version=version, lines=[line("a")], wait=1.5)
    assert time.monotonic() - began < 30
    os.kill(process.pid, signal.SIGCONT)


@pytest.mark.timeout(100)
def test_a_question_wakes_the_scorer_and_its_answer_whoever_asked(
    version: RewardModelVersion,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """``manage.py score``, asked and answered where both look by themselves once an hour: NOTIFY alone is in time."""
    texts = [*TEXTS, "it is good and fine " * 300]
    expected = scoring.score_lines(version=version, lines=[line(text) for text in texts])
    for module in (asking, serving):
        monkeypatch.setattr(module, "_LOOK_SECONDS", 3600.0)
    monkeypatch.setattr(scoring, "_score_in_child", lambda *args: pytest.fail("a child was asked"))
    (tmp_path / "asked.jsonl").write_text(
        "".join(json.dumps({"prompt": "How is the inn 0?", "completion": text}) + "\n" for text in texts)
    )
    with serving_here(monkeypatch) as waits:
        for _ in range(3):
            assert waits.wait(60)
            waits.clear()
            call_command("score", str(tmp_path / "asked.jsonl"), project=version.project.slug)
            lines = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
            scores = [one["score"] for one in lines]
            assert scores == pytest.approx([one_score.value for one_score in expected], abs=1e-5)
            cuts = [
                {name for name in one if name in ("truncated", "prompt_cut", "completion_cut")}
                for one in lines
            ]
            assert cuts == [*[set()] * len(TEXTS), {"truncated", "completion_cut"}]


@contextmanager
def serving_here(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A scorer in a thread of this process; the event says that it has found nothing to answer and begins to wait."""
    waits, stopped = threading.Event(), threading.Event()
    wait_for_notice = asking.wait_for_notice

    def wait(seconds: float) -> None:
        if threading.current_thread() is thread:
            waits.set()
        wait_for_notice(seconds)

    def serve() -> None:
        try:
            serving.serve(stopped.is_set)
        finally:
            connections.close_all()

    thread = threading.Thread(target=serve, daemon=True)
    monkeypatch.setattr(asking, "wait_for_notice", wait)
    thread.start()
    try:
        yield waits
    finally:
        stopped.set()
        asking.notify(asking.QUESTION_CHANNEL, 0)
        thread.join(60)


class TestApi:
    """POST /api/v1/score/."""

    @pytest.fixture
    def call(self, version: RewardModelVersion) -> Callable[..., Any]:
        researcher = make_member(version.project, name="rita", role="researcher")
        _, secret = tokens.create_token(user=researcher, name="t", scopes=[ApiToken.Scope.READ])
        # A program may give a key to whatever it asks: it keeps nothing from the scorer.
        client = Client(headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": "one for all"})

        def post(**fields: Any) -> Any:
            body = {"project": version.project.slug, **fields}
            return client.post("/api/v1/score/", body, content_type="application/json")

        return post

    def test_several_thousand_texts_are_one_request(
        self, call: Callable[..., Any], version: RewardModelVersion, start: Any
    ) -> None:
        start()
        items = [
            {"prompt": "How is the inn 0?", "completion": f"{n} it is {'fine ' * (n % 7)}"}
            for n in range(3000)
        ]
        items[7]["completion"] = TEXTS[0]
        items[8] = {"prompt": "How is the inn? " * 300, "completion": TEXTS[1]}
        items[9]["completion"] = "it is good and fine " * 300
        answer = call(items=items)
        assert answer.status_code == 200, answer.content[:300]
        body = answer.json()
        assert body["version"] == 1
        assert len(body["scores"]) == 3000
        (alone,) = scoring.ask(version=version, lines=[line(TEXTS[0])])
        whole = {"truncated": False, "prompt_cut": False, "completion_cut": False}
        assert body["scores"][7] == {"score": pytest.approx(alone.value, abs=1e-5), **whole}
        cut = [[one[name] for name in whole] for one in body["scores"][8:10]]
        assert cut == [[True, True, False], [True, False, True]]

    def test_without_a_scorer_it_says_when_to_try_again(self, call: Callable[..., Any]) -> None:
        answer = call(items=[{"prompt": "a", "completion": "b"}])
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert answer.json()["code"] == "no_scorer"

    @pytest.mark.parametrize(
        ("fields", "status"),
        [
            ({"items": []}, 400),
            ({"items": [{"prompt": "a"}]}, 400),
            ({"items": [{"prompt": 3, "completion": "b"}]}, 400),
            ({"items": [{"prompt": "a", "completion": "b"}], "project": "nobodys"}, 404),
            ({"items": [{"prompt": "a", "completion": "b"}], "version": 9}, 404),
            ({"items": [{"prompt": "a", "completion": "b"}] * 10_001}, 400),
        ],
    )
    def test_what_cannot_be_scored_is_told(self, call: Callable[..., Any], fields: Any, status: int) -> None:
        answer = call(**fields)
        assert answer.status_code == status
        assert answer.json()["detail"]

    def test_a_project_without_a_reward_model_has_no_scores(self) -> None:
        cast = make_cast()
        client = Client()
        client.force_login(cast.olivia)
        make_project("bare")
        body = {"project": "bare", "items": [{"prompt": "a", "completion": "b"}]}
        answer = client.post("/api/v1/score/", body, content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (409, "no_reward_model")


def test_whoever_asked_does_not_wait_for_a_scorer_that_is_still_at_it(version: RewardModelVersion) -> None:
    request = Question.objects.create(kind="scores", request={"version": version.pk, "lines": []})

    def forget() -> None:
        with answered_at_once():
            asking.forget(request)

    with transaction.atomic():
        Question.objects.select_for_update().get(pk=request.pk)
        with in_thread(forget) as forgotten:
            pass
    assert forgotten == [None]
    assert Question.objects.exists()
    asking.forget(request)
    assert not Question.objects.exists()
