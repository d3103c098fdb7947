"""Messages that are written at once to clients that take little at a time: whole, in order, and bounded."""

from __future__ import annotations

import random
import socket
import ssl
import threading
import time
from pathlib import Path

import eventlet
import pytest
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from api.feed.outbox import Outbox, Outgoing
from api.feed.packets import Message
from api.http.front.flusher import Flusher
from api.http.front.stream import Stream
from api.http.front.transport import Transport
from api.http.front.websocket import WebSocket
from tests.attacks.frames import CLOSE, PING, PONG, TEXT, frame

LARGEST = 40_000
BUFFER = 8_192
WAIT_S = 300


class Peer(threading.Thread):
    """A client in a thread of its own: takes some bytes at a time, pings meanwhile, and closes behind a message."""

    def __init__(self, ours: socket.socket, context: ssl.SSLContext | None, seed: int, pause_s: float) -> None:
        super().__init__(daemon=True)
        self._plain, self._context = ours, context
        self._random, self._pause_s = random.Random(seed), pause_s
        self.frames: list[tuple[int, bytes]] = []
        self.pings = 0
        self.closes_behind = b""  # the text of the last message, behind which pongs may come

    def close(self) -> None:
        self._plain.close()

    def run(self) -> None:
        ours = self._plain
        if self._context is not None:
            ours = self._context.wrap_socket(ours, server_hostname="localhost")
        received = bytearray()
        closed = False
        while data := ours.recv(self._random.choice((1, 7, 200, 5_000))):
            received += data
            self._take(received)
            if self._random.random() < 0.05 and not closed:
                self.pings += 1
                ours.sendall(frame(PING, b"%d" % self.pings))
            if not closed and (TEXT, self.closes_behind) in self.frames[-8:]:
                closed = True
                ours.sendall(frame(CLOSE, b"\x03\xe8"))
            if self._random.random() < 0.1:
                time.sleep(self._pause_s)
            if closed and self.frames and self.frames[-1][0] == CLOSE:
                break
        ours.close()

    def _take(self, received: bytearray) -> None:
        while len(received) >= 2:
            assert received[0] & 0x70 == 0
            assert received[1] & 0x80 == 0
            size, at = received[1], 2
            if size >= 126:
                at = 4 if size == 126 else 10
                if len(received) < at:
                    return
                size = int.from_bytes(received[2:at])
            if len(received) < at + size:
                return
            self.frames.append((received[0] & 15, bytes(received[at : at + size])))
            del received[: at + size]


class Connected:
    """One client, and what the server has of it."""

    def __init__(
        self, flusher: Flusher[Outgoing], peer_seed: int, tls: tuple[Path, Path] | None = None, pause_s: float = 0.001
    ) -> None:
        theirs, ours = socket.socketpair()
        for end in (theirs, ours):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        server_context = client_context = None
        if tls is not None:
            server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server_context.load_cert_chain(*tls)
            client_context = ssl.create_default_context(cafile=tls[0])
            client_context.check_hostname = False
        self.peer = Peer(ours, client_context, peer_seed, pause_s)
        self.transport = Transport(theirs, server_context)
        self.websocket = WebSocket(
            Stream(self.transport, b"", lambda: None), ServerProtocol(state=OPEN, max_size=10_000)
        )
        self.outbox = Outbox(flusher)

    def begin(self) -> None:
        self.peer.start()
        while self.transport.secure and not self.transport.shake_hands():
            eventlet.sleep(0.001)
        self.outbox.attach(self.websocket)
        self._reader = eventlet.spawn(self.websocket.receive, WAIT_S)
        self._writer = eventlet.spawn(self._write)
        eventlet.sleep(0)

    def _write(self) -> None:
        """As engine.io's writer does."""
        while (packet := self.outbox.get(timeout=WAIT_S)) is not None:
            frames = packet.encode()
            assert isinstance(frames, bytes)
            try:
                self.websocket.send(frames)
            except OSError:
                return

    def end(self) -> None:
        self.outbox.put(None)
        self._writer.wait()
        self.websocket.linger()
        self.transport.close()
        self.peer.join(10)
        assert not self.peer.is_alive()


def wait_until_idle(connected: Connected) -> None:
    deadline = time.monotonic() + WAIT_S
    while connected.outbox.qsize() or not connected.websocket.may_write:
        assert time.monotonic() < deadline
        eventlet.sleep(0.005)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("seed", range(3))
def test_messages_come_whole_and_in_order_however_little_a_client_takes_and_whatever_it_sends_meanwhile(
    certificate: tuple[Path, Path], secure: bool, seed: int
) -> None:
    chance = random.Random(seed)
    connected = Connected(Flusher[Outgoing](), seed, certificate if secure else None)
    connected.begin()
    sent = []
    for number in range(300):
        text = b"4%d " % number + b"x" * chance.choice((0, 10, 130, 3_000, LARGEST if number % 40 == 0 else 500))
        sent.append(text)
        connected.outbox.put(Message(text))
        if chance.random() < 0.3:
            eventlet.sleep(chance.choice((0, 0.002)))
        if chance.random() < 0.02:
            wait_until_idle(connected)
    wait_until_idle(connected)
    assert connected.outbox.waiting_bytes == 0
    connected.peer.closes_behind = b"4the last"
    connected.outbox.put(Message(b"4the last"))
    while not connected.websocket.ended and connected.peer.is_alive():
        eventlet.sleep(0.01)
    connected.end()
    kinds = [opcode for opcode, _ in connected.peer.frames]
    assert [text for opcode, text in connected.peer.frames if opcode == TEXT] == [*sent, b"4the last"]
    assert kinds.count(CLOSE) == 1
    assert kinds[-1] == CLOSE
    pongs = [text for opcode, text in connected.peer.frames if opcode == PONG]
    assert pongs == [b"%d" % number for number in range(1, len(pongs) + 1)]
    assert len(pongs) > 3


def test_a_close_in_the_middle_of_a_frame_comes_behind_it() -> None:
    connected = Connected(Flusher[Outgoing](), 1, pause_s=0)
    connected.outbox.attach(connected.websocket)
    writer = eventlet.spawn(connected._write)
    eventlet.sleep(0)
    connected.outbox.put(Message(b"4" + b"x" * LARGEST))
    eventlet.sleep(0)
    eventlet.sleep(0)
    assert not connected.websocket.may_write  # some of it was taken
    closing = eventlet.spawn(connected.websocket.close)
    eventlet.sleep(0)
    connected.outbox.put(Message(b"4too late"))
    connected.peer.start()  # reads from now on
    while connected.peer.is_alive() and not connected.websocket.ended:
        eventlet.sleep(0.01)
    closing.wait()
    writer.wait()
    connected.websocket.linger()
    connected.transport.close()
    connected.peer.join(10)
    assert [opcode for opcode, _ in connected.peer.frames] == [TEXT, CLOSE]


def test_who_reads_nothing_among_many_keeps_nobody_waiting_and_what_waits_is_counted() -> None:
    flusher = Flusher[Outgoing]()
    stalled = Connected(flusher, 0)  # its thread is not started: it reads nothing
    stalled.outbox.attach(stalled.websocket)
    writer = eventlet.spawn(stalled._write)
    others = [Connected(flusher, number, pause_s=0) for number in range(20)]
    for other in others:
        other.begin()
    messages = [Message(b"4%d " % number + b"x" * 1_000) for number in range(100)]
    for message in messages:
        for connected in (stalled, *others):
            connected.outbox.put(message)
        eventlet.sleep(0)
    for other in others:
        wait_until_idle(other)
    assert 50 < stalled.outbox.qsize() <= len(messages)
    assert stalled.outbox.waiting_bytes >= 1_000 * (stalled.outbox.qsize() - 1)
    for other in others:
        other.peer.closes_behind = b"4end"
        other.outbox.put(Message(b"4end"))
        while not other.websocket.ended and other.peer.is_alive():
            eventlet.sleep(0.01)
        other.end()
        assert [text for opcode, text in other.peer.frames if opcode == TEXT] == [
            *(b"4%d " % number + b"x" * 1_000 for number in range(100)),
            b"4end",
        ]
    stalled.outbox.clear()
    stalled.websocket.abort()
    stalled.outbox.put(None)
    writer.wait()
    stalled.transport.close()
    stalled.peer.close()
