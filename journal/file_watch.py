"""Whether the files that are open are still the ones at their paths.

A file that was removed or renamed can be written for as long as it is open, and nobody finds it afterwards.
Layer: journal.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

WATCH_EVERY_S: Final = 0.25  # two calls of the system, each of which lets go of the interpreter


class FileWatch:
    """Some files as they were when this was made."""

    def __init__(self, *paths: Path) -> None:
        """Raises OSError where one of them is not there."""
        self._files = [(path, _identity(path)) for path in paths]
        self._due = time.monotonic() + WATCH_EVERY_S

    @property
    def due(self) -> bool:
        """Whether it is time to look again. O(1), no call of the system."""
        return time.monotonic() >= self._due

    def changed(self) -> str | None:
        """What became of the first of them that is another one, or gone; None while all are the same."""
        self._due = time.monotonic() + WATCH_EVERY_S
        for path, identity in self._files:
            try:
                if _identity(path) != identity:
                    return f"{path} was replaced by another file"
            except FileNotFoundError:
                return f"{path} was removed or renamed"
            except OSError as error:
                return f"{path} cannot be reached ({error})"
        return None


def _identity(path: Path) -> tuple[int, int]:
    stat = os.stat(path)  # half the time of Path.stat
    return stat.st_dev, stat.st_ino
