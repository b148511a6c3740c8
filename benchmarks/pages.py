"""Every page and list that can be looked at, in a project of a million comparisons: server time and queries.

    python -m benchmarks.pages [--comparisons 1000000] [--write]

One annotator has judged all tasks but a hundred, two thousand tasks wait to be counted, and what the pages show of
runs and versions is there. A page is asked for three times in this process, without a server; the slower of the
last two counts. The addresses come from the URL conf, so that a new page is in the table by itself.
"""

import argparse
import logging
import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from benchmarks import writing
from benchmarks.annotation import PASSWORD, database

SLOWEST_MS, MOST_QUERIES, STALE = 300, 30, 2000
# What is no page of a project's data: files to take away, and what every visitor may see.
LEFT_OUT = ("admin:jsi18n", "admin:app_list", "admin:logout", "logout", "api_schema")


class Look(NamedTuple):
    """One look at a page."""

    ms: float
    queries: int
    status: int


def addresses(slug: str) -> Iterator[str]:
    """Of every page without arguments, of those of a project, and of a row of every table and kind."""
    from django.urls import NoReverseMatch, get_resolver, reverse

    for name in dict.fromkeys(_names(get_resolver())):
        for arguments in ({}, {"slug": slug}):
            try:
                yield reverse(name, kwargs=arguments)
            except NoReverseMatch:
                continue
        if name.endswith("_changelist"):
            yield f"{reverse(name)}?q=question"
        table = name.removeprefix("admin:").removesuffix("_change")
        row = _newest(table if name.endswith("_change") else "")
        if row is not None:
            yield reverse(name, args=[row])
    yield from _data(slug)
    yield from (
        reverse(f"admin:{name}", args=[_newest("runs_run")]) for name in ("run", "run_live", "run_metrics")
    )


# Of lists, what most rows are, what few are, and what none is: the last looks at all of them.
NARROWED = {
    "prompts": ("?q=question", "?q=question+77777", "?q=want+nowhere", "?split=test", "?flagged=true"),
    "completions": (
        "?q=sentence",
        "?q=answer+77777",
        "?q=first+nowhere",
        "?split=test",
        "?source_kind=policy",
    ),
    "tasks": ("?state=free", "?state=open", "?state=complete", "?purpose=gold", "?flagged=true"),
    "rankings": (
        "?q=question",
        "?q=question+77777",
        "?q=want+nowhere",
        "?verdict=all_bad",
        "?purpose=collect&current=true&within=week",
        "?simulated=true",
        "?fresh=true",
    ),
}


def _data(slug: str) -> Iterator[str]:
    """The lists of a project's data, narrowed and sorted too, and the newest row of each kind.

    Of a million comparisons no list is short enough to be sorted; of 60,000 each is just so.
    """
    from django.urls import reverse

    from annotation.models import Project
    from console.data.kinds import KINDS

    project = Project.objects.get(slug=slug)
    for name, kind in KINDS.items():
        address = reverse("admin:data", args=[slug, name])
        yield from (address + narrowed for narrowed in ("", *NARROWED.get(name, ())))
        yield from (f"{address}?order={order}" for order in kind.filters.orders)
        # The same of the API, either way.
        listed = f"/api/v1/projects/{slug}/{name}/"
        yield from (listed + narrowed for narrowed in ("", "?order=newest", *NARROWED.get(name, ())))
        row = kind.rows(project).order_by("-pk").first()
        if row is not None:
            yield reverse("admin:datum", args=[slug, name, row.public_id])


def _names(resolver: Any, namespace: str = "") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            yield from _names(pattern, f"{pattern.namespace}:" if pattern.namespace else namespace)
        elif pattern.name and namespace + pattern.name not in LEFT_OUT:
            yield namespace + pattern.name


def _newest(table: str) -> int | None:
    """The key of the newest row of a model's table, by the names of its app and itself."""
    from django.apps import apps

    models = {f"{model._meta.app_label}_{model._meta.model_name}": model for model in apps.get_models()}
    row = models[table]._base_manager.order_by("-pk").first() if table in models else None
    return None if row is None else int(row.pk)


def look(client: Any, address: str) -> Look:
    """Ask for the page once."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        began = time.perf_counter()
        answer = client.get(address)
        if not answer.streaming:
            _ = answer.content
        return Look(1000 * (time.perf_counter() - began), len(queries), answer.status_code)


def measured(slug: str, clients: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for every page that one of ``clients`` may look at, the slowest first."""
    rows = []
    for address in sorted(set(addresses(slug))):
        # Annotators first: a researcher may look at their pages too.
        for who, client in clients.items():
            looks = [look(client, address) for _ in range(3)]
            if looks[0].status != 200:
                continue
            ms, queries = max(one.ms for one in looks[1:]), max(one.queries for one in looks[1:])
            rows.append({"page": f"`{address}`", "who": who, "ms": f"{ms:.0f}", "queries": queries})
            print(f"{ms:7.0f} ms {queries:4} queries  {address}  ({who})", flush=True)
            break
    return sorted(rows, key=lambda row: -int(row["ms"]))


def fill(comparisons: int) -> Any:
    """The project, with an annotator, a researcher, a run and versions."""
    from django.contrib.auth.models import User

    from annotation import people
    from annotation.collecting import queue
    from annotation.models import Membership
    from benchmarks import filling
    from tests.rltrainer.factories import make_policy, make_reward_model, make_snapshot

    project = filling.project_of(comparisons // 6)
    user = User.objects.create_user("annotator", password=PASSWORD)
    Membership.objects.create(project=project, user=user, role="annotator")
    annotator = people.annotator_for(project=project, user=user)
    people.has_read_guidelines(annotator=annotator, version=project.guideline_version)
    filling.judge_all_but_last(annotator, 0)
    # Whoever judged one by one knows where they stand (annotation.collecting.bookmarks); those came all at once.
    queue.claim(annotator=annotator)
    filling.compare(project)
    filling.leave_stale(project, STALE)
    snapshot = make_snapshot(project, "benchmark")
    make_reward_model(project, 1, snapshot)
    make_policy(project, 1)
    filling.tidy()
    User.objects.create_superuser("researcher", password=PASSWORD)
    return project


def main() -> int:
    """1 where a page is slower or asks more than it may."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages")
    parser.add_argument("--comparisons", type=int, default=1_000_000)
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    chosen = parser.parse_args()
    with database():
        from django.conf import settings
        from django.contrib.auth.models import User
        from django.test import Client

        from benchmarks import filling

        settings.ALLOWED_HOSTS = ["testserver"]
        logging.getLogger("django.request").setLevel(logging.ERROR)  # what takes no GET says so
        filling.migrate()
        project = fill(chosen.comparisons)
        clients = {}
        for who in ("annotator", "researcher"):
            clients[who] = Client()
            clients[who].force_login(
                User.objects.get(username=who), backend="annotation.sessions.AccountBackend"
            )
        rows = measured(project.slug, clients)
    over = [row for row in rows if int(row["ms"]) > SLOWEST_MS or row["queries"] > MOST_QUERIES]
    print(f"{len(rows)} pages, {len(over)} over {SLOWEST_MS} ms or {MOST_QUERIES} queries")
    for row in over:
        print(row)
    if chosen.write:
        writing.put("benchmarks.pages", writing.table(rows))
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
