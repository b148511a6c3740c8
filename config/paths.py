"""Concord under a path of its own on a host that shows other things too."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def under(path: str, application: "WSGIApplication") -> "WSGIApplication":
    """``application`` for a proxy that passes addresses on with ``path`` in front or without it: both work."""

    def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        rest = environ["PATH_INFO"].removeprefix(path)
        if not rest or rest.startswith("/"):
            environ["PATH_INFO"] = rest or "/"
        return application(environ, start_response)

    return serve if path else application
