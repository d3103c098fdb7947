"""The writer's end of the link: takes the submissions of front doors, and says which are not taken.

Layer: cluster. Cooperative; for the event loop's thread.
"""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import eventlet

from cluster.channel import Channel, ChannelClosed, accept
from cluster.link_frames import (
    DEADLINE,
    FORGOTTEN,
    FORMAT,
    INVALID,
    LATER,
    REFUSED,
    REUSED,
    SIGNATURE_OLD,
    SIGNATURE_USED,
    TOO_MANY,
    DoorHello,
    FromDoor,
    FromWriter,
    Known,
    Notice,
    NotTaken,
    Ping,
    WriterHello,
    framed,
    from_door,
)
from engine.exchange import Exchange
from replica.frames import BadFrame
from sequencer.port import (
    AlreadySubmitted,
    DeadlinePassed,
    Forgotten,
    KeyReused,
    NotAccepting,
    OutcomeUnknown,
    Refused,
    SignatureTooOld,
    SignatureUsed,
    Submit,
    TooManyWaiting,
)
from sequencer.sequencer import Sequencer

log = logging.getLogger(__name__)

SOCKET_NAME: Final = "submissions.sock"  # in the data folder of a running server with front doors
DOORS_MAX: Final = 64
GREETING_S: Final = 5.0
PING_S: Final = 1.0
SILENT_S: Final = 5.0  # without a frame, before a door counts as gone
ACCEPT_AGAIN_S: Final = 0.5  # behind one that could not be accepted, such as for want of descriptors

KIND_OF: Final[dict[type[Exception], str]] = {
    TooManyWaiting: TOO_MANY,
    DeadlinePassed: DEADLINE,
    KeyReused: REUSED,
    SignatureUsed: SIGNATURE_USED,
    SignatureTooOld: SIGNATURE_OLD,
    Refused: REFUSED,
    NotAccepting: LATER,
    Forgotten: FORGOTTEN,
}


class _Door:
    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.name = ""


class LinkServer:
    """Serves front doors, `DOORS_MAX` at a time. `serve` and `close` it in the event loop."""

    def __init__(
        self,
        sequencer: Sequencer,
        exchange: Exchange,
        *,
        node: str = "",
        epoch: int = 0,
        history_seq: Callable[[], int] = lambda: 0,
        on_notice: Callable[[str, Notice], object] = lambda door, notice: None,
    ) -> None:
        """`history_seq`: up to where the history is written.

        `on_notice` is called with a door's name; it must not wait.
        """
        self._sequencer = sequencer
        self._exchange = exchange
        self._node, self._epoch = node, epoch
        self._history_seq = history_seq
        self._on_notice = on_notice
        self._doors: list[_Door] = []
        self._connected: list[_Door] = []  # those that have not said hello as well, in the order of their coming
        self._listening: list[socket.socket] = []
        self._greenlets: list[Any] = [eventlet.spawn(self._ping)]
        self._is_closed = False

    @property
    def doors(self) -> list[str]:
        """The names of those that are served just now."""
        return [door.name for door in self._doors]

    def serve(self, listening: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Accept doors at `listening`, and close it in the end. May be called for several."""
        self._listening.append(listening)
        self._greenlets.append(eventlet.spawn(self._accept, listening, tls))

    def notify(self, topic: str, body: bytes) -> None:
        """Send a notice to every door that is connected. Never waits."""
        self._to_all(Notice(topic, body))

    def ping(self) -> None:
        """Say at once how far the exchange and the history are. Never waits."""
        self._to_all(Ping(self._exchange.seq, self._sequencer.now_ns(), self._history_seq()))

    def close(self) -> None:
        """Let every door go: what it has no answer for it sends to the next writer. Idempotent."""
        if self._is_closed:
            return
        self._is_closed = True
        for greenlet in self._greenlets:
            greenlet.kill()
        for listening in self._listening:
            listening.close()
        for door in list(self._doors):
            door.channel.close()

    # -- steps

    def _to_all(self, frame: FromWriter) -> None:
        data = framed(frame)
        for door in list(self._doors):
            _send(door.channel, data)

    def _ping(self) -> None:
        while True:
            eventlet.sleep(PING_S)
            self.ping()

    def _accept(self, listening: socket.socket, tls: ssl.SSLContext | None) -> None:
        while not self._is_closed:
            try:
                channel = accept(listening)
            except OSError as error:
                log.warning("a front door could not be accepted: %s", error)
                eventlet.sleep(ACCEPT_AGAIN_S)
                continue
            if not self._has_room():
                channel.close()
                continue
            door = _Door(channel)
            self._connected.append(door)
            eventlet.spawn_n(self._serve, door, tls)

    def _has_room(self) -> bool:
        """Whether one more may be served, in place of one that has not said hello where that must be.

        So who only connects does not keep doors away. With certificates that is all that a stranger can do.
        """
        if len(self._connected) < DOORS_MAX:
            return True
        mute = next((door for door in self._connected if not door.name), None)
        if mute is None:
            return False
        self._connected.remove(mute)
        mute.channel.close()
        return True

    def _serve(self, door: _Door, tls: ssl.SSLContext | None) -> None:
        channel = door.channel
        try:
            if tls is not None:
                channel.begin_tls(tls, is_server=True)
            self._serve_frames(door)
        except (ChannelClosed, BadFrame) as closed:
            log.info("%s is gone as a front door: %s", door.name or "one without a name", closed)
        except Exception:  # of ours: that door ends, nobody else does
            log.exception("the link to front door %s failed", door.name)
        finally:
            for doors in (self._connected, self._doors):
                if door in doors:
                    doors.remove(door)
            channel.close()

    def _serve_frames(self, door: _Door) -> None:
        """Raises ChannelClosed and BadFrame."""
        reader, channel = from_door(), door.channel
        until = time.monotonic() + GREETING_S
        while True:
            data = channel.receive(SILENT_S if door.name else max(0.0, until - time.monotonic()))
            if not data:
                raise ChannelClosed("it has said nothing for too long")
            for frame in reader.feed(data):
                if door.name:
                    self._take(door, frame)
                elif isinstance(frame, DoorHello):
                    self._greet(door, frame)
                else:
                    raise BadFrame("a front door begins with a hello")

    def _greet(self, door: _Door, hello: DoorHello) -> None:
        channel = door.channel
        channel.send(framed(WriterHello(FORMAT, self._node, self._epoch, self._exchange.seq)))
        if hello.format != FORMAT or not hello.door:
            raise ChannelClosed(f"its link is of format {hello.format}, and of {FORMAT} here")
        door.name = hello.door
        self._doors.append(door)
        log.info("%s is connected as a front door, at seq %d", door.name, hello.seq)
        channel.send(framed(Ping(self._exchange.seq, self._sequencer.now_ns(), self._history_seq())))

    def _take(self, door: _Door, frame: FromDoor) -> None:
        match frame:
            case Submit():
                self._sequencer.take(frame, partial(_refuse, door.channel, frame.key))
            case Ping():
                return  # it is there
            case Notice():
                self._on_notice(door.name, frame)
            case DoorHello():
                raise BadFrame("a front door says hello once")


def _refuse(channel: Channel, key: bytes, problem: Exception) -> None:
    """Say why a submission is not taken; nothing where nobody can say."""
    if isinstance(problem, OutcomeUnknown):
        return  # the next writer knows
    if isinstance(problem, AlreadySubmitted):
        _send(channel, framed(Known(key, problem.place.first_seq)))
        return
    kind = next((KIND_OF[each] for each in type(problem).__mro__ if each in KIND_OF), INVALID)
    why = problem.why if isinstance(problem, NotAccepting) else str(problem)
    _send(channel, framed(NotTaken(key, why, kind)))


def _send(channel: Channel, data: bytes) -> None:
    try:
        channel.send(data)
    except ChannelClosed:
        return  # it is noticed where frames are received
