"""A front over a small WSGI application, in a thread with an event loop of its own."""

from __future__ import annotations

import gc
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import eventlet
import msgspec

from api.http.front.accept import Acceptor
from api.http.front.bounds import Bounds
from api.http.front.connections import Connections
from api.http.front.environ import UPGRADE
from api.http.front.forwarded import Forwarded
from api.http.listener import Listening
from api.http.wsgi import Environ

BOUNDS = Bounds(
    connections=50,
    connections_per_address=50,
    loopback_capped=True,
    body_bytes=200_000,
    head_s=10,
    request_s=20,
    answer_s=20,
    idle_s=10,
    bytes_per_s=1_000,
    grace_s=5,
)


LAST = b"GET /last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def application(environ: Environ, start_response: Callable[..., Any]) -> Any:
    """Answers with what it was asked, or as the path says."""
    path = environ["PATH_INFO"]
    if path == "/fails":
        raise ValueError("a fault of the application")
    if path == "/late":
        eventlet.sleep(0.3)
    if path == "/large":
        start_response("200 OK", [("Content-Length", "30000000")])
        return [bytes(30_000_000)]
    if path == "/pieces":
        start_response("200 OK", [])
        return iter([b"one ", b"", b"two"])
    if path == "/forged":
        start_response("200 OK", [("X-Name", "a\r\nX-Other: b")])
        return [b""]
    if path == "/echo":
        stream = environ[UPGRADE]()
        stream.send(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", 5)
        while data := stream.recv(5):
            stream.send(data.upper(), 5)
        return []
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{environ['REQUEST_METHOD']} {path}?{environ['QUERY_STRING']} {len(body)}\n".encode()]


class Serving:
    """A running front."""

    def __init__(self, port: int, connections: Connections, acceptor: Acceptor) -> None:
        self.port = port
        self.connections = connections
        self.acceptor = acceptor

    def connect(self, context: ssl.SSLContext | None = None) -> socket.socket:
        """A connection of a client."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        return connection if context is None else context.wrap_socket(connection, server_hostname="localhost")

    def sent(self, *pieces: bytes) -> bytes:
        """Everything that comes back until the connection ends."""
        with self.connect() as connection:
            for piece in pieces:
                connection.sendall(piece)
            return received(connection)


@contextmanager
def serving(
    app: Callable[..., Any] = application,
    *,
    context: ssl.SSLContext | None = None,
    trusted: tuple[str, ...] = (),
    **changed: Any,
) -> Iterator[Serving]:
    """A front with `changed` bounds, until the end of the block. `trusted`: addresses of proxies."""
    listening = Listening(socket.create_server(("127.0.0.1", 0)), context)
    ready, stop = threading.Event(), threading.Event()
    running: list[Serving] = []

    def run() -> None:
        connections = Connections(app, msgspec.structs.replace(BOUNDS, **changed), Forwarded(trusted))
        acceptor = Acceptor(listening.socket, listening.context, connections)
        running.append(Serving(listening.socket.getsockname()[1], connections, acceptor))
        connections.start()
        acceptor.start()
        ready.set()
        while not stop.is_set():
            eventlet.sleep(0.01)
        acceptor.stop()
        connections.stop()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait(10)
    try:
        yield running[0]
    finally:
        stop.set()
        thread.join(10)
        listening.close()


def received(connection: socket.socket) -> bytes:
    """All that comes until the other side ends the connection."""
    pieces = []
    try:
        while piece := connection.recv(65_536):
            pieces.append(piece)
    except ConnectionResetError:
        pieces.append(b"<reset>")
    return b"".join(pieces)


def statuses(answers: bytes) -> list[int]:
    """The status of each answer."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", answers)]


def counted(kind: type) -> int:
    """How many objects of a kind there are, those that only the collector would free included."""
    return sum(1 for each in gc.get_objects() if type(each) is kind)
