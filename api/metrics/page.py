"""The text of all figures, made at most once a second however many ask.

Layer: api.metrics.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Final

from eventlet.semaphore import Semaphore

from api.metrics.text import Family, rendered

KEPT_S: Final = 1.0

Families = Callable[[], Iterable[Family]]


class MetricsText:
    """Makes the text. For the event loop's thread."""

    def __init__(self, *groups: Families) -> None:
        self._groups = groups
        self._making = Semaphore()
        self._text = b""
        self._made_at = float("-inf")

    def text(self) -> bytes:
        """The figures of now, or of the last second. O(samples). Cooperative."""
        with self._making:
            if time.monotonic() - self._made_at >= KEPT_S:
                self._text = rendered(chain.from_iterable(families() for families in self._groups))
                self._made_at = time.monotonic()
            return self._text
