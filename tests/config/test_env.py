"""The readers of environment variables: what they take, and what they refuse by name."""

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env
from config.running import postgres

NAME = "CONCORD_TRIED"


def test_words_are_parted_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, " a.org, ,b.org ")
    assert env.words(NAME, []) == ["a.org", "b.org"]


@pytest.mark.parametrize(("text", "value"), [("1", True), ("Yes", True), ("off", False), ("", True)])
def test_a_flag_is_read(monkeypatch: pytest.MonkeyPatch, text: str, value: bool) -> None:
    monkeypatch.setenv(NAME, text)
    assert env.flag(NAME, default=True) is value


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (lambda: env.flag(NAME, default=True), "maybe"),
        (lambda: env.integer(NAME, default=1, most=9), "-3"),
        (lambda: env.integer(NAME, default=1, least=4, most=9), "3"),
        (lambda: env.database(NAME), "mysql://host/name"),
        (lambda: env.database(NAME), "postgres://host"),
    ],
)
def test_a_bad_value_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, read: Any, text: str) -> None:
    monkeypatch.setenv(NAME, text)
    with pytest.raises(ImproperlyConfigured, match=NAME):
        read()


# Of libpq: asked after each minute of silence; a machine that is gone is noticed after 30 s.
KEPT = {
    "keepalives_idle": "60",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}


@pytest.mark.parametrize(
    ("url", "keys"),
    [
        (
            "postgres://me:p%40ss@db.org:6000/store",
            {
                "HOST": "db.org",
                "PORT": "6000",
                "NAME": "store",
                "USER": "me",
                "PASSWORD": "p@ss",
                "OPTIONS": KEPT,
            },
        ),
        (
            "postgresql://me@/store?host=/run/pg&port=7&sslmode=prefer&keepalives_idle=5",
            {
                "HOST": "/run/pg",
                "PORT": "7",
                "NAME": "store",
                "USER": "me",
                "PASSWORD": "",
                "OPTIONS": {**KEPT, "sslmode": "prefer", "keepalives_idle": "5"},
            },
        ),
    ],
)
def test_an_address_becomes_djangos_keys(
    monkeypatch: pytest.MonkeyPatch, url: str, keys: dict[str, Any]
) -> None:
    monkeypatch.setenv(NAME, url)
    assert env.database(NAME) == keys


def test_a_home_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="CONCORD_HOME"):
        postgres.connection(tmp_path / ("x" * 90))
