"""What several ask of the resident scorer at the same moment is one batch, and nobody's mistake is another's."""

from pathlib import Path
from typing import Any

import pytest

from rewardmodel import scoring
from rewardmodel.bradley_terry.artifact import load_reward_model
from rewardmodel.models import RewardModelVersion
from rltrainer import answering
from runs import artifacts
from runs.models import Question
from runs.resident import serving
from runs.resident.serving import MOST_TOGETHER, SHORT, Loaded, answer_waiting
from tests.annotation.factories import make_project
from tests.rewardmodel.versions import make_active
from tests.storing import store_artifacts_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]


@pytest.fixture
def version(fitted: Path, tmp_path: Path, settings: Any) -> RewardModelVersion:
    store_artifacts_in(tmp_path / "artifacts", settings)
    return make_active(make_project(), fitted)


def ask(version: int, *texts: str) -> Question:
    message = {"role": "user", "content": "How is the inn?"}
    lines = [{"form": "text", "prompt": [message], "completion": text} for text in texts]
    return Question.objects.create(kind=scoring.KIND, request={"version": version, "lines": lines})


def alone(version: RewardModelVersion, *texts: str) -> list[float]:
    model = load_reward_model(artifacts.local_folder(version.artifact))
    message = {"role": "user", "content": "How is the inn?"}
    return [float(model.score_completions("text", [message], [text])[0]) for text in texts]


def answers(question: Question) -> list[float]:
    question.refresh_from_db()
    assert question.failure == ""
    return [score for score, *_ in question.answer or []]


def test_what_waits_is_scored_in_one_pass_and_everybody_gets_their_own(version: RewardModelVersion) -> None:
    loaded = Loaded()
    assert answer_waiting(loaded) == 0
    asked_texts = [("good", "plain"), ("awful",), ("great and good", "good", "poor")]
    ask(version.pk, "it loads the model")
    answer_waiting(loaded)
    (model,) = loaded._models.values()
    passes, network = [], model.network.forward

    def count(batch: Any) -> Any:
        passes.append(batch)
        return network(batch)

    model.network.forward = count
    questions = [ask(version.pk, *texts) for texts in asked_texts]
    assert answer_waiting(loaded) == 3
    assert len(passes) == 1
    for question, texts in zip(questions, asked_texts, strict=True):
        assert answers(question) == pytest.approx(alone(version, *texts), abs=1e-5)


def test_a_question_that_cannot_be_answered_fails_alone(version: RewardModelVersion) -> None:
    first, broken, last = ask(version.pk, "good"), ask(-1, "good"), ask(version.pk, "awful")
    assert answer_waiting(Loaded()) == 3
    assert [answers(first), answers(last)] == [
        pytest.approx(alone(version, text), abs=1e-5) for text in ("good", "awful")
    ]
    broken.refresh_from_db()
    assert broken.answered_at is not None
    assert broken.failure == "BadInput: the reward model that was asked for is there no more"


def test_a_long_question_is_answered_by_itself_and_a_batch_has_an_end(
    version: RewardModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "import_string", lambda name: lambda requests, loaded: [1 for _ in requests])
    long, *short = ask(version.pk, "x" * SHORT), *(ask(version.pk, "good") for _ in range(MOST_TOGETHER + 1))
    last = ask(version.pk, "x" * SHORT)
    assert [answer_waiting(Loaded()) for _ in range(5)] == [1, MOST_TOGETHER, 1, 1, 0]
    for question in (long, *short, last):
        question.refresh_from_db()
        assert question.answer == 1


def test_answers_of_policies_are_given_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is sampled by itself: whoever asked first would wait for all."""
    monkeypatch.setattr(serving, "import_string", lambda name: lambda requests, loaded: [1 for _ in requests])
    for _ in range(2):
        Question.objects.create(kind=answering.KIND, request={})
    assert [answer_waiting(Loaded()) for _ in range(3)] == [1, 1, 0]
