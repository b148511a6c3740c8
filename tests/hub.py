"""As much of a model hub as an upload of small files asks for: what it was told is kept."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Hub(ThreadingHTTPServer):
    """Its repositories, made and committed to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.repositories: list[dict[str, Any]] = []
        self.committed: dict[str, list[str]] = {}
        self.others: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Answer(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        self.server.others.append(self.path)
        self._say({"id": "us/ours", "sha": "0" * 40, "siblings": []})

    def do_POST(self) -> None:
        body = self._body()
        if self.path == "/api/repos/create":
            self.server.repositories.append(json.loads(body))
            self._say({"url": f"{self.server.address}/us/ours"})
        elif "/preupload/" in self.path:
            files = json.loads(body)["files"]
            self._say(
                {
                    "files": [
                        {"path": one["path"], "uploadMode": "regular", "shouldIgnore": False} for one in files
                    ]
                }
            )
        elif "/commit/" in self.path:
            lines = [json.loads(line) for line in body.splitlines()]
            self.server.committed[self.path] = sorted(
                one["value"]["path"] for one in lines if one["key"] == "file"
            )
            url = f"{self.server.address}/us/ours/commit/{'1' * 40}"
            self._say({"success": True, "commitOid": "1" * 40, "commitUrl": url})
        else:
            self.server.others.append(self.path)
            self._say({})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"]))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _say(self, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[Hub]:
    """A hub, for as long as it is asked."""
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
