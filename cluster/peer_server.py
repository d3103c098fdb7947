"""Answers the other nodes: how this one is, and its newest snapshot.

In native threads, so that a snapshot of any size is sent while the event loop goes on; how long ago that went round is
a part of the answer, and who asks judges by it.
Layer: cluster. Blocks in its own threads only.
"""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from cluster.peer_frames import (
    PART_BYTES,
    AskSnapshot,
    AskState,
    NodeState,
    NoSnapshot,
    SnapshotHead,
    SnapshotPart,
    StateIs,
    asked,
    framed,
)
from journal.files import open_regular
from journal.snapshots import SnapshotFolder
from replica.frames import BadFrame

log = logging.getLogger(__name__)

PEERS_MAX: Final = 32  # connections
SILENT_S: Final = 30.0  # that one may say nothing
SEND_S: Final = 30.0  # that a peer may take nothing of a snapshot


class PeerServer:
    """Serves whoever connects to one port, `PEERS_MAX` at a time.

    Where there are as many, the one that has come first and asked nothing yet makes room: so who only connects does not
    keep nodes from asking each other. With certificates that is all that a stranger can do.
    """

    def __init__(
        self,
        listening: socket.socket,
        state: Callable[[], NodeState],
        snapshots: SnapshotFolder,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Takes over `listening`. `state` is asked for in native threads."""
        self._listening = listening
        self._state = state
        self._snapshots = snapshots
        self._tls = tls
        self._connections: dict[socket.socket, bool] = {}  # in the order of their coming; whether it has asked
        self._lock = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._accept, name="peers", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let every peer go. Idempotent."""
        if self._closing:
            return
        self._closing = True
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)  # ends the accept
        self._thread.join()
        self._listening.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            _shut(connection)

    def _accept(self) -> None:
        self._listening.setblocking(True)
        while not self._closing:
            try:
                connection, _ = self._listening.accept()
            except OSError as error:
                if not self._closing:
                    log.warning("a peer could not be accepted: %s", error)
                    threading.Event().wait(0.5)
                continue
            try:
                stream = self._prepared(connection)
            except OSError:  # it is gone already
                connection.close()
                continue
            if self._has_room():
                with self._lock:
                    self._connections[stream] = False
                threading.Thread(target=self._serve, args=(stream,), name="peer", daemon=True).start()
            else:
                stream.close()

    def _prepared(self, connection: socket.socket) -> socket.socket:
        """What is spoken to; the handshake of TLS is still to be done. Raises OSError."""
        connection.settimeout(SILENT_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is None:
            return connection
        return self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)

    def _has_room(self) -> bool:
        """Whether one more may be served, in place of one that has asked nothing where that must be."""
        with self._lock:
            if len(self._connections) < PEERS_MAX:
                return True
            mute = next((stream for stream, has_asked in self._connections.items() if not has_asked), None)
            if mute is None:
                return False
            del self._connections[mute]
        _shut(mute)
        return True

    def _serve(self, stream: socket.socket) -> None:
        try:
            if isinstance(stream, ssl.SSLSocket):
                stream.do_handshake()
            reader = asked()
            while data := stream.recv(65536):
                for question in reader.feed(data):
                    self._note_asked(stream)
                    if isinstance(question, AskState):
                        stream.sendall(framed(StateIs(self._state())))
                    else:
                        self._send_snapshot(stream, question)
        except (OSError, BadFrame) as problem:
            if not self._closing:
                log.debug("a peer is gone: %s", problem)
        except Exception:  # of ours: that peer ends, nobody else does
            log.exception("a peer could not be served")
        finally:
            with self._lock:
                self._connections.pop(stream, None)
            stream.close()

    def _note_asked(self, stream: socket.socket) -> None:
        with self._lock:
            if stream in self._connections:  # else it has just made room
                self._connections[stream] = True

    def _send_snapshot(self, stream: socket.socket, question: AskSnapshot) -> None:
        file = next(iter(self._snapshots.files()), None)
        if file is None or file.n < question.from_n:
            there = "there is none" if file is None else f"the newest is behind record {file.n}"
            stream.sendall(framed(NoSnapshot(f"{there}, and {question.from_n} is asked for")))
            return
        with os.fdopen(open_regular(file.path), "rb") as content:
            digest = hashlib.file_digest(content, "sha256").digest()
            content.seek(0)
            stream.settimeout(SEND_S)
            stream.sendall(framed(SnapshotHead(file.path.name, file.size, digest)))
            while part := content.read(PART_BYTES):
                stream.sendall(framed(SnapshotPart(part)))
        stream.settimeout(SILENT_S)


def _shut(stream: socket.socket) -> None:
    """Have its thread see that it is over."""
    with suppress(OSError):
        stream.shutdown(socket.SHUT_RDWR)
