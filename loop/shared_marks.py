"""How far each process of one server is, in memory of all: so that none shows less than another has shown already.

A mark is written by one process alone and only grows, so there is no lock.
Layer: loop.
"""

from __future__ import annotations

import mmap
import os
from typing import Final

_MARK_BYTES: Final = 8


class SharedMarks:
    """Numbers that grow, one for each process."""

    def __init__(self, marks: int, descriptor: int | None = None) -> None:
        """Make so many, or (`descriptor`) take part in those of another process. Raises OSError."""
        self.descriptor = os.memfd_create("openbell", 0) if descriptor is None else descriptor
        if descriptor is None:
            os.ftruncate(self.descriptor, marks * _MARK_BYTES)
        self._memory = mmap.mmap(self.descriptor, marks * _MARK_BYTES)
        self._marks = memoryview(self._memory).cast("q")

    def set(self, number: int, value: int) -> None:
        """Set the mark of this process, which is that of `number`. O(1)."""
        self._marks[number] = value

    def newest(self) -> int:
        """The greatest of all. O(marks), about 20 ns each."""
        return max(self._marks)

    def close(self) -> None:
        """Let go of them. Idempotent."""
        if not self._memory.closed:
            self._marks.release()
            self._memory.close()
            os.close(self.descriptor)
