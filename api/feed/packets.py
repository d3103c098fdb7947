"""What travels over the feed: the packets of Socket.IO as text, and messages that are made once for all who get them.

Layer: api.feed.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from engineio.packet import MESSAGE
from socketio.packet import ACK, BINARY_ACK, BINARY_EVENT, DISCONNECT, EVENT, Packet

from api.http.front.websocket import frame_of
from api.json.exact import decode_exactly

NAMESPACE: Final = "/market"
PACKET_BYTES: Final = 100  # that a packet takes besides its text, about

_EVENT: Final = f"{MESSAGE}{EVENT}{NAMESPACE},".encode()
_ACK: Final = f"{MESSAGE}{ACK}{NAMESPACE},".encode()
_plain_event = re.compile(rf"{EVENT}{NAMESPACE},([0-9]{{0,15}})(?=\[)").match  # as clients write one


class FeedJson:
    """JSON for Socket.IO by msgspec, which knows our structs and reads decimals exactly."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        """`value` as JSON text."""
        return msgspec.json.encode(value).decode()

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        """JSON text as plain values, its fractions as Decimal, no key given twice. Raises ValueError."""
        try:
            return decode_exactly(text.encode() if isinstance(text, str) else text)
        except RecursionError:
            raise ValueError("nested too deeply") from None


class FeedPacket(Packet):  # type: ignore[misc]
    """A Socket.IO packet that is text, and whose event has a name; the feed knows no others."""

    uses_binary_events = False
    json = FeedJson
    data: Any

    def encode(self) -> Any:
        """What is sent. A DISCONNECT carries nothing: JavaScript's client takes one that does for a broken packet."""
        if self.packet_type == DISCONNECT:
            self.data = None
        return super().encode()

    def decode(self, encoded_packet: Any) -> int:
        """Read what a client sent. Raises ValueError."""
        if not isinstance(encoded_packet, str):
            raise ValueError("the feed takes no binary messages")
        super().decode(encoded_packet)
        if self.packet_type in (BINARY_EVENT, BINARY_ACK):
            raise ValueError("the feed takes no binary messages")
        if self.packet_type == EVENT:
            _require_named(self.data)
        return 0


class Message:
    """One message of the feed, ready for any number of clients: text where they poll, a frame for a WebSocket."""

    __slots__ = ("_payload", "frame", "size")

    def __init__(self, payload: bytes) -> None:
        """`payload`: the whole packet of engine.io, in UTF-8."""
        self._payload = payload
        self.frame = frame_of(payload)
        self.size = PACKET_BYTES + len(payload)  # that it takes while it waits, about

    def encode(self, b64: bool = False) -> str | bytes:
        """What engine.io sends: a frame, or for long polling, which asks so, the text."""
        return self._payload.decode() if b64 else self.frame


def encoded(event: str, data: Any) -> Message:
    """One event of the feed."""
    return Message(_EVENT + msgspec.json.encode((event, data)))


def encoded_json(event: str, data: bytes) -> Message:
    """As `encoded`, of data that is JSON already."""
    return Message(b'%b["%b",%b]' % (_EVENT, event.encode(), data))


def acknowledgement(event_id: int, answer: Any) -> Message:
    """The answer to an event; without one, None, it only says that the event was worked on."""
    data = () if answer is None else (answer,)
    return Message(b"%b%d%b" % (_ACK, event_id, msgspec.json.encode(data)))


def event_of(text: str) -> tuple[int | None, list[Any]] | None:
    """The id and the parts of an event for our namespace, its name first; None for any other packet.

    Raises ValueError for what cannot be read.
    """
    plain = _plain_event(text)
    if plain is not None:
        parts = FeedJson.loads(text[plain.end() :])
        _require_named(parts)
        event_id = plain[1]
        return int(event_id) if event_id else None, parts
    if not text.startswith(str(EVENT)):
        return None
    packet = FeedPacket(encoded_packet=text)
    return (packet.id, packet.data) if packet.namespace == NAMESPACE else None


def _require_named(parts: Any) -> None:
    """Raise ValueError unless `parts` are an event's: a list that begins with its name."""
    if not (isinstance(parts, list) and parts and isinstance(parts[0], str)):
        raise ValueError("an event is a list that begins with its name")
    if parts[0] == "*":  # how all other events are called
        raise ValueError("no event is named *")
