"""A front door's end of the link: connects to the writer, again and again, and hands over what it says.

Layer: cluster. Cooperative; for the event loop's thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from cluster.channel import Channel
from cluster.link_frames import FromWriter, WriterHello

RETRY_S: Final = 0.05  # after a connection that failed or ended; twice as long each time, up to
RETRY_S_MAX: Final = 0.5
PING_S: Final = 1.0
SILENT_S: Final = 5.0  # without a frame, before the writer counts as gone


class LinkUser(Protocol):
    """Who sends submissions and is given what the writer says."""

    @property
    def applied_seq(self) -> int:
        """The last command that is applied here."""

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
        raise NotImplementedError

    @property
    def is_up(self) -> bool:
        """Whether the writer has said hello and not gone."""
        raise NotImplementedError

    def start(self, user: LinkUser) -> None:
        """Begin to connect."""
        raise NotImplementedError

    def send(self, frame: bytes) -> bool:
        """Have a frame sent; whether there was a link for it. Never waits."""
        raise NotImplementedError

    def reconnect(self) -> None:
        """Let go of the writer and connect anew at once: another one is known of."""
        raise NotImplementedError

    def close(self) -> None:
        """End. Idempotent."""
        raise NotImplementedError
