"""The annotation stage at scale: the queue over HTTP, export and import. One table, from one run.

    python -m benchmarks.annotation [--tasks 1000 10000 100000 1000000] [--only queue|export|import] [--write]

Fills a database of its own (the embedded Postgres in a new folder, or the empty one that DATABASE_URL names) and
starts gunicorn on it with the very command of ``make serve``. A judgement is one POST whose answer holds the page of
the next task; clients log in, hold a CSRF token, keep their connection, and run on the same cores as the server.
Beside the figures stand, from the same run, a Django view that does nothing through the same server and a commit of
one row: what no application on this machine can be faster than.

    next         the page of a task taken anew          ahead    the same, held ahead while one is judged
    submit       with the next task ahead, as pages do it; the answer holds the counts
    submit+next  the answer holds the next task: a form's way, and that of the rate with 16 clients

    fresh      no task is judged           far ahead   one annotator has judged all but the last 100, all still open
    complete   all but the last 100 tasks have all their judgements
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import writing
from benchmarks.writing import CHECKOUT

PASSWORD = "a long benchmark password"
SAMPLES = 300
# How often all is done before it counts: each connection of the web process has then planned every statement, as for
# most of its hour (config.settings).
WARMING = 20
# Far ahead, and where nearly all is complete: so many tasks are left.
LEFT, SAMPLES_OF_FEW = 400, 200
CLIENTS = 16


# The rows of this run, by what they are of; --write puts them into docs/performance.md.
ROWS: dict[str, list[dict[str, Any]]] = {}


class Spread(NamedTuple):
    """Milliseconds."""

    p50: float
    p95: float

    def __str__(self) -> str:
        return f"{self.p50:.1f} / {self.p95:.1f}"


def spread(seconds: Sequence[float]) -> Spread:
    """Median and 95th percentile."""
    cuts = statistics.quantiles(seconds, n=20, method="inclusive")
    return Spread(1000 * cuts[9], 1000 * cuts[18])


def timed(act: Callable[[], object], times: int) -> Spread:
    """How long ``act`` takes, so many times."""
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - began)
    return spread(seconds)


@contextmanager
def database() -> Iterator[None]:
    """A home of this run's own with an embedded Postgres, unless DATABASE_URL names another."""
    home = Path(tempfile.mkdtemp(prefix="concord-benchmark-"))
    os.environ["CONCORD_HOME"] = str(home)
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    from config.running.postgres import Server

    server = None if "DATABASE_URL" in os.environ else Server(home)
    try:
        if server is not None:
            server.hold()
        django.setup()
        yield
    finally:
        from django.db import connections

        connections.close_all()
        if server is not None:
            server.release()
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def web() -> Iterator[int]:
    """gunicorn as the supervisor starts it, but for the null view; its port."""
    from config.running.services import services

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    service = services(address=f"127.0.0.1:{port}", home=Path(os.environ["CONCORD_HOME"]))[0]
    command = ["benchmarks.web" if word == "config.wsgi" else word for word in service.command]
    print("server:", " ".join(command[1:]))
    with (Path(os.environ["CONCORD_HOME"]) / "web.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=CHECKOUT, stdout=log, stderr=log)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert process.poll() is None, "the web server does not start"
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def report(of: str, row: dict[str, Any]) -> None:
    """A row of the table, as soon as it is known."""
    ROWS.setdefault(of, []).append(row)
    print("  ".join(f"{name}: {value}" for name, value in row.items()), flush=True)


# The queue


def queue(sizes: Sequence[int]) -> None:
    """Next task, submit and judgements a second, by size and state."""
    from benchmarks import filling

    with web() as port:
        for tasks in sizes:
            began = time.perf_counter()
            project = filling.project_of(tasks)
            print(f"{tasks} tasks filled in {time.perf_counter() - began:.0f} s", flush=True)
            names = [f"u{tasks}-{number}" for number in range(CLIENTS)]
            annotators = [_annotator(project, name) for name in names]
            clients = [_client(port, name) for name in names]
            _measure(project.slug, tasks, "fresh", clients, port)
            filling.judge_all_but_last(annotators[0], 2, left=LEFT)
            # Fewer samples than tasks that are left to this annotator.
            _measure(project.slug, tasks, "far ahead", clients[:1], port, samples=SAMPLES_OF_FEW)
            for number in range(filling.OVERLAP):
                filling.judge_all_but_last(_annotator(project, f"done{tasks}-{number}"), number, left=LEFT)
            _measure(project.slug, tasks, "complete", clients[1:], port, samples=SAMPLES_OF_FEW)
            for client in clients:
                client.close()


def _annotator(project: Any, name: str) -> Any:
    from django.contrib.auth.models import User

    from annotation import people
    from annotation.models import Membership

    user = User.objects.create_user(name, password=PASSWORD)
    Membership.objects.create(project=project, user=user, role="annotator")
    annotator = people.annotator_for(project=project, user=user)
    people.has_read_guidelines(annotator=annotator, version=project.guideline_version)
    return annotator


def _client(port: int, name: str) -> Any:
    from benchmarks.clients import Client

    client = Client(port)
    client.log_in(name, PASSWORD)
    return client


def _measure(
    slug: str, tasks: int, state: str, clients: Sequence[Any], port: int, samples: int = SAMPLES
) -> None:
    from benchmarks.web import NULL

    one = clients[0]
    first = one.open(slug).seconds
    for _ in range(WARMING):
        one.submit(slug)
        one.submit_with_the_next_ahead(slug)
        _next_anew(one, slug)
    both = spread([one.submit(slug).seconds for _ in range(samples // 2)])
    pairs = [one.submit_with_the_next_ahead(slug) for _ in range(samples // 2)]
    ahead, submits = (spread([pair[place].seconds for pair in pairs]) for place in (0, 1))
    nexts = [_next_anew(one, slug) for _ in range(samples)]
    nulls = spread([one.send("GET", NULL).seconds for _ in range(samples)])
    row = {
        "tasks": tasks,
        "state": state,
        "next ms": spread(nexts),
        "ahead ms": ahead,
        "submit ms": submits,
        "submit+next ms": both,
        "first ms": f"{1000 * first:.1f}",
        "null view ms": nulls,
        "commit ms": timed(_commit, 100),
    }
    if state == "fresh" and len(clients) == CLIENTS:
        row["judgements/s"] = f"{_rate(slug, clients):.0f}"
        row["null/s"] = f"{_null_rate(clients, NULL):.0f}"
    report("queue", row)


def _next_anew(client: Any, slug: str) -> float:
    """Seconds of a page that takes a task anew: the open one is handed back."""
    client.send("POST", f"/projects/{slug}/rank/release/", client.form() or {})
    return float(client.open(slug).seconds)


def _commit() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO benchmark_commit (said) VALUES ('one row')")


def _rate(slug: str, clients: Sequence[Any]) -> float:
    """Judgements a second of all clients at once, each waiting for its answer before the next."""
    judgements_each = 60

    def work(client: Any) -> None:
        if client.form() is None:
            client.open(slug)
        for _ in range(judgements_each):
            client.submit(slug)

    return judgements_each * len(clients) / _together([partial(work, one) for one in clients])


def _null_rate(clients: Sequence[Any], address: str) -> float:
    judgements_each = 60

    def work(client: Any) -> None:
        for _ in range(judgements_each):
            client.send("GET", address)

    return judgements_each * len(clients) / _together([partial(work, one) for one in clients])


def _together(jobs: Sequence[Callable[[], None]]) -> float:
    """Seconds until all jobs, each in a thread, are done."""
    failures: list[Exception] = []

    def run(job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    if failures:
        raise failures[0]
    return seconds


# Files


def export(comparisons: int) -> None:
    """Pairs a second by the command, and a bare COPY of the same rows."""
    from django.db import connection

    from benchmarks import filling

    project = filling.judged(comparisons // 6)
    home = Path(os.environ["CONCORD_HOME"])
    out = home / "pairs.jsonl"
    seconds, peak = _command(
        "export_jsonl", "--project", project.slug, "--kind", "pairs", "--output", str(out)
    )
    lines = _lines(out)
    began = time.perf_counter()
    copied = 0
    with connection.cursor() as cursor, cursor.copy(COPY.format(project.pk)) as copy:
        for block in copy:
            copied += len(block)
    bare = time.perf_counter() - began
    report(
        "export",
        {
            "export": "pairs",
            "lines": lines,
            "MB": out.stat().st_size // 1_000_000,
            "seconds": f"{seconds:.1f}",
            "a second": f"{lines / seconds:,.0f}",
            "bare COPY s": f"{bare:.1f}",
            "bare COPY MB": copied // 1_000_000,
            "peak MB": peak,
        },
    )
    out.unlink()


# The same rows with the same joins, nothing made of them.
COPY = """
COPY (
    SELECT p.messages, a.text, b.text, r.strength, n.pseudonym, r.public_id, t.public_id, p.split, r.order_shown,
        r.active_seconds, r.guideline_version, r.metadata, r.created_at
    FROM annotation_comparison c
    JOIN annotation_ranking r ON r.id = c.ranking_id
    JOIN annotation_annotator n ON n.id = r.annotator_id
    JOIN annotation_task t ON t.id = r.task_id
    JOIN annotation_prompt p ON p.id = t.prompt_id
    JOIN annotation_completion a ON a.id = c.preferred_id
    JOIN annotation_completion b ON b.id = c.rejected_id
    WHERE r.project_id = {} AND NOT c.tie
) TO STDOUT
"""


def import_(lines: int) -> None:
    """Lines a second of tasks of two completions and of rankings of four, by the command."""
    from annotation import people

    home = Path(os.environ["CONCORD_HOME"])
    for kind, count, line in (
        ("completions", lines, _task_line),
        ("rankings", max(lines // 3, 1), _ranking_line),
    ):
        file = home / f"{kind}.jsonl"
        with file.open("w") as out:
            out.writelines(json.dumps(line(number)) + "\n" for number in range(count))
        project = people.create_project(slug=f"import-{kind}")
        seconds, peak = _command("import_jsonl", str(file), "--project", project.slug, "--kind", kind)
        report(
            "import",
            {
                "import": kind,
                "lines": count,
                "bytes a line": file.stat().st_size // count,
                "seconds": f"{seconds:.1f}",
                "a second": f"{count / seconds:,.0f}",
                "peak MB": peak,
            },
        )
        file.unlink()


def _task_line(number: int) -> dict[str, Any]:
    answers = [{"text": f"{number} {place} {'some words of an answer. ' * 8}"} for place in range(2)]
    return {"prompt": f"Question {number}?", "completions": answers}


def _ranking_line(number: int) -> dict[str, Any]:
    answers = [
        {"text": f"{number} {place} {'some words of an answer. ' * 8}", "rank": place + 1}
        for place in range(4)
    ]
    return {"prompt": f"Question {number}?", "completions": answers, "annotator": f"person-{number % 40}"}


def _command(*words: str) -> tuple[float, int]:
    """Seconds and peak memory in MB of a management command in a process of its own, its start included."""
    script = (
        "import resource, subprocess, sys, time\n"
        "began = time.perf_counter()\n"
        "done = subprocess.run([sys.executable, 'manage.py', *sys.argv[1:]], stdout=subprocess.DEVNULL)\n"
        "print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        "sys.exit(done.returncode)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *words], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True
    )
    seconds, peak = done.stdout.split()
    return float(seconds), int(peak) // 1024


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", type=int, nargs="+", default=[1000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--comparisons", type=int, default=1_000_000, help="of the export")
    parser.add_argument("--lines", type=int, default=100_000, help="of the import of tasks")
    parser.add_argument("--only", choices=["queue", "export", "import"])
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    chosen = parser.parse_args()
    with database():
        from benchmarks import filling

        filling.migrate()
        _print_database()
        if chosen.only in {None, "queue"}:
            queue(chosen.tasks)
        if chosen.only in {None, "export"}:
            export(chosen.comparisons)
        if chosen.only in {None, "import"}:
            import_(chosen.lines)
    if chosen.write:
        for of, rows in ROWS.items():
            writing.put(f"benchmarks.annotation {of}", writing.table(rows))


def _print_database() -> None:
    from django.db import connection

    names = ("server_version", "shared_buffers", "fsync", "synchronous_commit", "max_connections")
    with connection.cursor() as cursor:
        settings = []
        for name in names:
            cursor.execute(f"SHOW {name}")
            settings.append(f"{name}={cursor.fetchone()[0]}")
    print("database:", " ".join(settings), f"cores={os.cpu_count()}", flush=True)


if __name__ == "__main__":
    main()
