"""A bare WebSocket, for clients that misbehave: that stop reading, or send without end."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
from typing import Any


class RawClient:
    """Connected to the feed when made. Reads nothing unless asked to."""

    def __init__(self, port: int, receive_buffer: int | None = None, origin: str | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(30)
        self.socket.connect(("127.0.0.1", port))
        key = base64.b64encode(os.urandom(16)).decode()
        origin_line = f"Origin: {origin}\r\n" if origin else ""
        self.socket.sendall(
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{origin_line}"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n".encode()
        )
        self._buffer = b""
        while b"\r\n\r\n" not in self._buffer:
            self._fill()
        head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
        self.head = head.decode()

    def close(self) -> None:
        self.socket.close()

    def join(self) -> None:
        """Enter the namespace, and read until greeted."""
        self.read()
        self.send("40/market,")
        while self.read_event()[0] != "venue":
            pass

    def send(self, text: str) -> None:
        self.socket.sendall(masked(text))

    def emit(self, event: str, data: Any = None) -> None:
        self.send(f"42/market,{json.dumps([event, data])}")

    def read(self) -> str:
        """The next text frame. Raises ConnectionError when the server has gone."""
        opcode, payload = self._frame()
        if opcode == 8:
            raise ConnectionResetError("closed by the server")
        return payload.decode()

    def read_event(self) -> tuple[str, Any]:
        """The next event; pings of the transport are answered on the way."""
        while True:
            text = self.read()
            if text == "2":
                self.send("3")
            elif text.startswith("42/market,"):
                event, data = json.loads(text[len("42/market,") :])
                return event, data

    def _frame(self) -> tuple[int, bytes]:
        first, second = self._take(2)
        length = second & 127
        if length == 126:
            (length,) = struct.unpack("!H", self._take(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._take(8))
        return first & 15, self._take(length)

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._fill()
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def _fill(self) -> None:
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionResetError("closed by the server")
        self._buffer += data


def masked(text: str) -> bytes:
    """A text frame as a client must send it; the mask of zeros leaves the text as it is."""
    payload = text.encode()
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack("!H", len(payload))
    return b"\x81" + length + b"\0\0\0\0" + payload
