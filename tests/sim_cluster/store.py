"""One node's client of the simulated log: the port that the protocol has, over whichever member is its turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cluster.store import (
    Compare,
    CreatedIn,
    Delete,
    Entry,
    ModifiedIn,
    NoAnswer,
    Outcome,
    OutOfSpace,
    Put,
    Read,
    Refused,
    Transaction,
    Unreachable,
)
from tests.sim.hub import Process, hub_here
from tests.sim.machine import Event
from tests.sim_cluster import members, state
from tests.sim_cluster.hosts import HOSTS
from tests.sim_cluster.members import Members
from tests.sim_cluster.state import Kept, LogState


class SimulatedStore:
    """`LogStore` for one thread of a node."""

    def __init__(self, log: Members, host: int, process: Process, member: int) -> None:
        """`host`: where the node is. `member`: whom it speaks to first."""
        self._log = log
        self._host = host
        self._process = process
        self._member = member

    def transact(self, transaction: Transaction, timeout_s: float) -> Outcome:
        """As `LogStore.transact`."""
        return self._ask(lambda at: carried_out(at, transaction), timeout_s)

    def grant_lease(self, ttl_s: int, timeout_s: float) -> int:
        """As `LogStore.grant_lease`."""
        return self._ask(lambda at: at.grant(ttl_s * 10**9, hub_here().now_ns), timeout_s)

    def keep_lease(self, lease: int, timeout_s: float) -> float:
        """As `LogStore.keep_lease`."""

        def renew(at: LogState) -> float:
            return at.leases[lease].ttl_ns / 1e9 if at.renew(lease, hub_here().now_ns) else 0.0

        return self._ask(renew, timeout_s)

    def revoke_lease(self, lease: int, timeout_s: float) -> None:
        """As `LogStore.revoke_lease`."""
        self._ask(lambda at: at.revoke(lease), timeout_s)

    def watch(self, key: str) -> SimulatedWatch:
        """As `LogStore.watch`: it wakes up behind changes of any key, which is no harm."""
        watch = SimulatedWatch()
        self._log.watch(self._host, self._process, self._member, watch.wake)
        return watch

    def next_member(self) -> None:
        """As `LogStore.next_member`."""
        self._member = (self._member + 1) % HOSTS

    def close(self) -> None:
        """Nothing is to be closed."""

    def _ask(self, operation: Callable[[LogState], Any], timeout_s: float) -> Any:
        try:
            return self._log.ask(self._host, self._process, self._member, operation, timeout_s)
        except members.NoAnswer:
            raise NoAnswer("No answer came in time.") from None
        except members.ConnectionRefused as error:
            if error.was_sent:
                raise NoAnswer("The connection broke.") from None
            raise Unreachable("No member listens there.") from None
        except state.OutOfSpace:
            raise OutOfSpace("The log is full.") from None
        except state.LeaseGone:
            raise Refused("There is no such lease.") from None


class SimulatedWatch:
    """`ChangeWatch`."""

    def __init__(self) -> None:
        self._changed = Event()

    def wake(self) -> None:
        """Something was changed."""
        self._changed.set()

    def wait(self, wait_s: float) -> bool:
        """As `ChangeWatch.wait`."""
        found = self._changed.wait(wait_s)
        self._changed.clear()
        return found

    def close(self) -> None:
        """Nothing is to be closed."""


def carried_out(at: LogState, transaction: Transaction) -> Outcome:
    """What a transaction does to a log of this state, which it changes. Raises state.OutOfSpace, state.LeaseGone."""
    succeeded = all(_holds(at, each) for each in transaction.compares)
    branch = transaction.then if succeeded else transaction.otherwise
    puts = [each for each in branch if isinstance(each, Put)]
    if puts and at.is_full:
        raise state.OutOfSpace
    if any(each.lease and each.lease not in at.leases for each in puts):
        raise state.LeaseGone
    if puts or any(isinstance(each, Delete) and at.between(each.key, each.until or each.key + "\0") for each in branch):
        at.begin()
    reads: list[tuple[Entry, ...]] = []
    deleted = 0
    for each in branch:
        if isinstance(each, Put):
            at.put(each.key, each.value, each.lease)
        elif isinstance(each, Delete):
            deleted += at.delete(each.key, each.until or None)
        else:
            reads.append(_read(at, each))
    return Outcome(succeeded, at.revision, tuple(reads), deleted)


def _holds(at: LogState, compare: Compare) -> bool:
    kept = at.keys.get(compare.key)
    match compare:
        case CreatedIn(revision=revision):
            return (0 if kept is None else kept.create_revision) == revision
        case ModifiedIn(revision=revision):
            return (0 if kept is None else kept.mod_revision) == revision
        case _:
            return kept is not None and kept.value == compare.value


def _read(at: LogState, read: Read) -> tuple[Entry, ...]:
    found = at.between(read.key, read.until or read.key + "\0")
    return tuple(_entry(key, kept) for key, kept in (found[: read.limit] if read.limit else found))


def _entry(key: str, kept: Kept) -> Entry:
    return Entry(key, kept.value, kept.create_revision, kept.mod_revision, kept.version, kept.lease)
