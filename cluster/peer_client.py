"""Asks another node: how it is, and for its newest snapshot.

Layer: cluster. Blocks.
"""

from __future__ import annotations

import hashlib
import os
import re
import select
import socket
import ssl
import time
from collections import deque
from pathlib import Path
from typing import Final

from cluster.peer_frames import (
    Answered,
    Asked,
    AskSnapshot,
    AskState,
    NodeState,
    NoSnapshot,
    SnapshotHead,
    SnapshotPart,
    StateIs,
    answered,
    framed,
)
from journal.files import flush
from replica.frames import BadFrame

ANSWER_S: Final = 1.0  # for a state
SNAPSHOT_S: Final = 30.0  # in which nothing of a snapshot comes
SNAPSHOT_BYTES_MAX: Final = 8 * 2**30
RECEIVED_AT_ONCE: Final = 2**20
PORT_MAX: Final = 65_535
_PORT: Final = re.compile(r"[0-9]{1,5}")
_NAME: Final = re.compile(r"snapshot-\d{12}-\d{15}\.obs")


class PeerError(Exception):
    """The other node did not answer, or not what was asked. The message is a sentence."""


class PeerRefuses(PeerError):
    """Nobody listens there."""


class PeerClient:
    """One connection to a node's peer port."""

    def __init__(self, address: str, tls: ssl.SSLContext | None = None, timeout_s: float = ANSWER_S) -> None:
        """`address`: host:port. Raises PeerRefuses, PeerError."""
        self._address = address
        self._reader = answered()
        self._answers: deque[Answered] = deque()
        host, port = split_address(address)
        try:
            connection = socket.create_connection((host, port), timeout=timeout_s)
        except ConnectionRefusedError:
            raise PeerRefuses(f"nobody listens at {address}") from None
        except OSError as problem:
            raise PeerError(f"{address} cannot be reached: {problem}") from problem
        self._socket = connection
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is not None:
                self._socket = tls.wrap_socket(connection, server_hostname=host)
        except OSError as problem:  # ssl.SSLError is one
            connection.close()
            raise PeerError(f"{address} does not speak TLS as this node does: {problem}") from problem

    def state(self, timeout_s: float = ANSWER_S) -> NodeState:
        """How the node is. Raises PeerError."""
        answer = self._ask(AskState(), timeout_s)
        if not isinstance(answer, StateIs):
            raise PeerError(f"{self._address} does not say how it is")
        return answer.state

    def is_over(self, wait_s: float) -> bool:
        """Wait so long at most for the node to close; whether it did."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN | getattr(select, "POLLRDHUP", 0))
        return bool(poll.poll(wait_s * 1000))  # it says nothing unasked

    def fetch_snapshot(self, from_n: int, folder: Path) -> Path:
        """Fetch its newest snapshot, if that is behind record `from_n` or later, into `folder`; the file.

        It is there whole, as it was there, or not at all; whether it proves right is for who loads it.
        Raises PeerError, OSError.
        """
        head = self._ask(AskSnapshot(from_n), SNAPSHOT_S)
        if isinstance(head, NoSnapshot):
            raise PeerError(f"{self._address} has no snapshot for this node: {head.why}")
        if not isinstance(head, SnapshotHead) or not _NAME.fullmatch(head.name) or head.size > SNAPSHOT_BYTES_MAX:
            raise PeerError(f"{self._address} does not send a snapshot")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = folder / f"{head.name}.tmp"
        try:
            self._receive_into(partial, head)
            partial.replace(folder / head.name)
        finally:
            partial.unlink(missing_ok=True)
        flush(folder)
        return folder / head.name

    def close(self) -> None:
        """Let go of the connection. Idempotent."""
        self._socket.close()

    def _receive_into(self, path: Path, head: SnapshotHead) -> None:
        digest, left = hashlib.sha256(), head.size
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            while left > 0:
                part = self._next(SNAPSHOT_S)
                if not isinstance(part, SnapshotPart) or len(part.content) > left:
                    raise PeerError(f"{self._address} does not send the rest of its snapshot")
                file.write(part.content)
                digest.update(part.content)
                left -= len(part.content)
            file.flush()
            os.fsync(file.fileno())
        if digest.digest() != head.sha256:
            raise PeerError(f"the snapshot from {self._address} is not what was sent")

    def _ask(self, question: Asked, timeout_s: float) -> Answered:
        try:
            self._socket.settimeout(timeout_s)
            self._socket.sendall(framed(question))
        except OSError as problem:
            raise PeerError(f"{self._address} does not answer: {problem}") from problem
        return self._next(timeout_s)

    def _next(self, timeout_s: float) -> Answered:
        """What comes next, within so long. Raises PeerError."""
        until = time.monotonic() + timeout_s
        try:
            while not self._answers:
                self._socket.settimeout(max(0.001, until - time.monotonic()))
                data = self._socket.recv(RECEIVED_AT_ONCE)
                if not data:
                    raise PeerError(f"{self._address} has closed")
                self._answers.extend(self._reader.feed(data))
        except (OSError, BadFrame) as problem:
            raise PeerError(f"{self._address} does not answer: {problem}") from problem
        return self._answers.popleft()


def split_address(address: str) -> tuple[str, int]:
    """Host and port. Raises PeerError for what is no address."""
    host, _, port = address.rpartition(":")
    if not host or not _PORT.fullmatch(port) or int(port) > PORT_MAX:
        raise PeerError(f"{address!r} is no host and port")
    host = host.strip("[]")
    try:
        host.encode("idna")  # as connecting does, which raises no OSError for it
    except UnicodeError as problem:
        raise PeerError(f"{address!r} is no host and port: {problem}") from problem
    return host, int(port)
