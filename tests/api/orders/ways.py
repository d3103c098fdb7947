"""Two servers that are sent the same requests: what is sent, and what comes back without what differs by nature."""

from __future__ import annotations

import re
import socket
from pathlib import Path

from tests.server import RunningServer

PATIENCE_S = 30

Pair = tuple[RunningServer, RunningServer]
Headers = dict[str, str]

_BLANKED = [
    (re.compile(rb"Date: [^\r]+"), b"Date: -"),
    (re.compile(rb'"request_id":"[0-9a-f]{16}"'), b'"request_id":"-"'),
    (re.compile(rb"X-Request-Id: [0-9a-f]{16}\r"), b"X-Request-Id: -\r"),
    (re.compile(rb'"(timestamp|ts_ns|processing_time_ms|server_time_ms)":[0-9.e+]+'), rb'"\1":0'),
    (re.compile(rb'"ts_ns_text":"[0-9]+"'), b'"ts_ns_text":"0"'),
    (re.compile(rb"(X-RateLimit-Reset|Retry-After): [0-9]+"), rb"\1: -"),
    (re.compile(rb"Content-Length: [0-9]+"), b"Content-Length: -"),  # checked where the answer is read
]


class Way:
    """One server and a connection to it, opened anew when the server ends it."""

    def __init__(self, server: RunningServer) -> None:
        self._address = ("127.0.0.1", server.port)
        self._socket: socket.socket | None = None
        self._read = b""

    def ask(self, request: bytes) -> bytes:
        """The answer to one request, whole, what differs by nature blanked."""
        if self._socket is None:
            self._socket, self._read = socket.create_connection(self._address, PATIENCE_S), b""
        self._socket.sendall(request)
        while b"\r\n\r\n" not in self._read:
            self._more()
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        length = re.search(rb"\r\nContent-Length: ([0-9]+)", head)
        assert length is not None, head
        while len(self._read) < int(length[1]):
            self._more()
        body, self._read = self._read[: int(length[1])], self._read[int(length[1]) :]
        if b"\r\nConnection: close" in head:
            self.close()
        answer = head + b"\r\n\r\n" + body
        for pattern, blank in _BLANKED:
            answer = pattern.sub(blank, answer)
        # in no order of their own
        return re.sub(rb"Allow: ([^\r]+)", lambda found: b"Allow: " + b", ".join(sorted(found[1].split(b", "))), answer)

    def _more(self) -> None:
        assert self._socket is not None
        data = self._socket.recv(65_536)
        assert data, "the server closed without an answer"
        self._read += data

    def close(self) -> None:
        """End the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def request_of(method: str, target: str, body: bytes, headers: Headers, *, old: bool = False) -> bytes:
    """A request as it is sent."""
    lines = {"Host": "127.0.0.1"} | headers
    if body or method in ("POST", "PATCH"):
        lines["Content-Length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {target} HTTP/1.{0 if old else 1}\r\n{head}\r\n".encode() + body


def secured_pair(folder: Path, *options: str) -> Pair:
    """Two venues that know who asks, not yet started."""
    both = ("--profile", "secured", *options)
    return RunningServer(folder / "lane", *both), RunningServer(folder / "flask", *both, "--debug")
