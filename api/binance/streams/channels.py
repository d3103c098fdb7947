"""A stream and those who follow it: each message is made once, in its two forms, and put into every follower's outbox.

Layer: api.binance.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from api.binance.streams.faults import room_of
from api.binance.streams.sockets import StreamSocket
from api.http.front.websocket import frame_of

_text: Final = msgspec.json.Encoder().encode


class Follower:
    """What one socket follows. For endpoints of streams and of user data alike."""

    __slots__ = ("combined", "socket", "streams")

    def __init__(self, socket: StreamSocket, *, combined: bool) -> None:
        """`combined`: messages come in `{"stream", "data"}`."""
        self.socket = socket
        self.combined = combined
        self.streams: dict[str, Channel] = {}  # by the name that it asked for


class Channel:
    """One stream. No method switches greenlets."""

    __slots__ = ("_name", "_room", "followers", "on_empty")

    def __init__(self, name: str, on_empty: Callable[[], None]) -> None:
        """`on_empty` is called when the last follower has gone."""
        self._name = _text(name)
        self._room = room_of(name)
        self.followers: dict[Follower, int] = {}  # and under how many spellings each follows
        self.on_empty = on_empty

    def join(self, follower: Follower, name: str) -> None:
        """Have a follower sent what is published from now on."""
        if name not in follower.streams:
            self.followers[follower] = self.followers.get(follower, 0) + 1
            follower.streams[name] = self

    def leave(self, follower: Follower, name: str) -> None:
        """The reverse of `join`."""
        if follower.streams.pop(name, None) is None:
            return
        self.followers[follower] -= 1
        if not self.followers[follower]:
            del self.followers[follower]
            if not self.followers:
                self.on_empty()

    def publish(self, payload: bytes) -> None:
        """Send `payload`, a JSON text, to all. O(followers)."""
        plain = wrapped = b""
        for follower in self.followers:
            if follower.combined:
                wrapped = wrapped or frame_of(self._wrapped(payload))
                follower.socket.publish(self._room, wrapped)
            else:
                plain = plain or frame_of(payload)
                follower.socket.publish(self._room, plain)

    def send(self, follower: Follower, payload: bytes) -> None:
        """Send `payload` to one of them."""
        follower.socket.send(self._wrapped(payload) if follower.combined else payload)

    def _wrapped(self, payload: bytes) -> bytes:
        return b'{"stream":%b,"data":%b}' % (self._name, payload)


class Channels(Protocol):
    """Finds the channel of a name."""

    def join(self, follower: Follower, name: str) -> None:
        """Have a follower sent a stream, and first its state where it has one. Raises BinanceError 2."""
        ...

    def exists(self, name: str) -> bool:
        """Whether there is such a stream."""
        ...
