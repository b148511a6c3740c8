"""One POST to an address that a person gave, which may not lead into the network that Concord itself stands in.

The name is looked up once, every address that it has is checked, and the connection goes to a checked address: a name
that answers otherwise the second time (DNS rebinding) gains nothing. Redirects are answers like any other, so they
lead nowhere. Of the other side nothing is believed: not that it answers, nor in HTTP, nor that it comes to an end.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, BinaryIO
from urllib.parse import urlsplit

# For the whole of it: the name's lookup, the connection, its certificate, and an answer however slowly it trickles in.
SECONDS = 5.0
# Of an answer no more is read than is kept.
MOST_ANSWER_BYTES = 500

# All that IPv6 has given out to the public (RFC 4291). The address library calls others global too: of sites, and
# such as lead on into IPv4.
_GIVEN_OUT = ipaddress.IPv6Network("2000::/3")
# An IPv6 network reaches IPv4 through these (RFC 6052): the last four bytes say where.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Kept for protocols (RFC 6890).
_PROTOCOLS = ipaddress.IPv4Network("192.0.0.0/24")
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Refused(Exception):
    """The address is not one that messages are sent to."""


def post(url: str, *, body: bytes, headers: Mapping[str, str], private: bool) -> tuple[int, str]:
    """The answer's status and the beginning of its body. ``private`` allows http and addresses of one's own network.

    Raises Refused, OSError, http.client.HTTPException, ValueError (of a name or an answer that is ill-formed).
    """
    until = time.monotonic() + SECONDS
    check_form(url, private=private)
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection = http.client.HTTPConnection(host, port)
    connection.response_class = _Answer
    sock = connection.sock = _connected(host, port, parts.scheme, private, until)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    over = threading.Event()
    deadline = threading.Timer(max(until - time.monotonic(), 0.0), _shut, [sock, over])
    deadline.start()
    try:
        connection.request("POST", target, body=body, headers={**headers, "Connection": "close"})
        answer = connection.getresponse()
        words = _beginning(answer).decode(errors="replace")
    except (OSError, http.client.HTTPException, ValueError) as error:
        if over.is_set() or isinstance(error, TimeoutError):
            # What broke is what the deadline shut, or the socket was as long without an answer.
            raise _too_long() from error
        raise
    else:
        if over.is_set():
            raise _too_long()
        return answer.status, words
    finally:
        deadline.cancel()
        connection.close()


class _Answer(http.client.HTTPResponse):
    """Its head ends with an empty line. http.client is content with one that a broken connection ends."""

    def begin(self) -> None:
        body = self.fp
        self.fp = _Head(body)  # type: ignore[assignment]
        try:
            super().begin()
        finally:
            if self.fp is not None:
                self.fp = body


class _Head:
    """What http.client reads a head from, line by line."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._begun = False

    def readline(self, most: int) -> bytes:
        """Raises IncompleteRead where a line breaks off, but for the first: to that, http.client has its own words."""
        line = self._source.readline(most)
        if self._begun and not line.endswith(b"\n") and len(line) < most:
            raise http.client.IncompleteRead(line)
        self._begun = True
        return line

    def close(self) -> None:
        self._source.close()


def _beginning(answer: http.client.HTTPResponse) -> bytes:
    """Of the body what is kept. Raises IncompleteRead if the connection ends before as much as was promised of it.

    A read at a time: ``read`` takes a chunk's length of -1 for all that comes, however much that is.
    """
    begun = b""
    while len(begun) < MOST_ANSWER_BYTES and (more := answer.read1(MOST_ANSWER_BYTES - len(begun))):
        begun += more
    if len(begun) < MOST_ANSWER_BYTES and answer.length:
        raise http.client.IncompleteRead(begun, answer.length)
    return begun[:MOST_ANSWER_BYTES]


def _shut(sock: socket.socket, over: threading.Event) -> None:
    over.set()
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _left(until: float) -> float:
    """Seconds, more than none. Raises TimeoutError."""
    left = until - time.monotonic()
    if left <= 0:
        raise _too_long()
    return left


def _too_long() -> TimeoutError:
    return TimeoutError(f"There was no whole answer within {SECONDS:g} seconds.")


def check_form(url: str, *, private: bool) -> None:
    """Raises Refused for what no message could be sent to, before any name is looked up."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Refused("This is no address.") from error
    if parts.scheme not in ({"https", "http"} if private else {"https"}) or not parts.hostname or port == 0:
        raise Refused("The address must begin with https:// and name a host.")
    if not url.isascii() or any(sign <= " " or sign == "\x7f" for sign in url):
        raise Refused(
            "Write the address in ASCII without spaces: a host as xn--, anything else percent-encoded."
        )
    if parts.username or parts.password:
        raise Refused("The address must not hold a name or password: the signature says who sent a message.")
    literal = _literal(parts.hostname)
    if literal is not None and not private:
        _require_public(parts.hostname, [literal])


def _connected(host: str, port: int, scheme: str, private: bool, until: float) -> socket.socket:
    entries = _looked_up(host, port, until)
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in entries]
    if not private:
        _require_public(host, addresses)
    raw = _reached([str(address) for address in addresses], port, until)
    try:
        raw.settimeout(_left(until))
        if scheme == "http":
            return raw
        return ssl.create_default_context().wrap_socket(raw, server_hostname=host)
    except BaseException:
        raw.close()
        raise


def _reached(addresses: Sequence[str], port: int, until: float) -> socket.socket:
    """The first of the addresses that takes a connection: a name may have one that its server does not listen at.
    Raises OSError of the last."""
    *others, last = addresses
    for address in others:
        with suppress(OSError):
            return socket.create_connection((address, port), timeout=_left(until))
    return socket.create_connection((last, port), timeout=_left(until))


def _looked_up(host: str, port: int, until: float) -> list[Any]:
    """What ``getaddrinfo`` says of the name. It takes no limit, and a stranger's name server may hold it up: it is
    waited for from outside, and left to itself after that. Raises OSError, UnicodeError."""
    entries: Future[list[Any]] = Future()

    def look_up() -> None:
        try:
            entries.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except BaseException as error:
            entries.set_exception(error)

    threading.Thread(target=look_up, daemon=True).start()
    try:
        return entries.result(timeout=_left(until))
    except TimeoutError:
        raise TimeoutError(f"The name {host} was not found within {SECONDS:g} seconds.") from None


def _literal(host: str) -> _Address | None:
    """The address that a host is written as, in any form that it can be (``127.1``, ``2130706433``); None of a name."""
    with suppress(ValueError):
        return ipaddress.ip_address(host.partition("%")[0])
    with suppress(OSError):
        return ipaddress.IPv4Address(socket.inet_aton(host))
    return None


def _require_public(host: str, addresses: Sequence[_Address]) -> None:
    """Raises Refused."""
    if not all(_is_public(address) for address in addresses):
        raise Refused(
            f"{host} is an address of a private network, and messages go to public ones alone. "
            "Whoever runs Concord allows it for a network of their own by CONCORD_WEBHOOKS_PRIVATE=1."
        )


def _is_public(address: _Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        inner = _leads_to(address)
        if inner is not None:
            return _is_public(inner)
        return address in _GIVEN_OUT and address.is_global
    return address.is_global and not (address.is_multicast or address.is_reserved or address in _PROTOCOLS)


def _leads_to(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that packets to this one end up at, if they do."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
