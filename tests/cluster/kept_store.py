"""A store in memory that carries out transactions at once, as etcd would, but for what a test has fail."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeVar

from cluster.store import ChangeWatch, NoAnswer, Outcome, OutOfSpace, Refused, StoreError, Transaction
from tests.sim_cluster import state
from tests.sim_cluster.state import LogState
from tests.sim_cluster.store import SimulatedWatch, carried_out

T = TypeVar("T")


class Lost(NoAnswer):
    """It is carried out, and its answer gets lost."""


class KeptStore:
    """`LogStore` over a state that several may share. No time passes: leases last until they are ended."""

    def __init__(self, log: LogState | None = None) -> None:
        self.log = LogState() if log is None else log
        self.fails: deque[StoreError | None] = deque()  # what the next calls end in; None: they are answered
        self.asked: list[Transaction] = []
        self.members = 0  # times that it went on to the next
        self.before: Callable[[Transaction], object] = lambda transaction: None  # what others do just before

    def transact(self, transaction: Transaction, timeout_s: float) -> Outcome:
        """As `LogStore.transact`."""
        self.asked.append(transaction)
        self.before(transaction)
        return self._done(lambda: carried_out(self.log, transaction))

    def grant_lease(self, ttl_s: int, timeout_s: float) -> int:
        """As `LogStore.grant_lease`."""
        return self._done(lambda: self.log.grant(ttl_s * 10**9, 0))

    def keep_lease(self, lease: int, timeout_s: float) -> float:
        """As `LogStore.keep_lease`."""
        return self._done(lambda: self.log.leases[lease].ttl_ns / 1e9 if self.log.renew(lease, 0) else 0.0)

    def revoke_lease(self, lease: int, timeout_s: float) -> None:
        """As `LogStore.revoke_lease`."""
        self._done(lambda: self.log.revoke(lease))

    def watch(self, key: str) -> ChangeWatch:
        """As `LogStore.watch`: it never wakes up."""
        return SimulatedWatch()

    def next_member(self) -> None:
        """Counted."""
        self.members += 1

    def close(self) -> None:
        """Nothing is to be closed."""

    def _done(self, operation: Callable[[], T]) -> T:
        failure = self.fails.popleft() if self.fails else None
        if failure is not None and not isinstance(failure, Lost):
            raise failure
        try:
            answer = operation()
        except state.OutOfSpace:
            raise OutOfSpace("The log is full.") from None
        except state.LeaseGone:
            raise Refused("There is no such lease.") from None
        if failure is not None:
            raise failure
        return answer
