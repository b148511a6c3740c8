"""Typed readers of environment variables. A bad value stops the start and says which variable and what it may be."""

import os
import re
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import psycopg
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

SHORTEST_SECRET = 32
# The shortest path of a socket among the systems that Concord runs on (macOS: 104 bytes with the closing NUL).
LONGEST_SOCKET = 103
# Where a list of Django's may hold a wildcard, it stands in front: .example.org, *.example.org.
_HOST = re.compile(r"\*|\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\]", re.IGNORECASE)
_ORIGIN = re.compile(
    r"https?://(\*\.)?([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.IGNORECASE
)
# The schemes of Celery's brokers for a fleet, and the package that each needs.
_BROKERS = {"redis": "redis", "rediss": "redis", "redis+socket": "redis", "amqp": "amqp", "amqps": "amqp"}
_PATH = re.compile(r"(/[\w.~-]*[\w~-])+", re.ASCII)
_HUB_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
_ESCAPES = "in a user or password write %2F for /, %23 for #, %3F for ?, %40 for @ and %25 for %"


def text(name: str, default: str = "") -> str:
    """The variable's text, stripped; ``default`` where it is unset or empty."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool) -> bool:
    """True for 1, true, yes, on; False for 0, false, no, off."""
    value = text(name).lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name}={value!r}: it may be 1 or 0 (true, yes, on; false, no, off).")


def integer(name: str, *, default: int, least: int = 0, most: int) -> int:
    """A whole number from ``least`` to ``most``."""
    value = text(name)
    if not value:
        return default
    # The length first: Python refuses to read thousands of digits.
    if not (value.isdecimal() and len(value) < 20 and least <= int(value) <= most):
        raise ImproperlyConfigured(
            f"{name}={value[:40]!r}: it must be a whole number from {least} to {most}."
        )
    return int(value)


def secret(name: str) -> str:
    """A key that nobody guesses, or nothing."""
    value = text(name)
    if value and len(value) < SHORTEST_SECRET:
        raise ImproperlyConfigured(
            f"{name}: it has {len(value)} characters; it must have at least {SHORTEST_SECRET}, drawn at random."
        )
    return value


def words(name: str, default: list[str]) -> list[str]:
    """A list parted by commas."""
    value = text(name)
    return [part.strip() for part in value.split(",") if part.strip()] if value else default


def hosts(name: str, default: list[str]) -> list[str]:
    """Names of hosts alone, as Django compares them: ``*`` for all, ``.example.org`` with those below it."""
    names = words(name, default)
    for host in names:
        if not _HOST.fullmatch(host):
            raise ImproperlyConfigured(
                f"{name}: {host!r} must be a host's name alone, without scheme, port and path, as rank.example.org "
                "(an IPv6 address in brackets)."
            )
    return names


def origins(name: str) -> list[str]:
    """Origins as a browser sends them: scheme, host and a port that is not the scheme's own."""
    urls = words(name, [])
    for origin in urls:
        if not _ORIGIN.fullmatch(origin):
            raise ImproperlyConfigured(
                f"{name}: {origin!r} must be a scheme and a host without a path, as https://rank.example.org."
            )
    return urls


def path(name: str) -> str:
    """The path under which a proxy shows Concord, as /concord, or nothing where it has a host to itself."""
    value = text(name).rstrip("/")
    if value and not _PATH.fullmatch(value):
        raise ImproperlyConfigured(
            f"{name}={value!r}: it must be a path alone, as /concord, of letters, digits, . _ ~ and -."
        )
    return value


def folder(name: str, default: Path) -> Path:
    """An absolute folder that can be written, made where it is missing; a relative one is taken from here."""
    value = text(name)
    try:
        path = Path(value).expanduser().resolve() if value else default
        path.mkdir(parents=True, exist_ok=True)
        # The one sure way to know, for root and on a file system that is read only too.
        tempfile.TemporaryFile(dir=path).close()
    # RuntimeError: the home of a user that there is not, or a link that leads to itself.
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ImproperlyConfigured(
            f"{name}={value or str(default)!r}: it must be a folder that can be made and written ({reason})."
        ) from error
    return path


def forks(name: str, default: Path) -> Path | None:
    """Where a process that forks listens; None for ``none``, and where the system has no such process."""
    value = text(name)
    path = Path(value).expanduser().absolute() if value else default
    too_long = len(os.fsencode(path)) > LONGEST_SOCKET
    if value == "none" or sys.platform != "linux" or (too_long and not value):
        return None
    if too_long or not path.parent.is_dir():
        raise ImproperlyConfigured(
            f"{name}={value!r}: it must be a path for a socket, in a folder that is there and of at most "
            f"{LONGEST_SOCKET} bytes, or none."
        )
    return path


def policy(name: str) -> str:
    """A folder that is there, or what can be a name on a hub, or nothing."""
    value = text(name)
    if value and not _HUB_NAME.fullmatch(value) and not Path(value).is_dir():
        raise ImproperlyConfigured(
            f"{name}={value!r}: it must be a folder with a model, or its name on a hub."
        )
    return value


def broker(name: str) -> str:
    """The address of a Redis or RabbitMQ whose package is there, or nothing."""
    value = text(name)
    if not value:
        return ""
    url = _split(
        name, value, f"redis://:password@host:6379/0 or amqp://user:password@host:5672//; {_ESCAPES}"
    )
    package = _BROKERS.get(url.scheme)
    if package is None or not (url.hostname or url.scheme == "redis+socket"):
        raise ImproperlyConfigured(
            f"{name}: it must begin with one of {', '.join(f'{scheme}://' for scheme in _BROKERS)} and name a host."
        )
    if find_spec(package) is None:
        raise ImproperlyConfigured(
            f"{name}: a {url.scheme}:// address needs the Python package {package}, which is not installed."
        )
    return value


class Mail(NamedTuple):
    """A mail server, in the order of Django's EMAIL_ settings."""

    host: str = ""
    port: int = 25
    user: str = ""
    password: str = ""
    starttls: bool = False
    tls: bool = False


def mail(name: str) -> Mail | None:
    """``smtp://``, ``smtp+starttls://`` or ``smtps://user:password@host:port``, or None."""
    value = text(name)
    if not value:
        return None
    form = f"smtps://user:password@host:465 (or smtp+starttls://, smtp://); {_ESCAPES}"
    url = _split(name, value, form)
    ports = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
    if url.scheme not in ports or not url.hostname or url.path.strip("/"):
        raise ImproperlyConfigured(f"{name}: it must look like {form}.")
    login = unquote(url.username or ""), unquote(url.password or "")
    port = url.port or ports[url.scheme]
    return Mail(url.hostname, port, *login, url.scheme == "smtp+starttls", url.scheme == "smtps")


def sender(name: str, *, needed: bool) -> str:
    """The address that mail comes from."""
    value = text(name)
    if not value and not needed:
        return ""
    try:
        validate_email(value)
    except ValidationError:
        raise ImproperlyConfigured(
            f"{name}={value!r}: it must be the e-mail address that mail comes from, as concord@example.org."
        ) from None
    return value


def _split(name: str, value: str, form: str) -> SplitResult:
    """The parts of an address. Raises ImproperlyConfigured, without the address: it may hold a password."""
    try:
        url = urlsplit(value)
        # Read here, because urlsplit itself leaves a bad port for later.
        sound = url.port != 0 and not url.fragment and "@" not in url.path + url.query
    except ValueError:
        sound = False
    if not sound:
        raise ImproperlyConfigured(f"{name}: it must look like {form}.")
    return url


# Connections are kept for long (config.settings): what stands between the machines forgets none, and of one whose other
# end is gone that is known within half a minute. libpq's names; sockets of one machine need none of them.
KEEPALIVES = {
    "keepalives_idle": "60",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}


def database(name: str) -> dict[str, Any] | None:
    """Django's keys of a ``postgres://user:password@host:port/name?option=value`` address, or None.

    Options are libpq's (sslmode, application_name, ...); KEEPALIVES where it says nothing else.
    """
    value = text(name)
    if not value:
        return None
    form = f"postgres://user:password@host:5432/name?sslmode=require; {_ESCAPES}"
    url = _split(name, value, form)
    options = dict(parse_qsl(url.query))
    port = options.get("port", "1")
    if (
        url.scheme not in {"postgres", "postgresql"}
        or not url.path.strip("/")
        or not (port.isdecimal() and len(port) < 6 and 0 < int(port) < 65536)
    ):
        raise ImproperlyConfigured(f"{name}: it must look like {form}.")
    try:
        psycopg.conninfo.make_conninfo(**options)
    except psycopg.ProgrammingError as error:
        reason = " ".join(str(error).split())
        raise ImproperlyConfigured(f"{name}: what follows ? must be options of libpq ({reason}).") from error
    return {
        "NAME": unquote(url.path.strip("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        # A socket's folder cannot be a URL's host, so libpq's ?host=/folder is read too.
        "HOST": options.pop("host", "") or unquote(url.hostname or ""),
        "PORT": options.pop("port", "") or str(url.port or ""),
        "OPTIONS": KEEPALIVES | options,
    }
