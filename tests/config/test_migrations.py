"""Every migration on rows of the first release: what was there is there afterwards, and means the same."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.apps import apps as installed
from django.core.management import CommandError
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps

FIRST = [
    ("runs", "0001_initial"),
    ("annotation", "0001_initial"),
    ("rewardmodel", "0001_initial"),
    ("rltrainer", "0001_initial"),
]
NAME = "concord_migrations"
NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def own_database(django_db_blocker: Any) -> Iterator[Any]:
    """An empty database on the same server in the place of the tests' own; deleted at the end."""
    connection = connections["default"]
    tests_own = connection.settings_dict["NAME"]
    with django_db_blocker.unblock():
        connection.close()
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
            cursor.execute(f"CREATE DATABASE {NAME}")
        connection.settings_dict["NAME"] = NAME
        try:
            yield connection
        finally:
            connection.close()
            connection.settings_dict["NAME"] = tests_own
            with connection._nodb_cursor() as cursor:
                cursor.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


def migrated(connection: Any, targets: list[tuple[str, str]]) -> StateApps:
    """The models as they are at ``targets``, once the database is there."""
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    executor.loader.build_graph()
    return executor.loader.project_state(targets).apps


OURS = ("annotation", "runs", "rewardmodel", "rltrainer")


def make_a_row_of_each(apps: StateApps) -> None:
    """One row of every table of the first release: a demo ranked by a simulated annotator, and all stages of it."""

    def make(label: str, **fields: Any) -> Any:
        return apps.get_model(label).objects.create(**fields)

    def run(kind: str, **fields: Any) -> Any:
        return make("runs.Run", kind=kind, **fields)

    def artifact(name: str, kind: str) -> Any:
        return make("runs.Artifact", digest=f"{name:0>64}", kind=kind, files={})

    user = make("auth.User", username="Alice", password="!")
    project = make("annotation.Project", slug="helpful", name="Helpful", is_demo=True)
    of = {"project": project}
    annotator = make("annotation.Annotator", pseudonym="alice", simulated=True, **of)
    make("annotation.Membership", user=user, role="researcher", **of)
    make(
        "annotation.Invitation",
        token_digest="d" * 64,
        email="b@x.org",
        role="annotator",
        expires_at=NOW,
        **of,
    )
    prompt = make(
        "annotation.Prompt", form="text", messages=[{"role": "user", "content": "Why?"}],
        digest="p" * 64, split="train", **of,
    )  # fmt: skip
    source = make("annotation.Source", kind="policy", name="m", **of)
    first, second = (
        make("annotation.Completion", text=text, digest=text * 64, prompt=prompt, source=source)
        for text in "ab"
    )
    make("annotation.Demonstration", text="c", prompt=prompt, source=source, **of)
    task = make("annotation.Task", key="k", prompt=prompt, **of)
    for place, completion in enumerate((first, second)):
        make("annotation.TaskCompletion", position=place, completion=completion, task=task)
    make("annotation.Slot", number=1, task=task, annotator=annotator, **of)
    assignment = make(
        "annotation.Assignment", annotator=annotator, task=task, order_shown=[1, 0], status="submitted",
        closed_at=NOW, expires_at=NOW, **of,
    )  # fmt: skip
    ranking = make(
        "annotation.Ranking", verdict="ranked", tiers=[1, 2], order_shown=[1, 0], annotator=annotator,
        assignment=assignment, task=task, **of,
    )  # fmt: skip
    make("annotation.Comparison", ranking=ranking, preferred=first, rejected=second, tie=False)
    make("annotation.Rating", score=3, annotator=annotator, completion=first, **of)
    snapshot = make(
        "annotation.Snapshot", digest="s" * 64, rankings=1, comparisons=1, last_ranking_id=ranking.pk,
        artifact=artifact("1", "snapshot"), **of,
    )  # fmt: skip
    make("annotation.Transfer", direction="export", kind="pairs", run=run("export"), **of)
    fit = make("rewardmodel.Fit", base="scratch", run=run("fit_reward_model"), snapshot=snapshot, **of)
    make("rewardmodel.RewardModelSettings", base="scratch", **of)
    version = make(
        "rewardmodel.RewardModelVersion", number=1, report={}, is_active=True, fit=fit,
        artifact=artifact("2", "reward_model"), **of,
    )  # fmt: skip
    policy = make("rltrainer.PolicyVersion", number=1, base="hub/name", source=source, is_current=True, **of)
    make("rltrainer.PolicySettings", **of)
    make(
        "rltrainer.Training",
        algorithm="ppo",
        start=policy,
        reward_model=version,
        run=run("train_policy"),
        **of,
    )
    make("rltrainer.Sampling", prompts=1, policy=policy, run=run("sample"), **of)
    make("rltrainer.Evaluation", reward_model=version, run=run("evaluate"), **of)
    # Asked to end while it waited, which nobody heard any more.
    stuck = run("export", cancel_requested_at=NOW)
    make("runs.RunMetric", run=stuck, step=1, figures={"loss": 0.5})


def rows_of(apps: Any) -> dict[str, list[dict[str, Any]]]:
    """Every row of Concord's own tables."""
    models = [model for label in OURS for model in apps.get_app_config(label).get_models()]
    return {model._meta.label: list(model._base_manager.order_by("pk").values()) for model in models}


# table -> what migrations changed of the rows on purpose.
CHANGED = {"runs.Run": {"status", "finished_at", "reason"}}


def test_rows_of_the_first_release_come_through_every_migration(own_database: Any) -> None:
    old = migrated(own_database, FIRST)
    make_a_row_of_each(old)
    before = rows_of(old)
    assert all(before.values()), "a table without a row is not tried"
    executor = MigrationExecutor(own_database)
    executor.migrate(executor.loader.graph.leaf_nodes())
    after = rows_of(installed)
    for table, rows in before.items():
        assert len(after[table]) == len(rows), table
        for was, now in zip(rows, after[table], strict=True):
            kept = was.keys() & now.keys() - CHANGED.get(table, set())
            assert {name: now[name] for name in kept} == {name: was[name] for name in kept}, table
    assert [run["status"] for run in after["runs.Run"]] == ["queued"] * 5 + ["cancelled"]
    assert [snapshot["simulated"] for snapshot in after["annotation.Snapshot"]] == [1]


def test_accounts_that_differ_in_capitals_alone_are_named_by_the_migration_that_forbids_them(
    own_database: Any,
) -> None:
    old = migrated(own_database, [*FIRST, ("auth", "0012_alter_user_first_name_max_length")])
    for name in ("Alice", "alice", "bob"):
        old.get_model("auth.User").objects.create(username=name, password="!")
    executor = MigrationExecutor(own_database)
    with pytest.raises(CommandError, match="these do: Alice, alice"):
        executor.migrate(executor.loader.graph.leaf_nodes())
