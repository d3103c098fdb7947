"""What waits for one socket: in order, whole, bounded in bytes, and closed rather than left with a hole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import eventlet
import pytest
from eventlet.event import Event

from api.binance.streams.outbox import TOO_SLOW, Outbox
from api.http.front.flusher import Flusher

BYTES_MAX = 1_000


class FakeWebSocket:
    """A connection that takes `room` bytes, and when it is asked to send waits until it may take the rest."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.written = b""
        self.rest = b""
        self.closed: list[tuple[int, str]] = []
        self.ended = False
        self.may_go_on = Event()

    @property
    def may_write(self) -> bool:
        return not self.rest and not self.ended

    def write_now(self, frames: bytes) -> int:
        taken = min(self.room, len(frames))
        self.room -= taken
        self.written += frames[:taken]
        self.rest = frames[taken:]
        return len(self.rest)

    def send(self, frames: bytes) -> None:
        self.may_go_on.wait()
        if self.ended:
            raise BrokenPipeError("the WebSocket has ended")
        self.written += self.rest + frames
        self.rest = b""

    def close(self, code: int, why: str) -> None:
        self.closed.append((code, why))
        self.ended = True


@pytest.fixture
def outbox_of() -> Callable[[FakeWebSocket], Outbox]:
    flusher = Flusher[bytes]()

    def made(websocket: FakeWebSocket) -> Outbox:
        return Outbox(flusher, websocket, BYTES_MAX)  # type: ignore[arg-type]

    return made


def frames(count: int) -> list[bytes]:
    return [b"<%03d>" % number for number in range(count)]


def turns(count: int = 5) -> None:
    for _ in range(count):
        eventlet.sleep(0)


def test_frames_are_written_together_in_their_order(outbox_of: Any) -> None:
    websocket = FakeWebSocket(10_000)
    outbox = outbox_of(websocket)
    for frame in frames(50):
        outbox.put(frame)
    assert websocket.written == b""
    turns()
    assert websocket.written == b"".join(frames(50))
    assert outbox.waiting_bytes == 0


def test_what_a_connection_does_not_take_is_sent_later_and_whole(outbox_of: Any) -> None:
    websocket = FakeWebSocket(12)
    outbox = outbox_of(websocket)
    for frame in frames(10):
        outbox.put(frame)
    turns()
    assert (websocket.written, outbox.waiting_bytes) == (b"".join(frames(10))[:12], 38)
    for frame in frames(20)[10:]:
        outbox.put(frame)
    websocket.may_go_on.send()
    turns()
    assert websocket.written == b"".join(frames(20))
    assert outbox.waiting_bytes == 0


def test_who_reads_too_slowly_is_closed_and_sent_nothing_more(outbox_of: Any) -> None:
    websocket = FakeWebSocket(0)
    outbox = outbox_of(websocket)
    outbox.put(b"a" * 400)
    turns()
    outbox.put(b"b" * 600)
    assert not outbox.overflowed
    outbox.put(b"c")
    turns()
    assert (outbox.overflowed, outbox.waiting_bytes, websocket.closed) == (True, 0, [(1008, TOO_SLOW)])
    outbox.put(b"d")
    websocket.may_go_on.send()
    turns()
    assert websocket.written == b""


def test_a_frame_that_comes_to_an_empty_outbox_may_be_as_long_as_it_is(outbox_of: Any) -> None:
    websocket = FakeWebSocket(10 * BYTES_MAX)
    outbox = outbox_of(websocket)
    outbox.put(b"x" * 5 * BYTES_MAX)
    turns()
    assert len(websocket.written) == 5 * BYTES_MAX
    assert websocket.closed == []
