"""How late the event loop comes to what is due: what holds it up, every client waits for.

Layer: loop.
"""

from __future__ import annotations

import time
from typing import Any, Final

from eventlet import hubs

from loop.histogram import Histogram

EVERY_S: Final = 0.1  # between two measurements: ten cost a hundredth of a millisecond a second
BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class LoopDelay:
    """Has a timer ring ten times a second and counts how late it does. For the event loop's thread."""

    def __init__(self) -> None:
        self.seconds = Histogram(BOUNDS_S)
        self._due = 0.0
        self._timer: Any = None

    def start(self) -> None:
        """Begin to measure."""
        self._due = time.monotonic() + EVERY_S
        self._timer = hubs.get_hub().schedule_call_global(EVERY_S, self._ring)

    def stop(self) -> None:
        """Measure no more. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self.seconds.add(max(0.0, time.monotonic() - self._due))
        self.start()
