"""The protocol with one fault each, which the simulation must find: what shows that its checks can see.

A mutant is a context that gives the parts of the product to simulate; no file is edited. Which seed shows each is in
`SEEDS`, and in Documentation/simulation.md how many seeds, from 0 on, each needs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Final
from unittest import mock

import msgspec

from cluster.append import Appender
from cluster.failures import AppendRefused
from cluster.keys import StoredHead
from cluster.log_reader import LogPage, LogReader
from cluster.records import Position
from cluster.store import Compare, CreatedIn, LogStore, NoAnswer, Outcome, Transaction, ValueIs
from cluster.trimming import Trimmed, Trimmer
from engine.events import Event
from engine.exchange import Exchange
from engine.types import Seq
from journal.codec import BatchRecord
from projections.submissions import SubmissionWindow
from replica.follower import Follower
from sequencer.port import Submit
from tests.sim.hub import hub_here
from tests.sim.mutants import AnswersFirst
from tests.sim_cluster.node import Node
from tests.sim_cluster.parts import Parts
from tests.sim_cluster.plan import plan_of
from tests.sim_cluster.simulation import run

Build = Callable[[], AbstractContextManager[Parts]]


class _Comparing:
    """A store that leaves out compares of one kind."""

    def __init__(self, store: LogStore, kind: type[Compare]) -> None:
        self._store = store
        self._kind = kind

    def transact(self, transaction: Transaction, timeout_s: float) -> Outcome:
        """As `LogStore.transact`."""
        kept = tuple(each for each in transaction.compares if not isinstance(each, self._kind))
        return self._store.transact(msgspec.structs.replace(transaction, compares=kept), timeout_s)

    def next_member(self) -> None:
        """As `LogStore.next_member`."""
        self._store.next_member()


def no_fence(store: LogStore, *arguments: Any, **named: Any) -> Appender:
    """An appender that appends whoever owns the log."""
    return Appender(_Comparing(store, CreatedIn), *arguments, **named)  # type: ignore[arg-type]


def no_head_compare(store: LogStore, *arguments: Any, **named: Any) -> Appender:
    """An appender that appends whatever the newest record is."""
    return Appender(_Comparing(store, ValueIs), *arguments, **named)  # type: ignore[arg-type]


class GivesUp(Appender):
    """Takes no answer for a no."""

    def _until_answered(self, transaction: Transaction, n: int, value: bytes) -> int:
        outcome: Outcome
        try:
            outcome = self._store.transact(transaction, 0.4)
        except NoAnswer as error:
            raise AppendRefused(str(error)) from error
        if not outcome.succeeded:
            self._check_landed(outcome, n, value, unanswered=False)
        return 1


class TrimsEarly(Trimmer):
    """Goes by the newest snapshot alone."""

    def _stored_notes(self) -> Any:
        notes = super()._stored_notes()
        return notes[:1] * 2


class LeavesOut(LogReader):
    """Loses a record now and then, and does not notice."""

    _reads = 0

    def read(self, behind: Position, limit: int = 200) -> LogPage:
        """As `LogReader.read`."""
        page = super().read(behind, limit)
        self._reads += 1
        if page.records and behind.n > 3 and self._reads % 7 == 0:
            return LogPage(page.records[1:], page.head)
        return page


class AppliesGaps(Follower):
    """Takes whatever comes for the next record."""

    def steps(self, record: BatchRecord, commands: Any = None) -> Any:
        """As `Follower.steps`."""
        with mock.patch("replica.follower.verify"):
            return super().steps(record, commands)

    def _require_next(self, record: BatchRecord) -> None:
        self.exchange.seq = Seq(record.first_seq - 1)


class OwnClock(Exchange):
    """Goes by the clock of its machine."""

    wall_ns: Callable[[], int] = staticmethod(lambda: 0)

    def apply(self, command: Any, seq: Seq, ts_ns: int) -> list[Event]:
        """As `Exchange.apply`."""
        return super().apply(command, seq, max(ts_ns, self.wall_ns()))


class ForgetsKeys(SubmissionWindow):
    """Knows no key of what it has not taken itself."""

    def find(self, key: bytes) -> Any:
        """As `SubmissionWindow.find`."""
        del key


def new_head_unread(claim: Any, reader: Any, behind: Position, *arguments: Any) -> Any:
    """Takes over from where the node is, not from where the log is."""
    raise NotImplementedError
