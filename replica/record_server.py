"""The record server: other programs of the same user follow by a Unix socket in the data folder, for its owner alone.

Layer: replica. Native threads: one that accepts, one for each follower.
"""

from __future__ import annotations

import logging
import select
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from replica import unix_sockets
from replica.frames import Refused, framed
from replica.link import FollowerLink
from replica.record_log import RecordLog
from replica.stream import SOCKET_NAME

log = logging.getLogger(__name__)

FOLLOWERS_MAX: Final = 40  # front doors among them
ACCEPT_AGAIN_S: Final = 1.0  # behind one that could not be accepted, such as for want of descriptors
FINISH_S: Final = 1.0  # that all followers together may take for what is in memory, at the end


class RecordServer:
    """Serves whoever connects, so many at a time."""

    def __init__(self, data: Path, records: RecordLog, followers_beside: int = 0) -> None:
        """Listen in the folder `data`, for `FOLLOWERS_MAX` followers at a time and `followers_beside` more.

        Where that cannot be (a file system without sockets), the log says so.
        """
        self._path = data / SOCKET_NAME
        self._records = records
        self._followers_max = FOLLOWERS_MAX + followers_beside
        self._links: dict[FollowerLink, threading.Thread] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._socket: socket.socket | None = None
        try:
            self._socket = unix_sockets.listen(self._path, FOLLOWERS_MAX)
        except OSError as error:
            log.warning("no follower can connect to %s: %s", self._path, error)
            return
        self._thread = threading.Thread(target=self._accept, args=(self._socket,), name="followers", daemon=True)
        self._thread.start()

    @property
    def followers(self) -> int:
        """How many are served just now."""
        return len(self._links)

    def applied_ns(self) -> list[int]:
        """The last record that each follower has said to have applied, the one that has waited longest first."""
        return [link.applied_n for link in list(self._links)]

    def close(self) -> None:
        """Send every follower what is in memory still, within `FINISH_S` seconds, and let it go. Idempotent."""
        if self._closing.is_set() or self._socket is None:
            return
        self._closing.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # ends the accept
        self._thread.join()
        self._socket.close()
        with suppress(OSError):
            self._path.unlink()
        with self._lock:
            links = dict(self._links)
        for link in links:
            link.finish()
        until = time.monotonic() + FINISH_S
        for link, thread in links.items():
            thread.join(max(0.0, until - time.monotonic()))
            link.abort()
        for thread in links.values():
            thread.join()

    def _accept(self, listening: socket.socket) -> None:
        coming = select.poll()
        coming.register(listening, select.POLLIN)
        while not self._closing.is_set():
            try:
                coming.poll()  # who waits in `accept` has a descriptor for one, and none for what serves it
                connection, _ = listening.accept()
                self._admit(connection)
            except OSError as error:
                if not self._closing.is_set():
                    log.warning("a follower could not be accepted: %s", error)
                    self._closing.wait(ACCEPT_AGAIN_S)

    def _admit(self, connection: socket.socket) -> None:
        """Begin to serve a follower, or tell it why not. Raises OSError where there are no more descriptors."""
        with self._lock:
            if len(self._links) < self._followers_max:
                link = FollowerLink(connection, self._records, lambda position: None)
                thread = threading.Thread(target=self._serve, args=(link,), name="follower", daemon=True)
                self._links[link] = thread
                thread.start()
                return
        with suppress(OSError), connection:
            connection.send(framed(Refused(f"{self._followers_max} followers are served already")))

    def _serve(self, link: FollowerLink) -> None:
        log.info("a follower of the records is gone: %s", link.serve())
        with self._lock:
            self._links.pop(link, None)
