"""A program: a server without a garbage collector, whose clients leave while much waits for them. Prints what is left.

The collector of a running server is tuned to be rare, so what a closed client held must not need it.
"""

from __future__ import annotations

import gc
import json
import sys
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import eventlet
from engineio.packet import MESSAGE, Packet
from eventlet.green import socket

from api.bootstrap import Server
from api.http.front.server import Front
from api.http.listener import listen
from api.settings import Settings
from tests.attacks.frames import TARGET, UPGRADE, text
from tests.attacks.raw import request

CLIENTS = 5
PING_S = 3
PACKETS = 300
PACKET_BYTES = 10_000


def main(data: Path) -> None:
    """Have clients connect, be sent much, and leave."""
    settings = Settings(port=0, data=data, feed_ping_interval_s=PING_S, feed_ping_timeout_s=PING_S)
    listener = listen(settings)
    server = Server(settings)
    front = Front(listener, server.wsgi, settings)
    front.start()
    gc.disable()
    clients = [_connected(listener.socket.getsockname()[1]) for _ in range(CLIENTS)]
    sessions = server.feed.server.eio.sockets
    sockets, packets = weakref.WeakSet(sessions.values()), weakref.WeakSet[Packet]()
    for session in list(sockets):
        for _ in range(PACKETS):
            packet = Packet(MESSAGE, "x" * PACKET_BYTES)
            packets.add(packet)
            session.queue.put(packet)
    del packet, session
    eventlet.sleep(0.2)
    waiting = len(packets)
    for client in clients:
        client.close()
    packets_s = _gone_after_s(lambda: not packets)
    sockets_s = _gone_after_s(lambda: not sockets)
    print(json.dumps({"waiting": waiting, "packets_s": packets_s, "sessions_s": sockets_s}))
    server.close()


def _connected(port: int) -> socket.socket:
    """A client that has joined and reads nothing any more."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    client.sendall(request("GET", TARGET, headers=UPGRADE) + text("40/market,"))
    received = b""
    while b'["venue"' not in received:
        received += client.recv(65_536)
    return client


def _gone_after_s(condition: Callable[[], bool]) -> float | None:
    """How long it took; None when it took too long."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > 20:
            return None
        eventlet.sleep(0.02)
    return time.monotonic() - started


if __name__ == "__main__":
    main(Path(sys.argv[1]))
