"""How far the replay of a start is, what it came to, and by what the historian goes on from there.

Layer: api.
"""

from __future__ import annotations

import gc
import logging
import sys
import time
from collections.abc import Callable

from api.settings import Settings
from engine.digest import state_digest
from journal.committer import SWITCH_INTERVAL_SECONDS
from journal.port import Journal
from openbell import __version__
from replica.historian.options import HistorianOptions
from replica.recovery import Recovered

log = logging.getLogger(__name__)

PROGRESS_S = 5.0  # between two lines in the log of a replay
# allocations between two young collections: each takes as long as there are, here a millisecond or two
GC_YOUNG_THRESHOLD = 10_000
# young ones between two older ones, and older ones between two full ones: rare, so that a resting book costs few pauses
GC_OLDER_THRESHOLDS = 100, 50


def no_progress(_done: int, _of: int) -> None:
    """Nobody wants to know how far a replay is."""


class ReplayProgress:
    """Says how far a replay is, in the log now and then."""

    def __init__(self, journal: Journal, on_progress: Callable[[int, int], None]) -> None:
        """`on_progress` is called as often with the command it is at, and the last."""
        self._on_progress = on_progress
        last = journal.last
        self._end = 0 if last is None else last.last_seq
        self._logged = time.monotonic()

    def __call__(self, seq: int) -> None:
        """The replay is at command `seq`."""
        self._on_progress(seq, self._end)
        if time.monotonic() - self._logged >= PROGRESS_S:
            self._logged = time.monotonic()
            log.info("replaying the journal: at command %d of %d", seq, self._end)


def log_recovery(recovered: Recovered) -> None:
    """Say what a start came to."""
    exchange, digest = recovered.follower.exchange, recovered.began_digest
    if digest is None or exchange.seq != recovered.began_seq:  # else it was proved when the snapshot was loaded
        digest = state_digest(exchange)
    log.info(
        "replayed %d commands behind the snapshot of seq %d, in %.2f s with it; state digest %s at seq %d",
        recovered.commands,
        recovered.began_seq,
        recovered.seconds,
        digest,
        exchange.seq,
    )


def historian_options(settings: Settings) -> HistorianOptions:
    """What the historian goes by."""
    return HistorianOptions(
        database=str((settings.data / "history.sqlite").absolute()),
        snapshots=str((settings.data / "snapshots").absolute()),
        version=__version__,
        snapshot_every=settings.snapshot_every,
        snapshot_seconds=settings.snapshot_seconds,
        prove=settings.journal != "keep",
        history_days=settings.history_days,
    )


def tune_the_interpreter() -> None:
    """Short turns for the event loop, and rare garbage collections."""
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    gc.set_threshold(GC_YOUNG_THRESHOLD, *GC_OLDER_THRESHOLDS)
