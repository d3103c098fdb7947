"""A front door's end of the link: connects to the writer, again and again, and hands over what it says.

Layer: cluster. Cooperative; for the event loop's thread.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

import eventlet

from cluster.channel import Channel, ChannelClosed
from cluster.link_frames import FORMAT, DoorHello, FromWriter, Ping, WriterHello, framed, from_writer
from replica.frames import BadFrame

log = logging.getLogger(__name__)

RETRY_S: Final = 0.05  # after a connection that failed or ended; twice as long each time, up to
RETRY_S_MAX: Final = 0.5
GREETING_S: Final = 2.0
PING_S: Final = 1.0
SILENT_S: Final = 5.0  # without a frame, before the writer counts as gone


class LinkUser(Protocol):
    """Who sends submissions and is given what the writer says."""

    @property
    def applied_seq(self) -> int:
        """The last command that is applied here."""

    def now_ns(self) -> int:
        """The venue's time here."""

    def on_link_up(self, hello: WriterHello) -> None:
        """There is a writer: send it everything that is not answered, in order."""

    def on_link_down(self) -> None:
        """The writer is gone."""

    def on_frame(self, frame: FromWriter) -> None:
        """Take what the writer says. Must not wait."""


class WriterLink:
    """The link of one front door, whoever the writer is."""

    def __init__(self, connect: Callable[[], Channel], door: str) -> None:
        """`connect` gives a channel to whoever is the writer now, or raises OSError. `door`: the name to give."""
        self._connect = connect
        self._door = door
        self._channel: Channel | None = None  # from the writer's hello on
        self._connecting: Channel | None = None
        self._user: LinkUser | None = None
        self._greenlets: list[Any] = []
        self._retry_s = RETRY_S
        self._pause: Any = None  # the event that ends a pause

    @property
    def is_up(self) -> bool:
        """Whether the writer has said hello and not gone."""
        return self._channel is not None

    def start(self, user: LinkUser) -> None:
        """Begin to connect."""
        self._user = user
        self._greenlets = [eventlet.spawn(self._run, user), eventlet.spawn(self._ping, user)]

    def send(self, frame: bytes) -> bool:
        """Have a frame sent; whether there was a link for it. Never waits."""
        if self._channel is None:
            return False
        try:
            self._channel.send(frame)
        except ChannelClosed:
            return False
        return True

    def reconnect(self) -> None:
        """Let go of the writer and connect anew at once: another one is known of."""
        self._retry_s = RETRY_S
        if self._connecting is not None:
            self._connecting.close()
        if self._pause is not None and not self._pause.ready():
            self._pause.send(None)

    def close(self) -> None:
        """End. Idempotent."""
        greenlets, self._greenlets = self._greenlets, []
        for greenlet in greenlets:
            greenlet.kill()
        self._down()

    # -- steps

    def _run(self, user: LinkUser) -> None:
        while True:
            try:
                self._connecting = self._connect()
                self._converse(self._connecting, user)
            except (ChannelClosed, BadFrame, OSError) as problem:
                if self._channel is not None:
                    log.warning("the writer is gone: %s", problem)
            except Exception:  # of ours: the next link may do better
                log.exception("the link to the writer failed")
            self._down()
            self._pause = eventlet.event.Event()
            self._pause.wait(self._retry_s)
            self._pause, self._retry_s = None, min(2 * self._retry_s, RETRY_S_MAX)

    def _down(self) -> None:
        channel, self._channel = self._channel, None
        if self._connecting is not None:
            self._connecting.close()
            self._connecting = None
        if channel is not None and self._user is not None:
            self._user.on_link_down()

    def _converse(self, channel: Channel, user: LinkUser) -> None:
        """Raises ChannelClosed and BadFrame, in the end."""
        reader, until = from_writer(), time.monotonic() + GREETING_S
        channel.send(framed(DoorHello(FORMAT, self._door, user.applied_seq)))
        while True:
            is_up = self._channel is not None
            data = channel.receive(SILENT_S if is_up else max(0.0, until - time.monotonic()))
            if not data:
                raise ChannelClosed("it has said nothing for too long")
            for frame in reader.feed(data):
                if self._channel is not None:
                    user.on_frame(frame)
                    continue
                if not isinstance(frame, WriterHello):
                    raise BadFrame("the writer begins with a hello")
                if frame.format != FORMAT:
                    raise BadFrame(f"the link is of format {frame.format} there, and of {FORMAT} here")
                self._channel, self._retry_s = channel, RETRY_S
                user.on_link_up(frame)

    def _ping(self, user: LinkUser) -> None:
        while True:
            eventlet.sleep(PING_S)
            self.send(framed(Ping(user.applied_seq, user.now_ns())))
