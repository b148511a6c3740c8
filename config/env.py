"""Typed readers of environment variables. A bad value stops the start and says which variable and what it may be."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


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


def integer(name: str, *, default: int, least: int = 0) -> int:
    """A whole number of at least ``least``."""
    value = text(name)
    if not value:
        return default
    if not value.isdecimal() or int(value) < least:
        raise ImproperlyConfigured(f"{name}={value!r}: it must be a whole number of at least {least}.")
    return int(value)


def words(name: str, default: list[str]) -> list[str]:
    """A list parted by commas."""
    value = text(name)
    return [part.strip() for part in value.split(",") if part.strip()] if value else default


def folder(name: str, default: Path) -> Path:
    """An absolute folder; a relative one is taken from the current directory."""
    value = text(name)
    return Path(value).expanduser().resolve() if value else default


def database(name: str) -> dict[str, Any] | None:
    """Django's keys of a ``postgres://user:password@host:port/name?option=value`` address, or None.

    Options are libpq's (sslmode, application_name, ...).
    """
    value = text(name)
    if not value:
        return None
    url = urlsplit(value)
    if url.scheme not in {"postgres", "postgresql"} or not url.path.strip("/"):
        raise ImproperlyConfigured(f"{name} must look like postgres://user:password@host:5432/name.")
    options = dict(parse_qsl(url.query))
    return {
        "NAME": unquote(url.path.strip("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        # A socket's folder cannot be a URL's host, so libpq's ?host=/folder is read too.
        "HOST": options.pop("host", "") or unquote(url.hostname or ""),
        "PORT": options.pop("port", "") or str(url.port or ""),
        "OPTIONS": options,
    }
