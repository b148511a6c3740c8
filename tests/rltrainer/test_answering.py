"""Answers on the spot, by a real scorer: what it samples and scores, the page and the API that ask it."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from django.test import Client

from annotation.models import Task
from rewardmodel import scoring
from rltrainer import answering, policies
from rltrainer.errors import BadConfig
from rltrainer.models import PolicyVersion
from rltrainer.policy.config import SamplingSettings
from rltrainer.policy.generation import generate
from rltrainer.policy.loading import load_policy
from rltrainer.policy.prompts import Prompt, encode_with_room
from runs.errors import NoScorer, NotAnswered
from runs.folder.starting import Process
from runs.models import Question
from tests.annotation.factories import put
from tests.pages.cast import Cast, make_cast
from tests.rewardmodel.pure.factories import fit, make_fit
from tests.rewardmodel.versions import make_active
from tests.rltrainer.policy.factories import make_folder
from tests.scorers import scorers
from tests.storing import store_artifacts_in

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
PROMPTS = [
    {"form": "text", "messages": [{"role": "user", "content": f"Say {word}"}]} for word in ("a b", "c")
]
SAMPLING = {"samples": 3, "temperature": 1.0, "max_new_tokens": 6}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> Path:
    """Where this process and the scorer find the artifacts."""
    store_artifacts_in(tmp_path / "home" / "artifacts", settings)
    return tmp_path / "home"


@pytest.fixture
def start(home: Path) -> Iterator[Callable[[], Process]]:
    """Start a scorer; none outlives the test."""
    with scorers(home) as begin:
        yield begin


@pytest.fixture
def cast(tmp_path: Path) -> Cast:
    """With two policies, of which the second is the current one."""
    with_policies = make_cast()
    for seed in (0, 1):
        policies.make_version(
            project=with_policies.project, base=str(make_folder(tmp_path / f"policy {seed}", seed))
        )
    return with_policies


def versions(cast: Cast) -> list[PolicyVersion]:
    return list(PolicyVersion.objects.filter(project=cast.project).order_by("number"))


def alone(version: PolicyVersion, seed: int) -> list[list[str]]:
    """What the policy says, asked without a scorer."""
    policy = load_policy(version.base, lora=None, device=torch.device("cpu"))
    prompts = [Prompt(str(n), one["form"], one["messages"]) for n, one in enumerate(PROMPTS)]  # type: ignore[arg-type]
    ids = encode_with_room(policy, prompts, max_prompt_tokens=100, max_new_tokens=6).ids
    generator = torch.Generator().manual_seed(seed * 1_000_003)
    texts = generate(policy.model, policy.tokenizer, ids, SamplingSettings(6, samples=3), generator).texts
    return [texts[:3], texts[3:]]


def test_each_policy_answers_from_the_same_numbers_and_the_active_reward_model_scores(
    cast: Cast, start: Any, tmp_path: Path
) -> None:
    folder = make_fit(tmp_path / "fit")
    fit(folder)
    judge = make_active(cast.project, folder.output)
    start()
    answers = answering.answers(
        policies=versions(cast), prompts=PROMPTS, sampling=SAMPLING, seed=5, reward_model=judge
    )
    texts = [[[one.text for one in of_prompt] for of_prompt in of_policy] for of_policy in answers]
    assert texts == [alone(version, 5) for version in versions(cast)]
    assert texts[0] != texts[1]
    lines = [
        {"form": prompt["form"], "prompt": prompt["messages"], "completion": one.text}
        for of_policy in answers
        for prompt, of_prompt in zip(PROMPTS, of_policy, strict=True)
        for one in of_prompt
    ]
    expected = [score.value for score in scoring.ask(version=judge, lines=lines)]
    scores = [one.score for of_policy in answers for of_prompt in of_policy for one in of_prompt]
    assert scores == pytest.approx(expected, abs=1e-5)
    assert not Question.objects.exists()


def test_what_cannot_be_answered_is_told(cast: Cast, start: Any, tmp_path: Path) -> None:
    first_policy = versions(cast)[:1]
    with pytest.raises(NoScorer, match=r"manage\.py scorer"):
        answering.answers(policies=first_policy, prompts=PROMPTS, sampling=SAMPLING)
    with pytest.raises(BadConfig, match="at least 1"):
        answering.answers(policies=first_policy, prompts=PROMPTS, sampling={**SAMPLING, "max_new_tokens": 0})
    with pytest.raises(BadConfig, match="1 to 10,000 answers"):
        answering.answers(policies=first_policy, prompts=PROMPTS * 3000, sampling={**SAMPLING, "samples": 2})
    start()
    with pytest.raises(NotAnswered, match="fills the policy's context"):
        answering.answers(
            policies=first_policy, prompts=PROMPTS, sampling={**SAMPLING, "max_new_tokens": 5000}
        )
    gone = policies.make_version(project=cast.project, base=str(tmp_path / "nowhere"), current=False)
    with pytest.raises(NotAnswered):
        answering.answers(policies=[gone], prompts=PROMPTS, sampling=SAMPLING)
    assert answering.answers(policies=first_policy, prompts=PROMPTS, sampling=SAMPLING)  # it goes on


def words(answer: Any) -> str:
    return " ".join(re.sub("<[^>]*>", " ", answer.content.decode()).split())


def test_the_page_shows_answers_side_by_side_and_makes_a_task_of_them(cast: Cast, start: Any) -> None:
    client = Client()
    client.force_login(cast.carol)
    address = "/admin/projects/helpful/try/"
    assert "No scorer is running" in words(client.get(address))
    form = {
        "prompt": "Say a b",
        "versions": [version.pk for version in versions(cast)],
        "samples": "2",
        "temperature": "1",
        "max_new_tokens": "6",
        "seed": "5",
        "do": "ask",
    }
    refused = client.post(address, form)
    assert (refused.status_code, "Whoever runs Concord starts one" in words(refused)) == (400, True)
    start()
    shown = words(client.post(address, form))
    answers = answering.answers(
        policies=versions(cast), prompts=PROMPTS[:1], sampling={**SAMPLING, "samples": 2}, seed=5
    )
    for number, of_policy in enumerate(answers, start=1):
        assert f"v{number}" in shown
        for one in of_policy[0]:
            assert " ".join(one.text.split()) in shown
    assert "No reward model is active, so nothing is scored." in shown
    assert not Task.objects.exists()
    assert client.post(address, {**form, "do": "task"}).status_code == 302
    task = Task.objects.get(project=cast.project)
    different = {one.text for of_policy in answers for one in of_policy[0] if one.text.strip()}
    entries = list(task.entries.select_related("completion__source"))
    assert {entry.completion.text for entry in entries} == different
    assert {entry.completion.source.name for entry in entries} <= {"policy v1", "policy v2"}
    assert task.prompt.last_text == "Say a b"
    assert client.post(address, {**form, "samples": "9"}).status_code == 400
    # A project whose prompts are dialogues is asked in dialogues.
    put(cast.project, "prompts", {"prompt": [{"role": "user", "content": "Say c"}]})
    assert client.post(address, {**form, "do": "task"}).status_code == 302
    assert Task.objects.latest("pk").prompt.form == "chat"


def test_the_page_scores_texts_the_best_first(cast: Cast, start: Any, tmp_path: Path) -> None:
    folder = make_fit(tmp_path / "fit")
    fit(folder)
    judge = make_active(cast.project, folder.output)
    start()
    client = Client()
    client.force_login(cast.carol)
    form = {
        "score-prompt": "How is the inn 0?",
        "score-texts": "it is awful and awful\r\n---\r\nit is great\r\nand great",
        "score-version": judge.pk,
        "do": "score",
    }
    shown = words(client.post("/admin/projects/helpful/try/", form))
    texts = ["it is awful and awful", "it is great\nand great"]
    lines = [
        {"form": "text", "prompt": [{"role": "user", "content": "How is the inn 0?"}], "completion": text}
        for text in texts
    ]
    values = [score.value for score in scoring.ask(version=judge, lines=lines)]
    places = [
        shown.index(f"{value:.3f} {' '.join(text.split())}")
        for value, text in zip(values, texts, strict=True)
    ]
    assert (places[0] < places[1]) == (values[0] > values[1])


def test_the_api_answers_prompts_of_both_forms(cast: Cast, start: Any) -> None:
    client = Client()
    client.force_login(cast.carol)
    chat = [{"role": "user", "content": "Say c"}]
    body = {
        "project": "helpful",
        "prompts": ["Say a b", chat],
        "completions": 2,
        "max_new_tokens": 6,
        "policy": 1,
    }
    assert client.post("/api/v1/generate/", body, content_type="application/json").status_code == 503
    start()
    answer = client.post("/api/v1/generate/", body, content_type="application/json").json()
    assert (answer["policy"], answer["reward_model"]) == (1, None)
    assert [len(of_prompt) for of_prompt in answer["answers"]] == [2, 2]
    assert set(answer["answers"][0][0]) == {"text", "finished", "score"}
    again = client.post("/api/v1/generate/", body, content_type="application/json").json()
    assert again == answer
    wrongs: list[dict[str, Any]] = [
        {"prompts": [3]},
        {"prompts": []},
        {"top_p": 0.0},
        {"policy": 9},
        {"scored": True},
    ]
    for wrong in wrongs:
        refused = client.post("/api/v1/generate/", {**body, **wrong}, content_type="application/json")
        assert refused.status_code in (400, 409), wrong
