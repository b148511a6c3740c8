"""A start that cannot work ends with one sentence, which names the variable and what it may be."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests.config.conftest import Start

pytestmark = [pytest.mark.processes, pytest.mark.timeout(120)]

HOST_ALONE = "must be a host's name alone, without scheme, port and path"
ORIGIN = "must be a scheme and a host without a path, as https://rank.example.org"
URL = "must look like postgres://user:password@host:5432/name"
ESCAPES = "in a user or password write %2F for /"
MAIL = "must look like smtps://user:password@host:465"

# variable, value, what is said of it
BAD = [
    ("CONCORD_ORIGINS", "rank.example.org", ORIGIN),
    ("CONCORD_ORIGINS", "https://rank.example.org/", ORIGIN),
    ("CONCORD_ORIGINS", "https://rank.example.org,https://other.org/path", ORIGIN),
    ("CONCORD_ORIGINS", "ftp://rank.example.org", ORIGIN),
    ("CONCORD_HOSTS", "https://rank.example.org", HOST_ALONE),
    ("CONCORD_HOSTS", "rank.example.org:8000", HOST_ALONE),
    ("CONCORD_HOSTS", "rank.example.org/path", HOST_ALONE),
    ("CONCORD_HOSTS", "localhost,::1", HOST_ALONE),
    ("CONCORD_PATH", "https://example.org/concord", "must be a path alone, as /concord"),
    ("DATABASE_URL", "mysql://me:pass@localhost/store", URL),
    ("DATABASE_URL", "postgres://me:pass@localhost", URL),
    ("DATABASE_URL", "postgres://me:pa/ss@localhost/store", ESCAPES),
    ("DATABASE_URL", "postgres://me:1/ss@localhost/store", ESCAPES),
    ("DATABASE_URL", "postgres://me:pa#ss@localhost/store", ESCAPES),
    ("DATABASE_URL", "postgres://me:pa?ss@localhost/store", ESCAPES),
    ("DATABASE_URL", "postgres://me:pa[ss@localhost/store", ESCAPES),
    ("DATABASE_URL", "postgres://me:pass@localhost:port/store", URL),
    ("DATABASE_URL", "postgres://me:pass@localhost:70000/store", URL),
    ("DATABASE_URL", "postgres://me@/store?host=/run&port=x", URL),
    (
        "DATABASE_URL",
        "postgres://me:pass@localhost/store?sslmood=require",
        'invalid connection option "sslmood"',
    ),
    (
        "DATABASE_URL",
        "postgres://me:pass@localhost/store?sslmode=perhaps",
        'invalid sslmode value: "perhaps"',
    ),
    ("DATABASE_URL", "postgres://me:pass@127.0.0.1:1/store", "Connection refused"),
    ("DATABASE_URL", "postgres://me:pass@nowhere.invalid/store", "it must name a PostgreSQL from 15 on"),
    ("DATABASE_URL", "postgres://me:pass@.nowhere/store", "it must name a PostgreSQL from 15 on"),
    ("CELERY_BROKER_URL", "kafka://localhost", "must begin with one of redis://, rediss://"),
    ("CELERY_BROKER_URL", "localhost:6379", "must begin with one of redis://, rediss://"),
    ("CELERY_BROKER_URL", "amqp://", "and name a host"),
    ("CELERY_BROKER_URL", "amqp://me:pa/ss@localhost//", ESCAPES),
    ("CELERY_BROKER_URL", "amqp://localhost:port//", "must look like redis://:password@host:6379/0"),
    ("CONCORD_SECRET_KEY", "too short", "must have at least 32"),
    ("CONCORD_HOME", "/dev/null", "must be a folder that can be made and written (File exists)"),
    ("CONCORD_HOME", "/dev/null/home", "must be a folder that can be made and written (Not a directory)"),
    ("CONCORD_HOME", "/proc", "must be a folder that can be made and written"),
    ("CONCORD_HOME", "~nobody-has-this-name/home", "must be a folder that can be made and written"),
    ("CONCORD_HTTPS", "perhaps", "may be 1 or 0"),
    ("CONCORD_DEBUG", "2", "may be 1 or 0"),
    ("CONCORD_WEBHOOKS_PRIVATE", "maybe", "may be 1 or 0"),
    ("CONCORD_POLICY", "/no/such/folder", "must be a folder with a model, or its name on a hub"),
    ("CONCORD_TRUSTED_PROXIES", "-1", "from 0 to 10"),
    ("CONCORD_TRUSTED_PROXIES", "10.0.0.1", "from 0 to 10"),
    ("CONCORD_ADDRESS_FAILURES", "9", "from 10 to 1000000"),
    ("CONCORD_EMAIL_URL", "mail.example.org", MAIL),
    ("CONCORD_EMAIL_URL", "smtps://me:pass@mail.example.org:port", MAIL),
    ("CONCORD_EMAIL_URL", "smtps://me:pa#ss@mail.example.org", ESCAPES),
    ("CONCORD_EMAIL_FROM", "Concord", "must be the e-mail address that mail comes from"),
    ("CONCORD_API_RATE", "0", "from 1 to 1000000"),
    ("CONCORD_API_RATE", "9" * 5000, "from 1 to 1000000"),
    ("CONCORD_MAX_TEXT_BYTES", "1e6", "from 1 to 500000000"),
    ("CONCORD_MAX_LINE_BYTES", "1000000000", "from 1 to 500000000"),
    ("CONCORD_MAX_UPLOAD_BYTES", "2G", "from 1 to 1125899906842624"),
    ("CONCORD_KEEP_RUN_DAYS", "36501", "from 0 to 36500"),
    ("CONCORD_KEEP_RUNS", "-1", "from 0 to 1000000000"),
    ("CONCORD_SCORER_MODELS", "0", "from 1 to 100"),
    ("CONCORD_FORKS", "/no/such/folder/forks", "must be a path for a socket, in a folder that is there"),
    ("CONCORD_FORKS", "/tmp/" + "a" * 100, "of at most 103 bytes, or none"),
    ("CONCORD_RUN_STALE_SECONDS", "3", "from 4 to 86400"),
    ("CONCORD_SWEEP_SECONDS", "1000000000", "from 1 to 86400"),
    ("PORT", "http", "from 1 to 65535"),
    ("PORT", "65536", "from 1 to 65535"),
    ("HOST", "nowhere.invalid", "must be an address or name of this machine"),
    ("HOST", "192.0.2.1", "must be an address or name of this machine"),
    ("HOST", "localhost:8000", "must be an address or name of this machine"),
    ("HOST", "http://localhost", "must be an address or name of this machine"),
    ("HOST", "a" * 70, "must be an address or name of this machine"),
]


@pytest.mark.parametrize(("name", "value", "words"), BAD, ids=[f"{one[0]}={one[1][:40]}" for one in BAD])
def test_a_value_that_cannot_work_stops_the_start_in_one_sentence(
    start: Start, tmp_path: Path, name: str, value: str, words: str
) -> None:
    first = next(one for one in BAD if one[0] == name)
    # Other commands read the settings as the start does: that is seen of one value of each variable.
    others = ["migrate"] if value == first[1] and name not in {"HOST", "PORT"} else []
    for command in ["serve", *others]:
        done = start(tmp_path, command, **{name: value})
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
        assert done.stderr.startswith(name)
        assert words in done.stderr
        # A sentence that is logged tells no password.
        assert "pass@" not in done.stderr.replace("password@", "")
    # Nothing was begun.
    assert not (tmp_path / "postgres").exists()


def test_every_variable_that_can_be_wrong_is_in_the_table() -> None:
    names = set()
    for path in Path(settings.BASE_DIR, "config").rglob("*.py"):
        names |= set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', path.read_text()))
    assert len(names) > 20
    assert {one[0] for one in BAD} == names


def test_mail_needs_to_come_from_somewhere(start: Start, tmp_path: Path) -> None:
    done = start(tmp_path, "migrate", CONCORD_EMAIL_URL="smtp://mail.example.org")
    assert done.returncode == 1
    assert done.stderr.startswith("CONCORD_EMAIL_FROM='': it must be the e-mail address")


@pytest.mark.parametrize("name", ["secret_key", "postgres"])
def test_a_home_with_something_else_in_its_place_is_told(start: Start, tmp_path: Path, name: str) -> None:
    if name == "secret_key":
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).touch()
    for command in ("serve", "migrate"):
        done = start(tmp_path, command)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert (
            f"CONCORD_HOME: the file {tmp_path / name}" in done.stderr
            or f"{tmp_path / name} must be" in done.stderr
        )


def test_an_empty_key_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch(0o600)
    code = "from django.conf import settings; print(settings.SECRET_KEY)"
    keys = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=settings.BASE_DIR,
            env={**os.environ, "CONCORD_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "config.settings"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    ]
    assert keys[0] == keys[1]
    assert len(keys[0].strip()) > 50
