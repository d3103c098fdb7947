"""Which etcd a node has spoken to, and how far that was: one that is not as far any more was restored from a backup.

A node that has records which the log has not knows that by itself. One that was behind does not: it would follow, and
write, a log that has lost what others acknowledged. So the highest revision that was seen is kept beside the journal,
a few seconds old at most, and with it the id that etcd gave its cluster when that was made.

    before = seen; answer = transaction; answer.cluster is another, or answer.revision < before.revision: LogRestored

Each transaction is linearizable, so its revision is never below one that was seen before it began.
Layer: cluster. Blocks, by what it is given, and on the disk.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Final

import msgspec

from cluster.failures import LogRestored
from cluster.store import ChangeWatch, LogStore, Outcome, Transaction

FILE: Final = "log-seen.json"  # in the data folder
WRITE_S: Final = 5.0  # between two writes

log = logging.getLogger(__name__)


class SeenLog(msgspec.Struct, frozen=True):
    """What was seen of the store last."""

    cluster_id: int = 0  # 0: none was seen
    revision: int = 0


class SeenStore:
    """The `LogStore` of a node that keeps what it has seen in `folder`. Used by one thread at a time."""

    def __init__(self, store: LogStore, folder: Path) -> None:
        """What is in the folder and cannot be read says nothing: it is logged, and written anew."""
        self._store = store
        self._path = folder / FILE
        self._seen = self._written = _read(self._path)
        self._written_at = time.monotonic() - WRITE_S
        self._has_failed = False

    def transact(self, transaction: Transaction, timeout_s: float) -> Outcome:
        """As the store's. Raises LogRestored, besides, where that has gone back since it was seen last."""
        before = self._seen
        outcome = self._store.transact(transaction, timeout_s)
        if outcome.cluster_id:
            self._check(before, outcome)
            self._seen = SeenLog(outcome.cluster_id, max(self._seen.revision, outcome.revision))
            if self._seen != self._written and time.monotonic() - self._written_at >= WRITE_S:
                self._write()
        return outcome

    def grant_lease(self, ttl_s: int, timeout_s: float) -> int:
        """As the store's."""
        return self._store.grant_lease(ttl_s, timeout_s)

    def keep_lease(self, lease: int, timeout_s: float) -> float:
        """As the store's."""
        return self._store.keep_lease(lease, timeout_s)

    def revoke_lease(self, lease: int, timeout_s: float) -> None:
        """As the store's."""
        self._store.revoke_lease(lease, timeout_s)

    def watch(self, key: str) -> ChangeWatch:
        """As the store's."""
        return self._store.watch(key)

    def next_member(self) -> None:
        """As the store's."""
        self._store.next_member()

    def close(self) -> None:
        """Write what was seen last, and close the store. Idempotent."""
        if self._seen != self._written:
            self._write()
        self._store.close()

    def _check(self, before: SeenLog, outcome: Outcome) -> None:
        if not before.cluster_id:
            return
        if before.cluster_id != outcome.cluster_id:
            what = f"It is another etcd ({outcome.cluster_id:x}) than this node has followed ({before.cluster_id:x})"
        elif outcome.revision < before.revision:
            what = f"etcd is at revision {outcome.revision}, and this node has seen {before.revision}"
        else:
            return
        raise LogRestored(
            f"{what}: it was restored from an older backup, or made anew, and may have lost what was acknowledged. "
            "Nothing was changed. Look first for a node that has more records; to go on with this log as it is, on "
            f"each node that says this: openbell cluster accept --data {self._path.parent}."
        )

    def _write(self) -> None:
        """Not flushed: what a power cut takes of it is a few seconds."""
        self._written_at = time.monotonic()
        partial = self._path.with_suffix(".partial")
        try:
            partial.write_bytes(msgspec.json.encode(self._seen))
            partial.replace(self._path)
        except OSError as problem:
            if not self._has_failed:
                log.error(
                    "%s could not be written (%s): how far etcd was is not known after a start.", partial, problem
                )
            self._has_failed = True
        else:
            self._written, self._has_failed = self._seen, False


def forget_seen(folder: Path) -> None:
    """Have the node of this folder follow whichever log there is. Raises OSError."""
    (folder / FILE).unlink(missing_ok=True)


def _read(path: Path) -> SeenLog:
    try:
        return msgspec.json.decode(path.read_bytes(), type=SeenLog)
    except FileNotFoundError:
        return SeenLog()
    except (OSError, ValueError) as problem:  # DecodeError is one
        log.warning("%s cannot be read (%s): how far etcd was is not known.", path, problem)
        return SeenLog()
