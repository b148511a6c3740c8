"""A project with one of everything that the API shows, and programs that call it."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.test import Client

from annotation import members, people, tokens
from annotation.collecting import flags, queue, ranking
from annotation.models import (
    ApiToken,
    Completion,
    Delivery,
    Demonstration,
    Flag,
    Invitation,
    Project,
    Prompt,
    Ranking,
    Rating,
    Snapshot,
    Task,
)
from annotation.webhooks import subscribing
from annotation.withdrawal import erasure
from rewardmodel.models import Fit, RewardModelVersion
from rltrainer import policies
from runs.models import Artifact, Run
from tests.annotation.factories import make_member, put
from tests.pages.cast import Cast, make_cast
from tests.pages.factories import make_transfer

SECRET = "a source that nobody may see"
EVERYTHING = ApiToken.SCOPES


@dataclass
class World:
    """The cast with Bob, who annotates the other project; and the ids of Helpful's rows by name."""

    cast: Cast
    bob: User
    ids: dict[str, Any] = field(default_factory=dict)

    def user(self, name: str) -> User:
        return self.bob if name == "bob" else getattr(self.cast, name)


def make_world() -> World:
    """Two tasks of three completions, of which Alice has one in hand and Carol has ranked one."""
    cast = make_cast()
    project = cast.project
    world = World(cast, make_member(cast.other, name="bob"))
    put(
        project,
        "completions",
        *(
            {
                "prompt": f"Question {number}",
                "completions": [{"text": f"Answer {letter}{number}", "source": SECRET} for letter in "abc"],
                "split": "test" if number else "train",
            }
            for number in range(4)
        ),
    )
    put(project, "demonstrations", {"prompt": "Question 0", "completion": "The best answer"})
    put(project, "ratings", {"prompt": "Question 0", "completion": "Answer a0", "score": 4})
    carol = people.annotator_for(project=project, user=cast.carol)
    taken = queue.claim(annotator=carol)
    assert taken is not None
    ranking.submit(
        assignment=taken, annotator=carol, verdict="ranked", ranks=[1, 2, 3], rationale="carol's reason"
    )
    first_tasks = Task.objects.filter(pk=Task.objects.filter(project=project).first().pk)  # type: ignore[union-attr]
    flags.flag_tasks(tasks=first_tasks, by=carol, category="broken", words="carol's concern")
    in_hand = queue.claim(annotator=people.annotator_for(project=project, user=cast.alice))
    assert in_hand is not None
    _make_versions(project)
    world.ids = {
        "slug": project.slug,
        "prompt": Prompt.objects.filter(project=project).first().public_id,  # type: ignore[union-attr]
        "completion": Completion.objects.filter(prompt__project=project).first().public_id,  # type: ignore[union-attr]
        "task": Task.objects.filter(project=project).first().public_id,  # type: ignore[union-attr]
        "assignment": in_hand.public_id,
        "flag": Flag.objects.get().pk,
        "ranking": Ranking.objects.get().public_id,
        "rating": Rating.objects.get().public_id,
        "demonstration": Demonstration.objects.get().public_id,
        **_membership(project),
        "run": make_transfer(project).run.pk,
        **_webhook(project),
        "annotator": in_hand.annotator.public_id,
        "ranked": taken.task.public_id,
        "snapshot": Snapshot.objects.get().digest,
        "withdrawal": _withdrawal(project),
        "number": 1,
        "file": "folder/meta.json",
    }
    return world


def _membership(project: Project) -> dict[str, Any]:
    """A member who is nobody else of the cast, and an open invitation."""
    members.invite(project=project, email="frank@example.org", role="annotator")
    return {"member": make_member(project, name="frank").username, "invitation": Invitation.objects.get().pk}


def _withdrawal(project: Project) -> UUID:
    """Of an annotator who had said nothing yet."""
    name = people.annotator_for(project=project, user=make_member(project, name="grace")).pseudonym
    return erasure.withdraw_annotator(project=project, pseudonym=name).public_id


def _webhook(project: Project) -> dict[str, Any]:
    """A webhook, and a message to it that failed."""
    hook, _ = subscribing.create(project=project, url="https://example.org/hook", events=["run.ended"])
    subscribing.send_test(webhook=hook)
    delivery = Delivery.objects.get()
    Delivery.objects.update(status="failed")
    return {"webhook": hook.public_id, "delivery": delivery.public_id}


def _make_versions(project: Project) -> None:
    run = Run.objects.create(kind="fit_reward_model")
    artifact = Artifact.objects.create(digest="0" * 64, kind="reward_model", files={}, run=run)
    Snapshot.objects.create(
        project=project, digest="1" * 64, artifact=artifact, rankings=1, comparisons=3, last_ranking_id=1
    )
    fit = Fit.objects.create(run=run, project=project)
    RewardModelVersion.objects.create(project=project, number=1, fit=fit, artifact=artifact, report={})
    for _ in range(2):
        policies.make_version(project=project, base="scratch")


def token_of(user: User, *scopes: str, project: Project | None = None) -> str:
    """A token's secret; of all scopes where none is named."""
    _, secret = tokens.create_token(user=user, name="test", scopes=scopes or EVERYTHING, project=project)
    return secret


class Program:
    """A client with a token, or with none."""

    def __init__(self, secret: str | None = None) -> None:
        self.headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
        self._client = Client()

    def ask(self, method: str, path: str, body: Any = None, key: str | None = None, **files: Any) -> Any:
        """The answer to ``method`` at ``path`` below /api/v1/."""
        headers = {**self.headers, **({} if key is None else {"Idempotency-Key": key})}
        send = getattr(self._client, method.lower())
        address = path if path.startswith("http") else f"/api/v1/{path}"
        if files:
            return send(address, {**(body or {}), **files}, headers=headers)
        if method.upper() == "GET":
            return send(address, headers=headers)
        return send(
            address, body if body is not None else {}, content_type="application/json", headers=headers
        )

    def rows(self, path: str) -> list[dict[str, Any]]:
        """Everything on all pages of a list."""
        results: list[dict[str, Any]] = []
        following: str | None = path
        while following:
            page = self.ask("GET", following).json()
            results += page["results"]
            following = page["next"]
        return results


def program(world: World, name: str, *scopes: str, project: Project | None = None) -> Program:
    """A program that acts for one of the cast."""
    return Program(token_of(world.user(name), *scopes, project=project))


def wrong_with(answer: Any) -> list[str]:
    """The parts of the request that the answer names."""
    assert answer.status_code == 400
    named = [one.get("pointer", one.get("parameter")) for one in answer.json()["errors"]]
    assert all(
        set(one) in ({"pointer", "detail"}, {"parameter", "detail"}) for one in answer.json()["errors"]
    )
    return named
