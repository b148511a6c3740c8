"""Pages and the API say beside each figure how many simulated rankings are in it, and nothing where there are none."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from annotation.files.intake.demonstrations import add_demonstration
from annotation.models import Annotator, Completion, Demonstration, Ranking
from annotation.quality import upkeep
from console.forms.simulating import SimulateForm
from rewardmodel.models import Reward, RewardModelVersion
from rltrainer.models import PolicyVersion
from runs.models import Run
from tests.annotation.factories import make_annotator, put
from tests.annotation.factories import ranking as line
from tests.pages.cast import Cast, make_cast
from tests.pages.test_numbers import HELD_OUT as REPORT
from tests.pages.test_permissions import PAGES
from tests.rltrainer.factories import make_policy, make_reward_model, make_snapshot

pytestmark = [pytest.mark.django_db, pytest.mark.long]


@pytest.fixture
def cast() -> Cast:
    """Rankings by two people, and three by a simulated annotator."""
    cast = make_cast()
    cast.project.is_demo = True
    cast.project.adjudicate_below = 0.9
    cast.project.save()
    people = [line("Which?", 1, 2, annotator="ann"), line("And?", 2, 1, annotator="ben")]
    robot = [
        {**line(prompt, 2, 1, annotator="robot"), "concord": {"simulated": True}}
        for prompt in ("Which?", "3", "4")
    ]
    put(cast.project, "rankings", *people, *robot)
    return cast


def text_of(cast: Cast, name: str, *args: object) -> str:
    """A page's words, without its marks."""
    client = Client()
    client.force_login(cast.carol)
    page = client.get(reverse(f"admin:{name}", args=args)).content.decode()
    return " ".join(re.sub("<[^>]*>", " ", page).split())


def only_people(cast: Cast) -> None:
    Ranking.objects.filter(annotator__simulated=True).delete()


def make_versions(cast: Cast, simulated: int) -> tuple[RewardModelVersion, Run]:
    """A reward model of a snapshot, and the run of a policy that followed it."""
    reward_model = make_reward_model(cast.project, 1, make_snapshot(cast.project, "s", simulated))
    base = make_policy(cast.project, 1)
    policy = make_policy(cast.project, 2, algorithm="ppo", start=base, reward_model=reward_model)
    assert policy.training is not None
    return reward_model, policy.training.run


def test_the_project_and_the_index_count_them_beside_all(cast: Cast) -> None:
    assert "Rankings 5 +5 this week 3 simulated" in text_of(cast, "project", "helpful")
    assert "5 rankings, 3 of them simulated, and no reward model yet" in text_of(cast, "index")
    only_people(cast)
    assert "Rankings 2 +2 this week Reward model" in text_of(cast, "project", "helpful")
    assert "2 rankings, and no reward model yet" in text_of(cast, "index")


def test_versions_and_runs_are_marked_through_what_they_were_made_from(cast: Cast) -> None:
    reward_model, training = make_versions(cast, 1300)
    home = text_of(cast, "project", "helpful")
    assert "Decide on reward model v1 1,300 simulated" in home
    assert "Decide on policy v2 1,300 simulated" in home
    assert text_of(cast, "reward_models", "helpful").count("1,300 simulated") == 1
    assert text_of(cast, "policies", "helpful").count("1,300 simulated") == 1
    assert "v2 by PPO 1,300 simulated" in text_of(cast, "policies", "helpful")
    RewardModelVersion.objects.update(is_active=True)
    PolicyVersion.objects.filter(number=1).update(is_current=False)
    PolicyVersion.objects.filter(number=2).update(is_current=True)
    assert text_of(cast, "project", "helpful").count("1,300 simulated") == 2
    RewardModelVersion.objects.update(is_active=False)
    assert "was not activated by itself. 1,300 simulated" in text_of(cast, "index")
    for run in (reward_model.fit.run, training):
        assert "1,300 simulated rankings are behind the figures of this run" in text_of(cast, "run", run.pk)


def test_nothing_is_marked_where_people_judged(cast: Cast) -> None:
    only_people(cast)
    reward_model, training = make_versions(cast, 0)
    pages = [text_of(cast, name, "helpful") for name in ("project", "reward_models", "policies")]
    pages.append(text_of(cast, "index"))
    pages += [text_of(cast, "run", run.pk) for run in (reward_model.fit.run, training)]
    # A demo offers to make some, which marks nothing.
    assert not [page for page in pages if "simulated" in page.replace(SimulateForm.button, "")]


def test_quality_counts_them_whoever_ranked_most(cast: Cast) -> None:
    upkeep.rebuild(project=cast.project)
    assert "3 of the 5 rankings in these figures are simulated." in text_of(cast, "quality", "helpful")
    only_people(cast)
    upkeep.rebuild(project=cast.project)
    assert "simulated" not in text_of(cast, "quality", "helpful")


def test_disagreements_and_annotators_mark_who_is_simulated(cast: Cast) -> None:
    assert "robot simulated" in text_of(cast, "disagreements", "helpful")
    assert "ann simulated" not in text_of(cast, "disagreements", "helpful")
    assert "robot simulated" in text_of(cast, "annotators", "helpful")


def test_the_api_says_it_of_versions_and_statistics(cast: Cast) -> None:
    make_versions(cast, 1300)
    upkeep.rebuild(project=cast.project)
    client = Client()
    client.force_login(cast.carol)
    at = "/api/v1/projects/helpful/"
    assert client.get(f"{at}reward-models/1/").json()["simulated"] == 1300
    assert [one["simulated"] for one in client.get(f"{at}policies/").json()["results"]] == [1300, 0]
    assert client.get(f"{at}quality/").json()["simulated"] == 3


def test_what_they_wrote_is_marked_where_it_is_listed_and_reviewed(cast: Cast) -> None:
    """Of two answers to review the people's says nothing."""
    robot = Annotator.objects.get(pseudonym="robot")
    for author in (make_annotator(cast.project), robot):
        prompt = cast.project.prompts.get(messages__0__content="Which?")
        written = add_demonstration(prompt=prompt, annotator=author, text=f"By {author.pseudonym}.")
        Demonstration.objects.filter(pk=written.pk).update(review="waiting")
    rows = text_of(cast, "data", "helpful", "demonstrations")
    assert rows.count("simulated") == 1
    client = Client()
    client.force_login(cast.alice)
    first = client.get("/projects/helpful/review/").content.decode()
    assert "Somebody" in first
    assert "simulated" not in first
    Demonstration.objects.exclude(author=robot).update(review="accepted")
    assert "A simulated annotator" in client.get("/projects/helpful/review/").content.decode()


# Pages without a figure of judgements, or of what was made from them.
WITHOUT = {
    "flags",
    "people",
    "settings",
    "withdrawals",
    "webhooks",
    "look",
    "run_live",
    "run_log",
    "run_answers",
}
# Files and what scripts draw: the page that they belong to says it, and each line of a file of judgements.
PARTS = {"data_file", "run_metrics", "run_file", "run_output"}


def test_every_page_with_a_figure_says_it(cast: Cast) -> None:
    reward_model, training = make_versions(cast, 1300)
    RewardModelVersion.objects.update(is_active=True, report=REPORT)
    fitted = {"reward_model": 1, "accuracy": 0.7, "simulated": 1300}
    Run.objects.filter(pk=reward_model.fit.run_id).update(
        status="succeeded", finished_at="2026-01-01T00:00Z", result=fitted
    )
    upkeep.rebuild(project=cast.project)
    completion = Completion.objects.filter(prompt__project=cast.project).latest("pk")
    Reward.objects.create(version=reward_model, completion=completion, value=1)
    client = Client()
    client.force_login(cast.carol)
    addresses = {name: path for name, (method, path) in PAGES.items() if method == "get" and name != "datum"}
    silent = set()
    for name, path in {
        **addresses,
        "data": "/admin/projects/helpful/data/completions/",
        "datum": f"/admin/projects/helpful/data/completions/{completion.public_id}/",
    }.items():
        answer = client.get(path.format(run=training.pk))
        if "simulated" not in answer.getvalue().decode():
            silent.add(name)
    assert silent - PARTS <= WITHOUT
    assert "v1, accuracy 70.0%, 1,300 simulated" in text_of(cast, "runs", "helpful")
    assert "Score texts 1,300 simulated" in text_of(cast, "try", "helpful")
    assert "Reward by v1 1,300 simulated" in text_of(cast, "data", "helpful", "completions")
