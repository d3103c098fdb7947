"""Bytes to a server and bytes from it, on sockets that do just what an attack needs.

An attacker comes from `ATTACKER`, since loopback as such is known to the server: 127.0.0.0/8 is all of this machine, so
a secured server, or a sandbox on 0.0.0.0 with `--allow-remote`, is what to attack.
"""

from __future__ import annotations

import socket
import ssl
import struct
import time
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlsplit

ATTACKER = "127.0.0.2"
HOST = "127.0.0.1"
PIECE = 65_536  # bytes of one recv
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no seconds: close() sends RST


class RawAnswer(NamedTuple):
    """One answer as it came. Header names are in lower case, the last of equal ones counts."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def closes(self) -> bool:
        """Whether the server says that it closes the connection."""
        return self.headers.get("connection", "").lower() == "close"


class Connection:
    """A socket to a server. A context manager that closes it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._unread = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(self, content: bytes) -> None:
        """Send all of it. Raises OSError when the server closed, TimeoutError when it does not read."""
        self.sock.sendall(content)

    def answer(self, within_s: float = 10.0, *, head: bool = False) -> RawAnswer:
        """The next final answer, without a body where the request was a HEAD.

        Raises EOFError where the server closes before it is whole, TimeoutError where it is late.
        """
        deadline = time.monotonic() + within_s
        while True:
            self._read_until(b"\r\n\r\n", deadline)
            at = self._unread.index(b"\r\n\r\n")
            lines = bytes(self._unread[:at]).decode("latin-1").split("\r\n")
            del self._unread[: at + 4]
            status = int(lines[0].split(" ")[1])
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
            if status < 200 and status != 101:
                continue  # 100 Continue and the like announce the answer
            return RawAnswer(status, headers, b"" if head else self._body(status, headers, deadline))

    def answers(self, within_s: float = 5.0) -> list[RawAnswer]:
        """All that comes until the server closes. Raises TimeoutError where it does not close."""
        deadline = time.monotonic() + within_s
        found = []
        try:
            while True:
                found.append(self.answer(deadline - time.monotonic()))
        except (EOFError, ConnectionError):
            return found

    def closed_within(self, seconds: float) -> bool:
        """Whether the server closes within this time. What it still sends is thrown away."""
        deadline = time.monotonic() + seconds
        try:
            while self._receive(deadline):
                self._unread.clear()
        except TimeoutError:
            return False
        except OSError:  # reset, or an end of TLS without goodbye
            return True
        return True

    def end_sending(self) -> None:
        """Say that nothing more comes: half of the connection is closed."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Close with RST in place of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.sock.close()

    def close(self) -> None:
        """Close it."""
        self.sock.close()

    def _body(self, status: int, headers: dict[str, str], deadline: float) -> bytes:
        if status in (101, 204, 304):
            return b""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunks(deadline)
        if "content-length" in headers:
            return self._take(int(headers["content-length"]), deadline)
        while self._receive(deadline):
            pass
        return self._take(len(self._unread), deadline)

    def _chunks(self, deadline: float) -> bytes:
        body = b""
        while True:
            self._read_until(b"\r\n", deadline)
            at = self._unread.index(b"\r\n")
            size = int(bytes(self._unread[:at]).partition(b";")[0], 16)
            del self._unread[: at + 2]
            body += self._take(size + 2, deadline)[:-2]
            if size == 0:
                return body

    def _take(self, count: int, deadline: float) -> bytes:
        while len(self._unread) < count:
            if not self._receive(deadline):
                raise EOFError(f"closed {count - len(self._unread)} bytes before the end of a body")
        taken = bytes(self._unread[:count])
        del self._unread[:count]
        return taken

    def _read_until(self, mark: bytes, deadline: float) -> None:
        while mark not in self._unread:
            if not self._receive(deadline):
                raise EOFError(f"closed with {bytes(self._unread[:80])!r} unanswered for")

    def _receive(self, deadline: float) -> bool:
        """Whether more came; not at the end. Raises TimeoutError at the deadline."""
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("no answer in time")
        self.sock.settimeout(remaining)
        piece = self.sock.recv(PIECE)
        self._unread += piece
        return bool(piece)


def connect(
    url: str, *, source: str | None = None, timeout_s: float = 10.0, receive_buffer: int | None = None
) -> Connection:
    """A connection to the server at `url`, from the address `source`, with TLS where the url says https.

    The certificate is not checked. A small `receive_buffer`, in bytes, is that of a slow reader.
    """
    parts = urlsplit(url)
    sock = tcp(url, source=source, timeout_s=timeout_s, receive_buffer=receive_buffer)
    if parts.scheme != "https":
        return Connection(sock)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        return Connection(context.wrap_socket(sock))
    except BaseException:
        sock.close()
        raise


def tcp(
    url: str, *, source: str | None = None, timeout_s: float = 10.0, receive_buffer: int | None = None
) -> socket.socket:
    """A bare TCP connection to the server at `url`, whatever it speaks."""
    parts = urlsplit(url)
    sock = socket.socket(socket.AF_INET6 if ":" in (parts.hostname or "") else socket.AF_INET)
    try:
        sock.settimeout(timeout_s)
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source is not None:
            sock.bind((source, 0))
        sock.connect((parts.hostname, parts.port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def request(
    method: str, target: str, body: bytes | None = None, *, headers: dict[str, str] | None = None, version: str = "1.1"
) -> bytes:
    """One request, byte for byte; its Host is an address, as which every server may be called."""
    lines = [f"{method} {target} HTTP/{version}", f"Host: {HOST}"]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


def exchanged(url: str, content: bytes, *, source: str | None = None, within_s: float = 5.0) -> list[RawAnswer]:
    """Send `content` and no more: every answer until the server closes. Raises TimeoutError where it does not close."""
    with connect(url, source=source) as connection:
        try:
            connection.send(content)
            connection.end_sending()
        except OSError:
            pass  # it closed before it had read all; its answer may be there all the same
        return connection.answers(within_s)
