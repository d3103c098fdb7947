"""Socket.IO over a bare WebSocket, as little of it as a generator needs."""

from __future__ import annotations

import base64
import os
import struct

NAMESPACE = "/market"


def upgrade(port: int) -> bytes:
    """The request that opens a WebSocket of Engine.IO 4."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def frame(packet: bytes) -> bytes:
    """A text frame of a client, masked with zeros, which leaves the packet as it is."""
    length = len(packet)
    head = bytes([0x80 | length]) if length < 126 else b"\xfe" + struct.pack("!H", length)
    return b"\x81" + head + b"\0\0\0\0" + packet


def packets(buffer: bytearray) -> list[bytes]:
    """Take what has come whole out of `buffer`; the head of the answer to the upgrade is left out."""
    if buffer.startswith(b"HTTP"):
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return []
        if not buffer.startswith(b"HTTP/1.1 101 "):
            raise ConnectionError(f"no WebSocket: {bytes(buffer[:end])!r}")
        del buffer[: end + 4]
    found, at = [], 0
    while len(buffer) - at >= 2:
        length, body = buffer[at + 1], at + 2
        if length == 126:
            length, body = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
        elif length == 127:
            length, body = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
        if len(buffer) < body + length:
            break
        found.append(bytes(buffer[body : body + length]))
        at = body + length
    del buffer[:at]
    return found
