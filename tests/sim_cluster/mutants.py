"""The protocol with one fault each, which the simulation must find: what shows that its checks can see.

A mutant is a context in which the product has it; no file is edited. `SEEDS` says which seed shows each, where the
gate begins; how many seeds, from 0 on, each needs is in Documentation/simulation.md, as
`python -m tests.sim_cluster --mutants` prints it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Final
from unittest import mock

import msgspec

from cluster.append import Appender
from cluster.link_frames import framed
from cluster.log_reader import LogPage, LogReader
from cluster.records import Position
from cluster.remote_sequencer import RemoteSequencer
from cluster.store import Compare, CreatedIn, LogStore, Outcome, Transaction, ValueIs
from cluster.trimming import Trimmer
from cluster.unanswered import Unanswered
from engine.events import Event
from engine.exchange import Exchange
from engine.types import Seq
from journal.codec import BatchRecord, verify_alone
from replica.follower import Follower
from sequencer.port import NotAccepting
from tests.sim.hub import hub_here
from tests.sim.mutants import AnswersFirst
from tests.sim_cluster.disk import NodeDisk
from tests.sim_cluster.peers import SimulatedPeer
from tests.sim_cluster.plan import plan_of
from tests.sim_cluster.simulation import run

Build = Callable[[], AbstractContextManager[object]]


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


def unfenced(store: LogStore, *arguments: Any, **named: Any) -> Appender:
    """An appender that appends whoever owns the log."""
    return Appender(_Comparing(store, CreatedIn), *arguments, **named)  # type: ignore[arg-type]


def headless(store: LogStore, *arguments: Any, **named: Any) -> Appender:
    """An appender that appends whatever the newest record is."""
    return Appender(_Comparing(store, ValueIs), *arguments, **named)  # type: ignore[arg-type]


class TrimsEarly(Trimmer):
    """Goes by the newest snapshot alone."""

    def _stored_notes(self) -> Any:
        return super()._stored_notes()[:1] * 2


class LeavesOut(LogReader):
    """Loses a record now and then, and does not notice."""

    _reads = 0

    def read(self, behind: Position, limit: int = 200) -> LogPage:
        """As `LogReader.read`."""
        page = super().read(behind, limit)
        self._reads += bool(page.records)
        if len(page.records) and behind.n > 3 and self._reads % 7 == 0:
            return LogPage(page.records[1:], page.head)
        return page

    def _verified(self, behind: Position, entries: Any) -> Any:
        first = self._keys.record_number(entries[0].key) - 1 if entries else behind.n
        with mock.patch("cluster.log_reader.verify_behind"):
            return super()._verified(msgspec.structs.replace(behind, n=first), entries)


class AppliesGaps(Follower):
    """Takes whatever comes for the next record."""

    def steps(self, record: BatchRecord, commands: Any = None) -> Any:
        """As `Follower.steps`."""
        with mock.patch("replica.follower.verify", lambda found, _last: verify_alone(found)):
            return super().steps(record, commands)

    def _require_next(self, record: BatchRecord) -> None:
        self.exchange.seq = Seq(record.first_seq - 1)


def _patched(place: str, thing: object) -> Build:
    return lambda: mock.patch(place, thing)


@contextlib.contextmanager
def _gap() -> Iterator[None]:
    def append(self: NodeDisk, record: BatchRecord) -> None:
        self.archive.append(record)

    with (
        mock.patch("cluster.node.LogReader", LeavesOut),
        mock.patch("cluster.hosting.Follower", AppliesGaps),
        mock.patch("replica.follower.Follower", AppliesGaps),
        mock.patch.object(NodeDisk, "append", append),
    ):
        yield


@contextlib.contextmanager
def _new_key() -> Iterator[None]:
    send = RemoteSequencer._send

    def send_under_another(self: Any, one: Unanswered) -> None:
        if one.out:
            self._unanswered.take(one.submission.key)
            key = one.submission.key[:-1] + bytes([(one.submission.key[-1] + one.out) % 256])
            one.submission = msgspec.structs.replace(one.submission, key=key)
            one.frame = framed(one.submission)
            self._unanswered.add(one)
        send(self, one)

    with mock.patch.object(RemoteSequencer, "_send", send_under_another):
        yield


@contextlib.contextmanager
def _own_clock() -> Iterator[None]:
    apply = Exchange.apply

    def apply_now(self: Exchange, command: Any, seq: Seq, ts_ns: int) -> list[Event]:
        simulation = SimulatedPeer.simulation
        node = next((each for each in simulation.nodes if each.process is hub_here().current), None)
        if node is not None and self is not simulation.reference.exchange:
            ts_ns = max(ts_ns, node.wall_ns())
        return apply(self, command, seq, ts_ns)

    with mock.patch.object(Exchange, "apply", apply_now):
        yield


def _from_where_it_is(reader: Any, _behind: Position, apply: Any, appender: Any, seal: Any, _giving_up: Any) -> Any:
    """A take-over that does not read what it has not got."""
    writer = appender(reader.head())
    changed = seal(writer.head.head.position)
    writer.append(changed)
    apply(changed)
    return writer


MUTANTS: Final[dict[str, Build]] = {
    "no fence": _patched("cluster.node.Appender", unfenced),
    "no compare with the head": _patched("cluster.node.Appender", headless),
    "an answer before the commit": _patched("cluster.hosting.Committer", AnswersFirst),
    "a new key on a retry": _new_key,
    "keys are forgotten": _patched("projections.submissions.SubmissionWindow.find", lambda _window, _key: None),
    "what is not known is refused": _patched(
        "cluster.remote_sequencer.unknown_outcome", lambda _one: NotAccepting("mutant")
    ),
    "a take-over without reading": _patched("cluster.node.take_over", _from_where_it_is),
    "trimmed early": _patched("cluster.trimming.Trimmer", TrimsEarly),
    "a gap is applied": _gap,
    "a clock in the engine": _own_clock,
}

SEEDS: Final = {  # from which on each is noticed soon, as the product is now
    "no fence": 33,
    "no compare with the head": 1,
    "an answer before the commit": 0,
    "a new key on a retry": 64,
    "keys are forgotten": 11,
    "what is not known is refused": 176,
    "a take-over without reading": 264,
    "trimmed early": 0,
    "a gap is applied": 8,
    "a clock in the engine": 0,
}


def seeds_needed(build: Build, seeds_max: int, first: int = 0) -> tuple[int | None, str]:
    """How many seeds, from `first` on, it takes until a mutant is noticed, and the kind of the first violation."""
    for number in range(seeds_max):
        with build():
            outcome = run(plan_of(first + number))
        if not outcome.is_right:
            return number + 1, outcome.violations[0].kind
    return None, ""
