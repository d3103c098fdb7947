"""The product with one fault each, which the simulation must find: what shows that its checks can see.

A mutant is a context that gives the parts of the product to simulate; no file is edited. How many seeds each needs is
in Documentation/simulation.md, as `python -m tests.sim --mutants` prints it.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final
from unittest import mock

import msgspec

from api.orders.duplicates import DuplicateLookup
from api.orders.memory import OrderMemory
from engine.commands import Command, EnterOrder
from engine.digest import state_digest
from engine.events import CommandResult
from engine.types import Seq
from journal.codec import BatchRecord, CorruptRecord, open_batch, verify_alone
from journal.committer import Committer, Ticket
from journal.port import JournalFailed
from replica.frames import Hurry, State
from replica.historian.snapshotter import Snapshotter
from replica.record_log import RecordLog
from replica.stream import RecordStream
from sequencer.sequencer import Sequencer
from tests.sim.disk import Disk, DiskJournal
from tests.sim.machine import Thread, sleep
from tests.sim.plan import plan_of
from tests.sim.simulation import Parts, run

Build = Callable[[], AbstractContextManager[Parts]]


class AnswersFirst(Committer):
    """Says that a record is durable when it is handed over."""

    def commit(self, record: BatchRecord) -> Ticket:
        """As `Committer.commit`."""
        ticket = super().commit(record)
        ticket.settle(None)
        return ticket


class AppliesFirst(Sequencer):
    """Applies a record while it is being flushed, and answers when it is durable."""

    def __init__(self, exchange: Any, committer: Committer, *arguments: Any, **named: Any) -> None:
        super().__init__(exchange, committer, *arguments, **named)
        early: dict[int, Any] = {}
        commit, apply = committer.commit, exchange.apply

        def commit_and_apply(record: BatchRecord) -> Ticket:
            ticket = commit(record)
            if record.first_seq == exchange.seq + 1:
                for seq, command in enumerate(open_batch(record), record.first_seq):
                    early[seq] = apply(command, Seq(seq), record.ts_ns)
            return ticket

        committer.commit = commit_and_apply  # type: ignore[method-assign]
        exchange.apply = lambda command, seq, ts_ns: early.pop(seq) if seq in early else apply(command, seq, ts_ns)


class TimeGoesBack(Sequencer):
    """Believes the wall clock."""

    @property
    def _last_ns(self) -> int:
        return 0

    @_last_ns.setter
    def _last_ns(self, _: int) -> None:
        pass


class LosesWakeUp(Sequencer):
    """Forgets to schedule the writer now and then."""

    _signals = 0

    def _signal(self) -> None:
        self._signals += 1
        if self._signals % 40 == 0 and self._wake is not None:
            self._wake.settle(None)
        super()._signal()


class SequencesTwice(Sequencer):
    """Puts some commands into the queue a second time."""

    _calls = 0

    def submit_all(self, commands: Sequence[Command]) -> list[CommandResult]:
        """As `Sequencer.submit_all`."""
        results = super().submit_all(commands)
        self._calls += 1
        if self._calls % 5 == 0:
            super().submit_all(commands)
        return results


class AnswersAnother(Sequencer):
    """Now and then gives a caller what the one before him was given."""

    _calls = 0
    _before: list[CommandResult] | None = None

    def submit_all(self, commands: Sequence[Command]) -> list[CommandResult]:
        """As `Sequencer.submit_all`."""
        results = super().submit_all(commands)
        self._calls += 1
        before, self._before = self._before, results
        if self._calls % 9 == 0 and before is not None and type(before[0].command) is type(commands[0]):
            return before
        return results


class IgnoresFailure(DiskJournal):
    """Goes on when a write failed."""

    def append(self, record: BatchRecord) -> None:
        """As `DiskJournal.append`."""
        try:
            super().append(record)
        except JournalFailed:
            self._failure = None
            self._records.append(record)


class DropsLast(DiskJournal):
    """Replays all but the last record."""

    def read(self, after_n: int = 0) -> Iterator[BatchRecord]:
        """As `DiskJournal.read`."""
        records = list(super().read(after_n))
        yield from records[:-1] if len(records) > 2 else records


class ReplaysTwice(DiskJournal):
    """Replays the last record again."""

    def read(self, after_n: int = 0) -> Iterator[BatchRecord]:
        """As `DiskJournal.read`."""
        records = list(super().read(after_n))
        yield from records + records[-1:]


class RecoversUnflushed(DiskJournal):
    """Trusts what a process that was killed has written, and does not flush it."""

    def __init__(self, disk: Disk, on_durable: Callable[[BatchRecord], object]) -> None:
        with mock.patch.object(disk, "flush"):
            super().__init__(disk, on_durable)


class AsksNobody(DuplicateLookup):
    """Takes a client order id for new that the engine has forgotten."""

    def _check_history(self, commands: Sequence[EnterOrder], _now_ns: int, _patience_s: float) -> Any:
        return [msgspec.structs.replace(command, looked_until=self._exchange.seq) for command in commands]


def _parts(**parts: Callable[..., Any]) -> Build:
    return lambda: contextlib.nullcontext(Parts(**parts))


@contextlib.contextmanager
def _chain_is_not_checked() -> Iterator[Parts]:
    def verify(record: BatchRecord, previous: BatchRecord | None) -> None:
        verify_alone(record)
        if record.n != (1 if previous is None else previous.n + 1):
            raise CorruptRecord(record.n, "it is missing")

    with mock.patch("journal.codec.verify", verify), mock.patch("replica.follower.verify", verify):
        yield Parts()


@contextlib.contextmanager
def _name_is_forgotten() -> Iterator[Parts]:
    with mock.patch("engine.recent.RecentOrders.find", return_value=None):
        yield Parts()


@contextlib.contextmanager
def _follower_misses_record() -> Iterator[Parts]:
    receive, number = RecordStream.receive, itertools.count(1)

    def receive_most(self: RecordStream, wait_s: float | None = None) -> Any:
        return [frame for frame in receive(self, wait_s) if isinstance(frame, Hurry) or next(number) % 20]

    with mock.patch.object(RecordStream, "receive", receive_most):
        yield Parts()


@contextlib.contextmanager
def _record_leaves_first() -> Iterator[Parts]:
    def append(self: Any, record: BatchRecord) -> None:
        self._recent.append(record)
        for wake in self._wakes:
            wake()
        self._journal.append(record)

    with mock.patch.object(RecordLog, "append", append):
        yield Parts()


@contextlib.contextmanager
def _object_goes_on() -> Iterator[Parts]:
    def save(self: Any) -> State:
        last, exchange = self._follower.last, self._follower.exchange
        digest, sections = state_digest(exchange), self._projections.saved()

        def save_later() -> None:
            sleep(0.01)
            self._folder.save(exchange, last, sections, digest)

        Thread(save_later).start()
        self._saved_seq = self._follower.seq
        return State(last.n, last.last_seq, digest, 1, 0)

    with mock.patch.object(Snapshotter, "save", save):
        yield Parts()


@contextlib.contextmanager
def _one_snapshot_is_enough() -> Iterator[Parts]:
    with mock.patch("replica.historian.snapshotter.PROVEN_KEPT", 1):
        yield Parts()


@contextlib.contextmanager
def _memory_claims_all() -> Iterator[Parts]:
    with mock.patch("tests.sim.server.OrderMemory", side_effect=lambda _: OrderMemory()):
        yield Parts()


MUTANTS: Final[dict[str, Build]] = {
    "answer before durable": _parts(committer=AnswersFirst),
    "apply before durable": _parts(sequencer=AppliesFirst),
    "the chain is not checked": _chain_is_not_checked,
    "a client order id is not remembered": _name_is_forgotten,
    "what was forgotten is not searched for": _parts(duplicates=AsksNobody),
    "time goes back": _parts(sequencer=TimeGoesBack),
    "a wake-up is lost": _parts(sequencer=LosesWakeUp),
    "commands are sequenced twice": _parts(sequencer=SequencesTwice),
    "an answer is another's": _parts(sequencer=AnswersAnother),
    "a failed write is ignored": _parts(journal=IgnoresFailure),
    "recovery drops the last record": _parts(journal=DropsLast),
    "recovery replays a record twice": _parts(journal=ReplaysTwice),
    "recovery does not flush": _parts(journal=RecoversUnflushed),
    "a follower misses a record": _follower_misses_record,
    "a record leaves before it is durable": _record_leaves_first,
    "a snapshot of a live object": _object_goes_on,
    "records are dropped early": _one_snapshot_is_enough,
    "a start from a snapshot claims to know what is older": _memory_claims_all,
}


def seeds_needed(build: Build, seeds_max: int) -> tuple[int | None, str]:
    """How many seeds, from 0 on, it takes until a mutant is noticed, and the kind of the first violation."""
    for seed in range(seeds_max):
        with build() as parts:
            outcome = run(plan_of(seed), parts)
        if not outcome.is_right:
            return seed + 1, outcome.violations[0].kind
    return None, ""
