"""What a project's home says is worth doing, as the loop is walked once; and its numbers, against the database."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotation import members, people
from annotation.collecting import flags, queue
from annotation.files import intake
from annotation.models import Prompt, Ranking, Slot
from annotation.quality import upkeep
from console import loop
from console.next_steps import next_steps
from rewardmodel import activation
from rewardmodel.models import RewardModelVersion
from rltrainer import policies
from runs.models import Run
from tests.annotation.factories import make_annotator, put
from tests.annotation.factories import ranking as line
from tests.pages.cast import Cast, make_cast
from tests.pages.factories import make_transfer
from tests.rltrainer.factories import make_policy, make_reward_model, make_snapshot

pytestmark = [pytest.mark.django_db, pytest.mark.long]


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def titles(cast: Cast) -> list[str]:
    cast.project.refresh_from_db()
    return [step.title for step in next_steps(loop.of_project(cast.project))]


def home(cast: Cast) -> str:
    """The page's words, without its marks."""
    client = Client()
    client.force_login(cast.carol)
    page = client.get(reverse("admin:project", args=["helpful"])).content.decode()
    return " ".join(re.sub("<[^>]*>", " ", page).split()).replace(" ,", ",")


def test_the_loop_is_walked_by_what_it_offers(cast: Cast) -> None:
    project = cast.project
    assert titles(cast) == ["Import prompts or completions", "Write the guidelines"]
    intake.configure_project(project=project, guidelines="Be kind.")
    put(project, "prompts", *({"prompt": f"Question {n}?"} for n in range(3)))
    assert titles(cast) == ["Register a policy"]
    put(project, "demonstrations", {"prompt": "Question 0?", "completion": "Yes."})
    assert titles(cast) == ["Train a policy by SFT"]
    policies.make_version(project=project, base="hub/name")
    assert titles(cast) == ["Sample completions"]
    completions = [{"text": "yes"}, {"text": "no"}]
    put(project, "completions", {"prompt": "Question 0?", "completions": completions})
    assert titles(cast) == []
    put(project, "rankings", *(line(f"Question {n}?", 1, 2, annotator="ann") for n in range(40)))
    assert titles(cast) == ["Fit a reward model"]
    version = make_reward_model(project, 1, make_snapshot(project, "s"))
    version.fit.snapshot.last_ranking_id = Ranking.objects.latest("pk").pk  # type: ignore[union-attr]
    version.fit.snapshot.save()  # type: ignore[union-attr]
    activation.activate(version=version, why="By hand.")
    Run.objects.update(status="succeeded", finished_at=timezone.now())
    assert titles(cast) == ["Train policy v1 against reward model v1"]
    put(project, "rankings", *(line(f"Question {n}?", 1, 2, annotator="bob") for n in range(19)))
    assert "Fit the reward model again" not in titles(cast)
    put(project, "rankings", line("Question 19?", 1, 2, annotator="bob"))
    assert titles(cast) == [
        "Fit the reward model again",
        "Train policy v1 against reward model v1",
    ]


def test_what_waits_for_a_person_comes_first_and_what_was_measured_to_be_worse_does_not(cast: Cast) -> None:
    project = cast.project
    intake.configure_project(project=project, guidelines="Be kind.")
    active = make_reward_model(project, 1, make_snapshot(project, "s"))
    activation.activate(version=active, why="By hand.")
    policies.make_version(project=project, base="hub/name")
    waiting = make_reward_model(project, 2, make_snapshot(project, "t"))
    RewardModelVersion.objects.filter(pk=waiting.pk).update(proposal="too_few", activation="Too few to tell.")
    make_policy(project, 2)
    assert titles(cast)[:2] == ["Decide on reward model v2", "Decide on policy v2"]
    step = next_steps(loop.of_project(project))[0]
    assert (step.why, step.address) == ("Too few to tell.", reverse("admin:reward_models", args=["helpful"]))
    RewardModelVersion.objects.filter(pk=waiting.pk).update(proposal="worse")
    assert titles(cast)[0] == "Decide on policy v2"
    # An older one than what is in use is decided on already.
    activation.activate(version=waiting, why="By hand.")
    assert titles(cast)[0] == "Decide on policy v2"


def test_a_failure_of_this_week_is_named_with_its_reason(cast: Cast) -> None:
    run = make_transfer(cast.project).run
    Run.objects.filter(pk=run.pk).update(
        status="failed", finished_at=timezone.now(), reason="The disk is full."
    )
    step = next_steps(loop.of_project(cast.project))[0]
    assert (step.title, step.why) == ("See why “Export” failed", "The disk is full.")
    assert step.address == reverse("admin:run", args=[run.pk])


def test_what_is_asked_for_already_is_not_offered_again(cast: Cast) -> None:
    put(cast.project, "rankings", *(line(f"Question {n}?", 1, 2, annotator="ann") for n in range(3)))
    intake.configure_project(project=cast.project, guidelines="Be kind.")
    assert "Fit a reward model" in titles(cast)
    from rewardmodel import fits

    fits.request_fit(project=cast.project)
    assert "Fit a reward model" not in titles(cast)


def test_people_who_disagree_and_open_flags_are_named(cast: Cast) -> None:
    project = cast.project
    intake.configure_project(project=project, guidelines="Be kind.")
    for n in range(40):
        same = (1, 2) if n % 4 == 0 else (2, 1)
        put(project, "rankings", line(f"Question {n}?", 1, 2, annotator="ann"))
        put(project, "rankings", line(f"Question {n}?", *same, annotator="bob"))
    upkeep.count(project=project, most=1000)
    assert "Make the guidelines clearer" in titles(cast)
    put(project, "completions", {"prompt": "New?", "completions": [{"text": "yes"}, {"text": "no"}]})
    annotator = make_annotator(project)
    assignment = queue.claim(annotator=annotator)
    assert assignment is not None
    flags.raise_flag(assignment=assignment, annotator=annotator, category="harmful")
    assert titles(cast)[0] == "Look at what was flagged"


def test_the_numbers_of_the_loop_are_those_of_the_database(cast: Cast) -> None:
    project, other = cast.project, cast.other
    for place, count in ((project, 5), (other, 9)):
        put(place, "prompts", *({"prompt": f"Question {n}?"} for n in range(count)))
        put(place, "rankings", *(line(f"Question {n}?", 1, 2, annotator="ann") for n in range(count - 2)))
        completions = [{"text": "yes"}, {"text": "no"}]
        put(place, "completions", *({"prompt": f"New {n}?", "completions": completions} for n in range(2)))
    old = Ranking.objects.filter(project=project).order_by("pk").first()
    assert old is not None
    Ranking.objects.filter(pk=old.pk).update(created_at="2020-01-01T00:00Z")
    people.annotator_for(project=project, user=cast.alice)
    assignment = queue.claim(annotator=people.annotator_for(project=project, user=cast.alice))
    assert assignment is not None
    members.invite(project=project, email="new@example.org", role="annotator")
    counts: Any = loop.of_project(project).judgements
    assert (str(counts.prompts), str(counts.rankings), str(counts.this_week)) == ("7", "3", "2")
    assert counts.prompts.number == Prompt.objects.filter(project=project).count()
    assert counts.free_places.number == Slot.objects.filter(project=project, annotator=None).count() == 1
    assert (str(counts.tasks), str(counts.in_hand), str(counts.annotators)) == ("5", "1", "1")
    assert (str(counts.fresh), str(counts.invitations)) == ("3", "1")
    assert (
        "Prompts 7 0 demonstrations Judgements wanted 1 place on 1 task ; "
        "5 tasks in all, 1 being judged Rankings 3 +2 this week" in home(cast)
    )
