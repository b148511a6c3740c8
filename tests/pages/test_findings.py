"""What a run's page says in words."""

from typing import Any

import pytest
from django.utils import timezone

from annotation.models import Project, Prompt, Source
from console.pages.findings import findings
from rewardmodel.models import Fit, RewardModelVersion
from rltrainer.models import Evaluation, PolicyVersion, Training
from runs.models import Artifact, Run

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return Project.objects.create(slug="walks", name="Walks")


def make_run(kind: str, **fields: Any) -> Run:
    return Run.objects.create(kind=kind, status=Run.Status.SUCCEEDED, finished_at=timezone.now(), **fields)


def make_policy(project: Project, number: int, **fields: Any) -> PolicyVersion:
    source = Source.objects.create(project=project, kind=Source.Kind.POLICY, name=f"policy v{number}")
    return PolicyVersion.objects.create(project=project, number=number, source=source, base="x", **fields)


def make_reward_model(project: Project, run: Run, report: dict[str, Any]) -> RewardModelVersion:
    fit = Fit.objects.create(run=run, project=project)
    artifact = Artifact.objects.create(digest="0" * 64, kind="reward_model", files={})
    return RewardModelVersion.objects.create(
        project=project, number=3, fit=fit, artifact=artifact, report=report, activation="Not worse."
    )


def test_a_fit_is_put_beside_longer_wins_and_two_people(project: Project) -> None:
    run = make_run("fit_reward_model")
    report = {
        "held_out": {
            "accuracy": {"value": 0.7071, "interval": [0.66, 0.752]},
            "longer_wins": {"value": 0.6, "interval": [0.55, 0.651]},
        },
        "human_agreement": {"value": 0.673, "interval": None},
    }
    make_reward_model(project, run, report)
    of_run = findings(run)
    assert of_run is not None
    assert of_run.sentences == [
        "This is reward model v3. It orders 70.7% (66.0 to 75.2) of held-out pairs as people did.",
        "Preferring the longer text would order 60.0% (55.0 to 65.1).",
        "Two people agree on 67.3%.",
        "Not worse.",
    ]


def test_a_fit_that_length_alone_matches_says_so(project: Project) -> None:
    run = make_run("fit_reward_model")
    accuracy = {"value": 0.61, "interval": [0.57, 0.65]}
    held_out = {"accuracy": accuracy, "above_longer_wins": {"value": 0.01, "interval": [-0.02, 0.04]}}
    version = make_reward_model(project, run, {"held_out": held_out})
    of_run = findings(run)
    assert of_run is not None
    assert "Length alone may be what it learnt: that baseline is not shown to be worse." in of_run.sentences
    held_out["above_longer_wins"] = {"value": 0.05, "interval": [0.01, 0.09]}
    version.report = {"held_out": held_out}
    version.save()
    of_run = findings(run)
    assert of_run is not None
    assert not [sentence for sentence in of_run.sentences if "Length alone" in sentence]


def test_a_training_tells_reward_distance_and_shows_texts(project: Project) -> None:
    run = make_run("train_policy")
    reward_model = make_reward_model(project, make_run("fit_reward_model"), {})
    training = Training.objects.create(
        run=run, project=project, algorithm="ppo", start=make_policy(project, 1), reward_model=reward_model
    )
    report = {
        "before": {"reward": -0.014, "length": 24.2},
        "after": {"reward": 0.693, "length": 30.8, "kl": 1.62},
        "gain_in_deviations": 0.828,
        "held_out": True,
        "examples": [
            {
                "prompt": [{"role": "user", "content": "Describe."}],
                "before": {"completion": "Short.", "reward": 0.1},
                "after": {"completion": "Longer.", "reward": 0.4},
            }
        ],
    }
    make_policy(project, 2, training=training, report=report)
    of_run = findings(run)
    assert of_run is not None
    assert of_run.sentences == [
        "This is policy v2. Its mean reward on prompts that it was not trained on went from -0.01 to 0.69: "
        "+0.83 standard deviations of the policy it started from.",
        "It is 1.6 nats of KL away from that policy; a completion has 31 tokens now and had 24.",
    ]
    assert of_run.examples[0].prompt == "Describe."
    assert [tuple(text) for text in of_run.examples[0].texts] == [
        ("before", "Short.", 0.1),
        ("after", "Longer.", 0.4),
    ]


def test_a_comparison_says_who_wins_and_by_how_much(project: Project) -> None:
    run = make_run("evaluate_policy")
    prompt = Prompt.objects.create(
        project=project,
        form="text",
        messages=[{"role": "user", "content": "Describe."}],
        digest="1" * 64,
        split="test",
    )
    report = {
        "versions": [1, 2],
        "prompts": 40,
        "policies": [
            {
                "win_rate": {"value": 0.5, "interval": [0.5, 0.5]},
                "reward_gain": {"value": 0, "interval": [0, 0]},
            },
            {
                "win_rate": {"value": 0.8, "interval": [0.7, 0.9]},
                "reward_gain": {"value": 0.5, "interval": [0.4, 0.6]},
            },
        ],
        "examples": [{"prompt_id": str(prompt.public_id), "texts": ["One.", "Two."]}],
    }
    Evaluation.objects.create(run=run, project=project, report=report)
    of_run = findings(run)
    assert of_run is not None
    assert of_run.sentences == [
        "By the reward model, v2 writes the better completion in 80.0% (70.0 to 90.0) of cases against v1 "
        "(40 prompts); its mean reward is 0.50 (0.40 to 0.60) higher."
    ]
    assert of_run.examples[0].prompt == "Describe."
    assert [text.label for text in of_run.examples[0].texts] == ["v1", "v2"]


def test_a_run_that_has_not_ended_has_found_nothing(project: Project) -> None:
    run = Run.objects.create(kind="train_policy")
    Training.objects.create(run=run, project=project, algorithm="sft")
    assert findings(run) is None
