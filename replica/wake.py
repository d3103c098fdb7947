"""Wakes a thread that waits in `poll`, from any other, without waiting for it.

Layer: replica.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress


class Wake:
    """A descriptor that is readable from `set` until `clear`. Setting it again meanwhile costs no system call."""

    def __init__(self) -> None:
        """Raises OSError where there are no more descriptors."""
        self._read_fd, self._write_fd = os.pipe()
        os.set_blocking(self._read_fd, False)
        os.set_blocking(self._write_fd, False)
        self._lock = threading.Lock()  # held for one write at most: a descriptor that was closed may be another's
        self._is_set = self._is_closed = False

    def fileno(self) -> int:
        """The descriptor to poll for reading."""
        return self._read_fd

    def set(self) -> None:
        """Make it readable. From any thread; never blocks; does nothing when closed."""
        if self._is_set:
            return
        with self._lock:
            if not self._is_closed:
                self._is_set = True
                os.write(self._write_fd, b"!")

    def clear(self) -> None:
        """Make it wait for the next `set`. Look at what may have changed afterwards, not before."""
        with suppress(BlockingIOError):
            os.read(self._read_fd, 64)
        self._is_set = False

    def close(self) -> None:
        """Let go of the descriptors."""
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                os.close(self._read_fd)
                os.close(self._write_fd)
