"""Annotators over HTTP: a real log-in, one connection that is kept alive, and a POST for each judgement."""

import re
import socket
import time
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode

_ASSIGNMENT = re.compile(rb'name="assignment" value="([^"]+)"')
_TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="([^"]+)"')
_COOKIE = re.compile(r"^set-cookie: ([^=]+)=([^;]*)", re.IGNORECASE | re.MULTILINE)


class Answer(NamedTuple):
    """An HTTP answer, read to its end."""

    status: int
    body: bytes
    seconds: float


class Client:
    """A browser as far as a judgement needs one. ``cookies`` are those of somebody who is logged in."""

    def __init__(self, port: int, cookies: Mapping[str, str] | None = None) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self.cookies: dict[str, str] = dict(cookies or {})
        self.page = b""

    def log_in(self, name: str, password: str) -> None:
        """Through the log-in page, as a person does."""
        token = _first_match(_TOKEN, self.send("GET", "/login/").body)
        fields = {"username": name, "password": password, "csrfmiddlewaretoken": token}
        answer = self.send("POST", "/login/", fields)
        assert answer.status == 302, f"{name} cannot log in: {answer.status}"

    def open(self, project: str) -> Answer:
        """The page of the next task."""
        answer = self.send("GET", f"/projects/{project}/rank/")
        self.page = answer.body
        return answer

    def form(self) -> dict[str, str] | None:
        """The open page's form, every completion placed; None where the page holds no task."""
        if not _ASSIGNMENT.search(self.page):
            return None
        letters = re.findall(rb'data-letter="(\w)"', self.page)
        return {
            "csrfmiddlewaretoken": _first_match(_TOKEN, self.page),
            "assignment": _first_match(_ASSIGNMENT, self.page),
            "verdict": "ranked",
            "active_seconds": "1",
            **{f"rank_{letter.decode()}": str(place) for place, letter in enumerate(letters, start=1)},
        }

    def submit(self, project: str) -> Answer:
        """Submit the open page's task; the answer holds the next one."""
        form = self.form()
        assert form is not None, "no task is left"
        answer = self.send("POST", f"/projects/{project}/rank/submit/", form)
        assert answer.status == 200, f"refused: {answer.status} {answer.body[:300]!r}"
        self.page = answer.body
        return answer

    def submit_with_the_next_ahead(self, project: str) -> tuple[Answer, Answer]:
        """As the page does it: fetch the next task while this one is judged, then submit and show that one.

        The answers to both; the second one holds the counts alone.
        """
        form = self.form()
        assert form is not None, "no task is left"
        ahead = self.send("GET", f"/projects/{project}/rank/ahead/")
        assert ahead.status == 200, f"nothing is left to be held ahead: {ahead.status}"
        shown = {"X-Shown": _first_match(_ASSIGNMENT, ahead.body)}
        answer = self.send("POST", f"/projects/{project}/rank/submit/", form, shown)
        assert answer.status == 200, f"refused: {answer.status} {answer.body[:300]!r}"
        assert not _ASSIGNMENT.search(answer.body), (
            "the answer holds another task than the one that was ahead"
        )
        self.page = ahead.body
        return ahead, answer

    def send(
        self,
        method: str,
        path: str,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request over the open connection. A connection that the server has closed is opened again, once."""
        body = urlencode(fields or {}).encode() if method == "POST" else b""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        lines = [
            f"{method} {path} HTTP/1.1",
            "Host: localhost",
            "X-Requested-With: fetch",
            f"Cookie: {cookies}",
            f"Content-Length: {len(body)}",
            "Content-Type: application/x-www-form-urlencoded",
            *(f"{name}: {value}" for name, value in (headers or {}).items()),
        ]
        request = "\r\n".join([*lines, "", ""]).encode() + body
        began = time.perf_counter()
        try:
            head, content = self._exchange(request)
        except ConnectionError:
            self.close()
            head, content = self._exchange(request)
        seconds = time.perf_counter() - began
        for name, value in _COOKIE.findall(head):
            self.cookies[name] = value
        return Answer(int(head.split(" ", 2)[1]), content, seconds)

    def close(self) -> None:
        """Let the connection go."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _exchange(self, request: bytes) -> tuple[str, bytes]:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=120)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._received()
        head, _, body = data.partition(b"\r\n\r\n")
        headers = head.decode("latin-1").replace("\r\n", "\n")
        length = re.search(r"^content-length: (\d+)", headers, re.IGNORECASE | re.MULTILINE)
        body_length = int(length.group(1)) if length else 0
        while len(body) < body_length:
            body += self._received()
        if re.search(r"^connection: close", headers, re.IGNORECASE | re.MULTILINE):
            self.close()
        return headers, body

    def _received(self) -> bytes:
        assert self._socket is not None
        data = self._socket.recv(262_144)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        return data


def _first_match(pattern: re.Pattern[bytes], page: bytes) -> str:
    match = pattern.search(page)
    assert match is not None, f"{pattern.pattern!r} is not in {page[:300]!r}"
    return match.group(1).decode()
