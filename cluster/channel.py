"""A connection in the event loop: bytes out without waiting, bytes in as they come, plain or by TLS.

Layer: cluster. Cooperative; for the event loop's thread.
"""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Final

OUT_BYTES_MAX: Final = 64 * 2**20  # that wait to be sent, before the channel counts as broken
CONNECT_S: Final = 2.0


class ChannelClosed(Exception):
    """The connection is over. Says why."""


class Channel:
    """One connection. What waits to be sent is bounded."""

    def __init__(self, connection: socket.socket, tls: ssl.SSLObject | None = None) -> None:
        """Takes over `connection`."""
        raise NotImplementedError

    @property
    def waiting_bytes(self) -> int:
        """How much waits to be sent."""
        raise NotImplementedError

    def send(self, data: bytes) -> None:
        """Have `data` sent, soon and in order. Never waits. Raises ChannelClosed."""
        raise NotImplementedError

    def receive(self, wait_s: float) -> bytes:
        """What has come; waits at most so long. b"": nothing did. Cooperative. Raises ChannelClosed."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the connection. Idempotent."""
        raise NotImplementedError


def connect_unix(path: Path) -> Channel:
    """A channel to the Unix socket at `path`. Raises OSError."""
    raise NotImplementedError


def connect_tcp(host: str, port: int, context: ssl.SSLContext | None, wait_s: float = CONNECT_S) -> Channel:
    """A channel to a port, by mutual TLS with `context`. Cooperative. Raises OSError."""
    raise NotImplementedError


def listen_unix(path: Path) -> socket.socket:
    """A listening socket for its owner alone, in place of one that an earlier process left. Raises OSError."""
    raise NotImplementedError


def listen_tcp(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError."""
    raise NotImplementedError
