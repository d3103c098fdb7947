"""Long answers are made one at a time, so that however many are asked for, others wait for one turn of one of them.

Layer: api.http.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from flask import request

from api.http.addresses import neighbourhood
from api.json.errors import RETRY_AFTER_S, ApiError
from loop.errors import Busy
from loop.fair_lock import FairLock

OWN_MAX: Final = 64  # of one address, waiting or being made
WAITING_MAX: Final = 1_000
PATIENCE_S: Final = 30.0


class LongReads:
    """Whose long answer is made: in turn by address."""

    def __init__(self) -> None:
        self._lock = FairLock(OWN_MAX, WAITING_MAX, PATIENCE_S)

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """The current request's answer is made within the block. Cooperative. Raises ApiError 503."""
        try:
            with self._lock.held_for(neighbourhood(request.remote_addr or "")):
                yield
        except Busy:
            sentence = "Too many long answers are asked for just now; ask again in a moment, or for less."
            raise ApiError(503, "BUSY", sentence, None, RETRY_AFTER_S) from None
