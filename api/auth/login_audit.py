"""Failed and delayed attempts to sign in, for the log and the audit trail: counted, and written once a minute.

Whoever guesses writes at most `ENTRIES_A_MINUTE` lines a minute, and one of all others, into either. A name that is
nobody's is not written: it may be a password in the wrong field.
Layer: api.auth.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

import eventlet

from loop.errors import StoreError

log = logging.getLogger(__name__)

ENTRIES_A_MINUTE: Final = 10
MINUTE_S: Final = 60.0
SOON_S: Final = 0.5  # from the first failure to its line
OUTCOMES: Final = {"login_failed": "were wrong", "login_delayed": "came too soon"}


class LoginAudit:
    """Gathers what fails, and has it written soon. For the event loop's thread."""

    def __init__(self, record: Callable[[str, str, str, int], str]) -> None:
        """`record` writes action, name, address and count to the audit trail, and gives the name that it wrote."""
        self._record = record
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._scheduled = False
        self._next_at = 0.0

    def note(self, action: str, name: str, address: str) -> None:
        """One attempt for `name` from `address` failed: an action of `OUTCOMES`."""
        key = (action, name.lower(), address)
        if key not in self._counts and len(self._counts) >= ENTRIES_A_MINUTE:
            key = (action, "", "")
        self._counts[key] += 1
        if not self._scheduled:
            self._scheduled = True
            eventlet.spawn_after(max(SOON_S, self._next_at - time.monotonic()), self._write)

    def _write(self) -> None:
        self._next_at = time.monotonic() + MINUTE_S
        self._scheduled = False
        counts, self._counts = self._counts, Counter()
        for (action, name, address), count in counts.items():
            try:
                written = self._record(action, name, address, count)
            except StoreError:  # it says why, in lines of its own
                written = "a name that cannot be looked up"
            log.warning(
                "%d attempts to sign in as %s from %s %s",
                count,
                written,
                address or "several addresses",
                OUTCOMES[action],
            )
