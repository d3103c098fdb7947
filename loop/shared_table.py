"""A table of small numbers that processes of one server share: memory of all, a lock for as long as it is written.

What must be one count or one list for all processes, and is asked for with every request, is neither worth a message
to another process nor may it be each one's own. A row is a name, a number and a moment until which it is good. Rows are
found by their name's digest: of two names the digests differ.
Layer: loop. A process that is killed lets go of the lock; one that is paused is waited for no longer than a moment.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

ROWS: Final = 2**16
PROBED: Final = 32  # rows in which a name may be
LOCK_S: Final = 0.25  # that the lock is waited for: who holds it needs microseconds, unless it is paused or has no turn
LOCK_AGAIN_S: Final = 0.00005
_ROW: Final = struct.Struct("<16sqq")


class Row(NamedTuple):
    """What is known of a name."""

    number: int
    until_ms: int


class SharedTable:
    """Rows of names. Of more names than it has room for, those are forgotten whose time ends first."""

    def __init__(self, descriptor: int | None = None, rows: int = ROWS) -> None:
        """Make one, or (`descriptor`) take part in one of another process, made with as many rows. Raises OSError."""
        self.descriptor = os.memfd_create("openbell", 0) if descriptor is None else descriptor
        size = rows * _ROW.size
        if descriptor is None:
            os.ftruncate(self.descriptor, size)
        self._rows = rows
        self._memory = mmap.mmap(self.descriptor, size)

    def close(self) -> None:
        """Let go of it. Idempotent."""
        if not self._memory.closed:
            self._memory.close()
            os.close(self.descriptor)

    def get(self, name: bytes, now_ms: int) -> Row | None:
        """What is known of a name, while it is good. O(1)."""
        digest = _digest(name)
        with self._locked():
            return self._find(digest, now_ms)[1]

    def add(self, name: bytes, amount: int, now_ms: int, lasts_ms: int) -> Row:
        """Add to the number of a name, whose time begins with its first; what it is then. O(1)."""
        digest = _digest(name)
        with self._locked():
            at, found = self._find(digest, now_ms)
            row = Row(amount, now_ms + lasts_ms) if found is None else Row(found.number + amount, found.until_ms)
            _ROW.pack_into(self._memory, at, digest, *row)
            return row

    def note(self, name: bytes, number: int, now_ms: int, lasts_ms: int) -> Row | None:
        """Set the number of a name that is not known, and None; else what is known of it, which stays. O(1)."""
        digest = _digest(name)
        with self._locked():
            at, found = self._find(digest, now_ms)
            if found is None:
                _ROW.pack_into(self._memory, at, digest, number, now_ms + lasts_ms)
            return found

    def _find(self, digest: bytes, now_ms: int) -> tuple[int, Row | None]:
        """Where a name is, or may be put: at a row that is free, or whose time ends first of those that are probed."""
        free, ends_first = -1, 2**63
        first = int.from_bytes(digest[:8], "little") % self._rows
        for number in range(first, first + PROBED):
            at = number % self._rows * _ROW.size
            known, value, until_ms = _ROW.unpack_from(self._memory, at)
            if known == digest and until_ms > now_ms:
                return at, Row(value, until_ms)
            until_ms = until_ms if until_ms > now_ms else 0  # what is over is as good as what never was
            if until_ms < ends_first:
                free, ends_first = at, until_ms
            if not known.strip(b"\0"):
                break  # nothing was ever put behind it for want of room
        return free, None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        held = self._lock()
        try:
            yield
        finally:
            if held:
                fcntl.lockf(self.descriptor, fcntl.LOCK_UN)

    def _lock(self) -> bool:
        """Take the lock; False where it is not to be had in time: then the row is written without."""
        until = 0.0
        while True:
            try:
                fcntl.lockf(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                now = time.monotonic()
                until = until or now + LOCK_S
                if now >= until:
                    return False
                time.sleep(LOCK_AGAIN_S)
            else:
                return True


def _digest(name: bytes) -> bytes:
    return hashlib.blake2b(name, digest_size=16).digest()
