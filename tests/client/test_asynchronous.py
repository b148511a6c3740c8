"""The client that awaits, on a live server: the one that blocks is made of it, so what both do is asked once.

What is in the database is looked at before and after the loop: Django refuses to within it.
"""

import asyncio
from typing import Any

import pytest

from annotation.models import Ranking
from concord_client import AsyncClient, Conflict, NotFound
from tests.annotation.factories import make_member, make_project, make_tasks
from tests.api.world import World, token_of
from tests.client.awaiting import awaited

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
TASKS, OVERLAP = 6, 2


async def judge_all(client: AsyncClient, slug: str) -> list[str]:
    """Rank until nothing is left; the assignments that were submitted."""
    judging, judged = client.project(slug).judging, []
    while (task := await judging.next()) is not None:
        ranks = {one["letter"]: place for place, one in enumerate(task["completions"], 1)}
        await judging.draft(task["id"], ranks=ranks)
        await judging.submit(task["id"], ranks=ranks)
        judged.append(task["id"])
    return judged


def test_annotators_judge_at_once_in_one_loop(live_server: Any) -> None:
    project = make_project(annotators_per_task=OVERLAP)
    make_tasks(project, TASKS, completions=2)
    tokens = [token_of(make_member(project)) for _ in range(3)]

    async def work(token: str) -> list[str]:
        async with AsyncClient(live_server.url, token) as client:
            judged = await judge_all(client, project.slug)
            assert [
                one["id"] async for one in client.project(project.slug).judging.assignments(page_size=1)
            ] == judged
            return judged

    async def together() -> list[list[str]]:
        return await asyncio.gather(*map(work, tokens))

    judged = [one for several in awaited(together()) for one in several]
    stored = list(Ranking.objects.values_list("assignment__public_id", "task_id", "annotator_id"))
    assert len(stored) == TASKS * OVERLAP
    assert sorted(str(one) for one, _, _ in stored) == sorted(judged)
    assert len({(task, who) for _, task, who in stored}) == TASKS * OVERLAP


def test_it_raises_what_the_other_raises(world: World, live_server: Any) -> None:
    assignment, secret = str(world.ids["assignment"]), token_of(world.cast.alice)

    async def ask() -> None:
        async with AsyncClient(live_server.url, secret) as client:
            judging = client.project("helpful").judging
            await judging.skip(assignment, reason="not mine")
            with pytest.raises(Conflict) as over:
                await judging.submit(assignment, ranks={"A": 1, "B": 2, "C": 3})
            assert over.value.code == "lease_over"
            with pytest.raises(NotFound):
                await client.project("haiku").get()
            with pytest.raises(NotFound):
                _ = [one async for one in client.project("haiku").prompts.all()]

    awaited(ask())
    assert not Ranking.objects.filter(assignment__public_id=assignment).exists()
