"""What pages show and no list holds: lineage, an annotator's figures, one's own work, and single files of runs.

Each against the rows as they lie there, or against what was sown.
"""

from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation import people
from annotation.checking import control, standing
from annotation.collecting import queue, ranking
from annotation.models import Annotator, Assignment, Completion, Project, Prompt, Ranking, Task
from annotation.quality import upkeep
from rltrainer.models import PolicyVersion
from tests.annotation.factories import make_annotator, make_member, make_project, make_tasks, put
from tests.api.world import Program, World, make_world, program, token_of, wrong_with
from tests.rltrainer.factories import make_policy, make_reward_model, make_snapshot
from tests.storing import store_artifacts_in
from tests.worlds import once_a_module

pytestmark = pytest.mark.django_db
HELPFUL = "projects/helpful/"
NOTHING: dict[str, Any] = {
    "completions": [],
    "tasks": [],
    "rankings": [],
    "ratings": [],
    "demonstrations": [],
    "repeats": None,
    "asked_again": [],
    "earlier": None,
    "later": None,
    "written_by": None,
    "learnt": None,
}
_rows, world = once_a_module(make_world)


def lineage(world: World, kind: str, public_id: Any) -> dict[str, Any]:
    answer = program(world, "carol", "read").ask("GET", f"{HELPFUL}{kind}/{public_id}/lineage/")
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def test_a_completion_is_followed_back_to_rankings_and_forward_to_what_learnt_from_it(world: World) -> None:
    project, ranked = world.cast.project, Ranking.objects.get()
    before, after = make_snapshot(project, "before"), make_snapshot(project, "after", simulated=7)
    type(before).objects.filter(pk=before.pk).update(last_ranking_id=ranked.pk - 1)
    type(after).objects.filter(pk=after.pk).update(last_ranking_id=ranked.pk)
    make_reward_model(project, 2, before)
    fitted = make_reward_model(project, 3, after)
    base = PolicyVersion.objects.get(number=1)
    trained = make_policy(project, 3, algorithm="ppo", start=base, reward_model=fitted)
    make_policy(project, 4, algorithm="sft", start=base)
    assert trained.training is not None
    prompt = ranked.task.prompt
    written = Completion.objects.create(prompt=prompt, text="By a policy", source=trained.source)
    by_base = Completion.objects.create(prompt=prompt, text="By a base", source=base.source)
    known = lineage(world, "completions", written.public_id)
    step_by_step = {
        "policy": 3,
        "training": trained.training.run_id,
        "algorithm": "ppo",
        "reward_model": 3,
        "fit": fitted.fit.run_id,
        "snapshot": "after",
        "rankings": 7,
        "simulated": 7,
    }
    nobody: dict[str, list[int]] = {"reward_models": [], "policies": []}
    prompt_id = {"prompt": str(prompt.public_id)}
    assert known == {**NOTHING, **prompt_id, "written_by": step_by_step, "learnt": nobody}
    of_base = lineage(world, "completions", by_base.public_id)["written_by"]
    assert of_base == {**dict.fromkeys(step_by_step), "policy": 1}
    first = ranked.task.entries.order_by("position")[0].completion
    known = lineage(world, "completions", first.public_id)
    assert known["learnt"] == {"reward_models": [3], "policies": [3]}
    assert (known["tasks"], known["rankings"], known["written_by"]) == (
        [str(ranked.task.public_id)],
        [str(ranked.public_id)],
        None,
    )


def test_a_row_of_each_kind_names_what_it_belongs_to_and_what_belongs_to_it(world: World) -> None:
    first = Ranking.objects.get()
    assert first.assignment is not None
    revised = program(world, "carol").ask(
        "POST",
        f"{HELPFUL}assignments/{first.assignment.public_id}/revise/",
        {"ranks": {"A": 1, "B": 1, "C": 2}},
    )
    assert revised.status_code == 200
    second = Ranking.objects.exclude(pk=first.pk).get()
    places = [str(one.completion.public_id) for one in first.task.entries.order_by("position")]
    task_id = {"prompt": str(first.task.prompt.public_id), "tasks": [str(first.task.public_id)]}
    repeat = make_tasks(world.cast.project)[0]
    Task.objects.filter(pk=repeat.pk).update(repeats=first.task, purpose="repeat")
    assert lineage(world, "rankings", first.public_id) == {
        **NOTHING,
        **task_id,
        "completions": places,
        "later": str(second.public_id),
    }
    assert lineage(world, "rankings", second.public_id)["earlier"] == str(first.public_id)
    assert lineage(world, "tasks", first.task.public_id) == {
        **NOTHING,
        "prompt": task_id["prompt"],
        "completions": places,
        # The current one first.
        "rankings": [str(second.public_id), str(first.public_id)],
        "asked_again": [str(repeat.public_id)],
    }
    assert lineage(world, "tasks", repeat.public_id)["repeats"] == str(first.task.public_id)
    under = Prompt.objects.get(messages__0__content="Question 0")
    answers = Completion.objects.filter(prompt=under).order_by("-pk").values_list("public_id", flat=True)
    known = lineage(world, "prompts", under.public_id)
    assert known == {
        **NOTHING,
        "prompt": str(under.public_id),
        "completions": [str(one) for one in answers],
        "tasks": [str(Task.objects.get(prompt=under).public_id)],
        "demonstrations": [str(world.ids["demonstration"])],
    }
    assert lineage(world, "demonstrations", world.ids["demonstration"]) == {
        **NOTHING,
        "prompt": known["prompt"],
    }
    rated = lineage(world, "ratings", world.ids["rating"])
    assert rated["ratings"] == [str(world.ids["rating"])]
    (text,) = rated["completions"]
    assert Completion.objects.get(public_id=text).text == "Answer a0"
    assert lineage(world, "completions", text)["ratings"] == rated["ratings"]


def test_a_lineage_takes_as_many_queries_of_much_as_of_little_and_names_fifty_at_most(world: World) -> None:
    carol, counts = program(world, "carol"), []
    carol.ask("GET", HELPFUL)
    texts = [{"text": f"Another {number}"} for number in range(60)]
    for _ in range(2):
        with CaptureQueriesContext(connection) as caught:
            known = carol.ask("GET", f"{HELPFUL}prompts/{world.ids['prompt']}/lineage/").json()
        counts.append(len(caught))
        for place in range(0, 60, 6):
            lines = {"prompt": "Question 0", "completions": texts[place : place + 6]}
            put(world.cast.project, "completions", lines)
    assert counts[0] == counts[1]
    known = carol.ask("GET", f"{HELPFUL}prompts/{world.ids['prompt']}/lineage/").json()
    assert len(known["completions"]) == 50


def earlier_won(row: Ranking) -> float:
    """The share of a ranking's strict pairs in which the better one had been shown first, pair by pair."""
    assert row.order_shown is not None
    shown = [row.tiers[place] for place in row.order_shown]
    strict = [(one, other) for one, other in combinations(shown, 2) if one != other]
    return sum(one < other for one, other in strict) / len(strict)


def test_the_figures_of_an_annotator_are_those_of_what_they_ranked() -> None:
    project = make_project(slug="measured")
    for task in make_tasks(project, 3):
        texts = [{"text": f"Answer {place}", "rank": place + 1} for place in range(3)]
        line = {"prompt": task.prompt.messages[0]["content"], "completions": texts, "annotator": "expert"}
        put(project, "rankings", line)
    control.mark_gold(project=project, from_annotator="expert")
    make_tasks(project, 2)
    control.configure(project=project, gold_every=1, least_checks=3, least_gold_score=0.8)
    alice, purposes = make_annotator(project), list[str]()
    orders = iter([[1, 2, 3], [3, 2, 1], [1, 2, 3]])
    while (taken := queue.claim(annotator=alice)) is not None:
        purposes.append(taken.task.purpose)
        ranks = next(orders) if taken.task.purpose == "gold" else [1, 2, 2]
        ranking.submit(assignment=taken, annotator=alice, verdict="ranked", ranks=ranks, active_seconds=10)
    assert sorted(purposes) == ["collect"] * 2 + ["gold"] * 3
    upkeep.count(project=project, most=1000)
    carol = Program(token_of(make_member(project, role="researcher", name="clara"), "read", "write"))
    address = f"projects/measured/annotators/{alice.public_id}/"
    figures = carol.ask("GET", address + "figures/").json()
    assert figures["annotator"] == carol.rows("projects/measured/annotators/?simulated=false")[-1]
    assert (figures["annotator"]["standing"], figures["annotator"]["simulated"]) == ("warned", False)
    # Of 1, 0 and 1: the variance is 1/3, and that of their mean 1/9.
    gold = figures["gold"]
    assert (gold["value"], gold["number"]) == (pytest.approx(2 / 3), 3)
    assert gold["interval"] == pytest.approx([2 / 3 - 1.96 / 3, 1], abs=1e-4)
    assert figures["consistency"] is None
    shares = [earlier_won(row) for row in Ranking.objects.filter(annotator=alice)]
    assert figures["position"]["value"] == pytest.approx(sum(shares) / 5)
    assert figures["position"]["number"] == 5
    assert figures["judged"]["rankings"] == {"number": 2, "more": False}
    assert figures["judged"]["reviews"] == {"number": 0, "more": False}
    Annotator.objects.filter(pk=alice.pk).update(simulated=True, user=None)
    assert carol.ask("GET", address + "figures/").json()["annotator"]["simulated"] is True
    assert carol.ask("POST", address + "pause/", {"why": "Too fast."}).status_code == 200
    paused, warned = carol.rows(address + "standing/")
    assert (paused["standing"], paused["changed_by"], paused["why"]) == ("paused", "clara", "Too fast.")
    assert (warned["standing"], warned["changed_by"]) == ("warned", None)
    assert warned["why"].startswith("Your score on tasks whose best order is known is 66.7% over 3")
    stranger = make_annotator(make_project())
    for what in ("figures/", "standing/"):
        answer = carol.ask("GET", f"projects/measured/annotators/{stranger.public_id}/{what}")
        assert answer.status_code == 404


SEA, LAKE, SHARE = "Why does the sea taste of salt?", "Who salted the lake?", "100% of what?"


def judged_by(project: Project, name: str) -> tuple[User, Program]:
    """A member who has compared every pair that there is for them, a minute each."""
    user = make_member(project, name=name)
    annotator = people.annotator_for(project=project, user=user)
    while taken := queue.claim(annotator=annotator):
        ranking.submit(
            assignment=taken, annotator=annotator, verdict="ranked", ranks=[1, 2], active_seconds=60
        )
    return user, Program(token_of(user, "annotate"))


def make_asked(**settings: Any) -> Project:
    project = make_project(slug="asked", **settings)
    for prompt in (SEA, LAKE, SHARE):
        put(project, "completions", {"prompt": prompt, "completions": [{"text": "One."}, {"text": "Two."}]})
    return project


def test_ones_own_work_is_listed_searched_and_timed() -> None:
    project = make_asked()
    user, alice = judged_by(project, "ada")
    bob = Program(token_of(make_member(project, name="ben"), "annotate"))
    listed = alice.ask("GET", "projects/asked/history/").json()["judged"]
    stored = Assignment.objects.filter(annotator__user=user).order_by("-closed_at")
    assert [one["id"] for one in listed] == [str(one.public_id) for one in stored]
    for one, assignment in zip(listed, stored, strict=True):
        row = Ranking.objects.get(assignment=assignment)
        assert row.order_shown is not None
        # The first place is the better one, under whichever letter it was shown.
        letters = "AB" if row.order_shown[0] == 0 else "BA"
        assert (one["kind"], one["answer"], one["detail"]) == ("rank", "Compared", " > ".join(letters))
        assert one["prompt"] == assignment.task.prompt.messages[0]["content"]
        assert one["may_change"] is True
    for words, expected in (("SEA salt", [SEA]), ("lake", [LAKE]), ("100%25", [SHARE]), ("salt lake", [])):
        rows = alice.ask("GET", f"projects/asked/history/?q={words}").json()["judged"]
        assert [one["prompt"] for one in rows] == expected
    for wrong in ("", "%00", "a" * 201):
        assert wrong_with(alice.ask("GET", f"projects/asked/history/?q={wrong}")) == ["q"]
    assert bob.ask("GET", "projects/asked/history/").json() == {"judged": []}
    assert alice.ask("GET", "projects/asked/progress/").json() == {
        "left": {"number": 0, "bound": "exact"},
        "today": 3,
        "in_all": 3,
        "seconds_today": 180,
        "seconds_in_all": 180,
        "pace_today": 60,
        "pace_in_all": 60,
        "to_review": 0,
        "sent_back": 0,
    }
    nothing_yet = bob.ask("GET", "projects/asked/progress/").json()
    assert (nothing_yet["today"], nothing_yet["pace_in_all"], nothing_yet["seconds_in_all"]) == (0, None, 0)
    slow = Ranking.objects.filter(assignment__in=list(stored)[:2])
    slow.update(created_at=timezone.now() - timedelta(days=1), active_seconds=90)
    later = alice.ask("GET", "projects/asked/progress/").json()
    assert (later["pace_today"], later["pace_in_all"], later["seconds_today"]) == (60, 90, 60)
    Annotator.objects.filter(user=user).update(standing="paused")
    assert alice.ask("GET", "projects/asked/progress/").json()["left"] is None


def test_ones_own_work_and_figures_take_as_many_queries_of_much_as_of_little() -> None:
    project = make_asked()
    user, alice = judged_by(project, "ada")
    clara = Program(token_of(make_member(project, role="researcher", name="clara"), "read"))
    annotator = Annotator.objects.get(user=user)
    figures = f"projects/asked/annotators/{annotator.public_id}/"
    asking = [(alice, f"projects/asked/{what}") for what in ("history/", "history/?q=sea", "progress/")]
    asking += [(clara, figures + what) for what in ("figures/", "standing/")]
    for who in (alice, clara):
        who.ask("GET", "projects/")  # the first use of a token is noted
    counts = []
    for _ in range(2):
        for who, path in asking:
            with CaptureQueriesContext(connection) as caught:
                assert who.ask("GET", path).status_code == 200
            counts.append(len(caught))
        make_tasks(project, 60, completions=2)
        while taken := queue.claim(annotator=annotator):
            ranking.submit(assignment=taken, annotator=annotator, verdict="ranked", ranks=[1, 2])
        for number in range(6):
            step = standing.resume if number % 2 else standing.pause
            step(annotator=annotator, why="A trial.", by=user)
    assert counts[:5] == counts[5:]
    assert len(alice.ask("GET", "projects/asked/history/").json()["judged"]) == 50
    # What is older than those is found by its words.
    (old,) = alice.ask("GET", "projects/asked/history/?q=sea").json()["judged"]
    assert old["prompt"] == SEA


def test_ones_own_work_does_not_tell_what_was_a_check() -> None:
    project = make_asked(annotators_per_task=2)
    judged_by(project, "expert")
    expert = Annotator.objects.get(user__username="expert")
    first = Task.objects.filter(project=project)[:1]
    control.mark_gold(project=project, from_annotator=expert.pseudonym, tasks=[one.key for one in first])
    control.configure(project=project, gold_every=1, repeat_every=1)
    user = make_member(project, name="ada")
    alice, annotator = Program(token_of(user, "annotate")), people.annotator_for(project=project, user=user)
    shown, purposes = list[dict[str, Any]](), list[str]()
    while taken := queue.claim(annotator=annotator):
        purposes.append(taken.task.purpose)
        shown.append(alice.ask("GET", "projects/asked/progress/").json()["left"])
        ranking.submit(assignment=taken, annotator=annotator, verdict="ranked", ranks=[1, 2])
    assert {"gold", "collect"} <= set(purposes)
    assert shown == [{"number": 10, "bound": "at_most"}] * len(purposes)
    answer = alice.ask("GET", "projects/asked/history/")
    listed = answer.json()["judged"]
    assert len(listed) == len(purposes)
    of_each = {"id", "submitted_at", "prompt", "detail"}
    alike = [{name: value for name, value in one.items() if name not in of_each} for one in listed]
    assert all(one == alike[0] for one in alike)
    for word in (
        "gold",
        "repeat",
        "collect",
        "purpose",
        "expert",
        *map(str, first.values_list("public_id", flat=True)),
    ):
        assert word not in answer.content.decode(), word


def test_files_of_what_a_run_made_are_named_and_downloaded_and_no_others(
    world: World, tmp_path: Path, settings: Any
) -> None:
    store_artifacts_in(tmp_path / "files", settings)
    version = make_reward_model(world.cast.project, 2, make_snapshot(world.cast.project, "s"))
    artifact, run = version.artifact, version.fit.run
    artifact.files = {name: {"sha256": "0", "bytes": 2} for name in ("trunk/meta.json", "lost.json")}
    artifact.save()
    storages["artifacts"].save(f"{artifact.digest}/trunk/meta.json", ContentFile(b"{}"))
    storages["artifacts"].save(f"{artifact.digest}/unnamed.json", ContentFile(b"{}"))
    storages["artifacts"].save("other/secret.json", ContentFile(b"{}"))
    carol, files = program(world, "carol", "read"), f"{HELPFUL}runs/{run.pk}/files/"
    assert carol.ask("GET", files).json() == {"artifact": None, "files": []}
    type(run).objects.filter(pk=run.pk).update(status="succeeded", finished_at=version.created_at)
    assert carol.ask("GET", files).json() == {
        "artifact": artifact.digest,
        "files": [{"name": "lost.json", "bytes": 2}, {"name": "trunk/meta.json", "bytes": 2}],
    }
    answer = carol.ask("GET", files + "trunk/meta.json/")
    assert (answer.streaming, b"".join(answer)) == (True, b"{}")
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == 'attachment; filename="meta.json"'
    for name in (
        "lost.json",
        "meta.json",
        "unnamed.json",
        "../other/secret.json",
        "%2e%2e/other/secret.json",
        "%00",
    ):
        assert carol.ask("GET", f"{files}{name}/").status_code == 404, name
    for name, where in (("erin", HELPFUL), ("erin", "projects/haiku/"), ("alice", HELPFUL)):
        for what in ("", "trunk/meta.json/"):
            refused = program(world, name).ask("GET", f"{where}runs/{run.pk}/files/{what}")
            assert refused.status_code == 404
