"""A log in a real etcd as a test uses it: writers, readers, and answers that get lost on the way."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from cluster.append import Appender
from cluster.etcd.etcd_store import EtcdStore
from cluster.founding import found_log
from cluster.keys import Keys, Owner, StoredHead
from cluster.log_reader import LogReader
from cluster.ownership import LEASE_S, Claim, OwnerKey
from cluster.records import START, Position
from cluster.store import LogStore, NoAnswer, Outcome, StoreError, Transaction
from cluster.take_over import take_over
from engine.commands import AdvanceTime, WriterChanged
from journal.codec import BatchRecord, seal
from tests.etcd import EtcdCluster
from tests.server import eventually

Result = TypeVar("Result")

LONG_LEASE_S = 120

_names = itertools.count()


def next_record(at: Position, commands: int = 1) -> BatchRecord:
    """A record behind `at`."""
    return seal(at.n + 1, at.ts_ns + 1, at.seq + 1, [AdvanceTime()] * commands, at.chain)


class LossyStore:
    """A store whose answers get lost when a test says so: before the request was carried out, or behind it."""

    def __init__(self, store: LogStore) -> None:
        self.store = store
        self.lost_before = 0  # requests that never arrive
        self.lost_behind = 0  # then requests that are carried out, and whose answers never arrive

    def transact(self, transaction: Transaction, timeout_s: float) -> Outcome:
        """As the store, but for what gets lost."""
        if self.lost_before:
            self.lost_before -= 1
            raise NoAnswer("lost before it was carried out")
        outcome = self.store.transact(transaction, timeout_s)
        if self.lost_behind:
            self.lost_behind -= 1
            raise NoAnswer("carried out, and the answer was lost")
        return outcome

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


class ReplicatedLog:
    """One cluster's log, under a name of its own, and the nodes that a test has there."""

    def __init__(self, etcd: EtcdCluster, *, found: bool = True) -> None:
        self.etcd = etcd
        self.keys = Keys(f"test-{next(_names)}")
        self._stores: list[EtcdStore] = []
        if found:
            store = self.store()
            retried(lambda: found_log(store, self.keys))

    def store(self, first: int = 0) -> EtcdStore:
        """A client of its own."""
        store = EtcdStore(self.etcd.parsed, first)
        self._stores.append(store)
        return store

    def owner_key(self, node: str, store: LogStore | None = None, lease_s: int = LONG_LEASE_S) -> OwnerKey:
        """The owner key as that node uses it; by a lease that outlasts a test on a machine that is busy."""
        owner = Owner(node, f"{node}-boot", f"{node}.example:7000")
        return OwnerKey(self.store() if store is None else store, self.keys, owner, lease_s)

    def reader(self) -> LogReader:
        """A reader with a client of its own."""
        return LogReader(self.store(), self.keys, sleep=time.sleep)

    def claim(self, node: str = "a") -> Claim:
        """That node's claim of a log that nobody owns."""
        claim = retried(self.owner_key(node).claim)
        assert claim is not None
        return claim

    def appender(self, claim: Claim, store: LogStore | None = None, head: StoredHead | None = None) -> Appender:
        """What appends by `claim`, behind the head."""
        used = self.store() if store is None else store
        return Appender(
            used,
            self.keys,
            claim.epoch,
            self.reader().head() if head is None else head,
            clock=time.monotonic,
            sleep=time.sleep,
        )

    def take_over(self, node: str, claim: Claim, behind: Position = START) -> tuple[Appender, list[BatchRecord]]:
        """That node as the writer, and the records that it read on the way and appended."""
        applied: list[BatchRecord] = []

        def changed(at: Position) -> BatchRecord:
            return seal(at.n + 1, at.ts_ns + 1, at.seq + 1, [WriterChanged(node, claim.epoch)], at.chain)

        appender = take_over(
            self.reader(),
            behind,
            applied.append,
            lambda head: self.appender(claim, head=head),
            changed,
            lambda: False,
        )
        assert appender is not None
        return appender, applied

    def all_records(self) -> list[BatchRecord]:
        """Every record of the log, verified from the first."""
        records: list[BatchRecord] = []
        self.reader().read_to_head(START, records.append, lambda: False)
        return records

    def close(self) -> None:
        """Let go of all clients."""
        for store in self._stores:
            store.close()


class KeptClaim:
    """A node's claim, kept by a thread through whatever happens to members, and made anew when it has ended."""

    def __init__(self, log: ReplicatedLog, node: str) -> None:
        self._key = log.owner_key(node, lease_s=LEASE_S)
        self._keeping = log.owner_key(node)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.claim = self.claim_again()
        self._thread.start()

    def claim_again(self) -> Claim:
        """Claim the log, whose owner is gone."""
        claim = retried(self._key.claim)
        assert claim is not None
        self.claim = claim
        return claim

    def close(self) -> None:
        """Keep it no more."""
        self._done.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._done.wait(0.3):
            with suppress(StoreError):
                self._keeping.keep(self.claim)


@contextmanager
def replicated_log(etcd: EtcdCluster, *, found: bool = True) -> Iterator[ReplicatedLog]:
    """A log of its own in that etcd."""
    log = ReplicatedLog(etcd, found=found)
    try:
        yield log
    finally:
        log.close()


def retried(call: Callable[[], Result]) -> Result:
    """The result of `call`, which is called again while etcd does not answer."""
    results: list[Result] = []

    def answered() -> bool:
        try:
            results.append(call())
        except StoreError:
            return False
        return True

    eventually(answered)
    return results[0]
