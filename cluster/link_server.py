"""The writer's end of the link: takes the submissions of front doors, and says which are not taken.

Layer: cluster. Cooperative; for the event loop's thread.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import Final

from cluster.link_frames import Notice
from sequencer.sequencer import Sequencer

SOCKET_NAME: Final = "submissions.sock"  # in the data folder of a running server with front doors
DOORS_MAX: Final = 64
PING_S: Final = 1.0
SILENT_S: Final = 5.0  # without a frame, before a door counts as gone


class LinkServer:
    """Serves front doors, `DOORS_MAX` at a time. `start` and `close` it in the event loop."""

    def __init__(
        self,
        sequencer: Sequencer,
        *,
        node: str = "",
        epoch: int = 0,
        history_seq: Callable[[], int] = lambda: 0,
        on_notice: Callable[[str, Notice], object] = lambda door, notice: None,
    ) -> None:
        """`history_seq`: up to where the history is written.

        `on_notice` is called with a door's name; it must not wait.
        """
        raise NotImplementedError

    @property
    def doors(self) -> list[str]:
        """The names of those that are served just now."""
        raise NotImplementedError

    def serve(self, listening: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Accept doors at `listening`, and close it in the end. May be called for several."""
        raise NotImplementedError

    def notify(self, topic: str, body: bytes) -> None:
        """Send a notice to every door that is connected. Never waits."""
        raise NotImplementedError

    def close(self) -> None:
        """Let every door go: what it has no answer for it sends to the next writer. Idempotent."""
        raise NotImplementedError
