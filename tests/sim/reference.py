"""What should have happened: the durable records folded by a second exchange and by the auditor's naive one."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections import defaultdict
from collections.abc import Callable

import msgspec

from audit.naive_exchange import NaiveExchange
from engine.commands import EnterOrder
from engine.digest import state_digest
from engine.events import Accepted, Amended, CommandResult, Completed, Ended, Event, Filled, Rejected
from engine.exchange import Exchange
from engine.types import AccountId, Seq
from journal.codec import BatchRecord, open_batch
from tests.sim.market import INSTRUMENTS

_HEADER = struct.Struct(">QqQI")
INSTRUMENT = {each.symbol: each for each in INSTRUMENTS}


class OrderAt(msgspec.Struct, frozen=True):
    """An order after the command `seq`."""

    seq: int
    cum: int
    quantity: int
    is_open: bool


class Order(msgspec.Struct):
    """All that became of an order."""

    account: AccountId
    name: str | None
    command: EnterOrder
    states: list[OrderAt]

    @property
    def ended_seq(self) -> int | None:
        """The command that ended it; None while it is open."""
        return None if self.states[-1].is_open else self.states[-1].seq

    def between(self, first: int, last: int) -> list[OrderAt]:
        """Its states at some moment from behind command `first` to behind command `last`."""
        before = [state for state in self.states if state.seq <= first]
        return before[-1:] + [state for state in self.states if first < state.seq <= last]


class Reference:
    """Folds each durable record once. What it finds wrong goes to `violation`."""

    def __init__(self, violation: Callable[[str, str], object], digest_every: int) -> None:
        """`digest_every`: behind so many records the digest of the state is kept."""
        self.digest_every = digest_every
        self.records: list[BatchRecord] = []
        self.results: list[CommandResult] = []  # by seq - 1
        self.orders: dict[int, Order] = {}
        self.named: dict[tuple[int, str], list[int]] = defaultdict(list)  # every order accepted under a client order id
        self.exchange = Exchange()
        self._naive = NaiveExchange()
        self._violation = violation
        self._digests: dict[int, str] = {}

    @property
    def last_seq(self) -> int:
        """The newest durable command."""
        return self.records[-1].last_seq if self.records else 0

    def add(self, record: BatchRecord) -> None:
        """Take the next record."""
        for wrong in wrong_with(record, self.records[-1] if self.records else None):
            self._violation("chain", f"record {record.n}: {wrong}")
        self.records.append(record)

    def fold(self) -> None:
        """Fold what was added."""
        done = self.exchange.seq
        for record in self.records:
            if record.first_seq > done:
                for seq, command in enumerate(open_batch(record), record.first_seq):
                    events = self.exchange.apply(command, Seq(seq), record.ts_ns)
                    self._take(CommandResult(Seq(seq), record.ts_ns, command, events))
                if record.n % self.digest_every == 0:
                    self._digests[record.n] = state_digest(self.exchange)

    def digest(self, n: int) -> str | None:
        """The digest of the state behind record `n`; None when it is not the newest and was not asked for then."""
        self.fold()
        if n == len(self.records) and n not in self._digests:
            self._digests[n] = state_digest(self.exchange)
        return self._digests.get(n)

    def compare(self, applied: CommandResult) -> None:
        """Compare what a server applied with what it should have."""
        self.fold()
        if applied.seq > len(self.results):
            self._violation("durability", f"seq {applied.seq} was applied and is not durable")
        elif self.results[applied.seq - 1] != applied:
            self._violation(
                "reference", f"seq {applied.seq}: {applied}, the reference: {self.results[applied.seq - 1]}"
            )

    def _take(self, result: CommandResult) -> None:
        due = self._naive.apply(result.command, result.seq, result.ts_ns)
        if _plain(result.events) != _plain(due):
            self._violation("naive exchange", f"seq {result.seq}: {result.events}, naive: {due}")
        self.results.append(result)
        for event in result.events:
            self._note(event, result)

    def _note(self, event: Event, result: CommandResult) -> None:
        seq = result.seq
        if isinstance(event, Accepted):
            command = result.command
            if not isinstance(command, EnterOrder):
                return
            order = Order(event.account, event.client_order_id, command, [OrderAt(seq, 0, event.quantity, True)])
            self.orders[event.order_id] = order
            if event.client_order_id is not None:
                self.named[event.account, event.client_order_id].append(event.order_id)
        elif isinstance(event, Filled):
            for order_id in (event.maker_order_id, event.taker_order_id):
                last = self.orders[order_id].states[-1]
                self._state(order_id, seq, last.cum + event.quantity, last.quantity, True)
        elif isinstance(event, Amended):
            self._state(event.order_id, seq, self.orders[event.order_id].states[-1].cum, event.quantity, True)
        elif isinstance(event, Ended):
            self._state(event.order_id, seq, event.cum, event.quantity, False)
            if isinstance(event, Completed) and event.cum != event.quantity:
                self._violation("reference", f"order {event.order_id} is complete and not filled")

    def _state(self, order_id: int, seq: int, cum: int, quantity: int, is_open: bool) -> None:
        states = self.orders[order_id].states
        if states[-1].seq == seq:
            states.pop()
        states.append(OrderAt(seq, cum, quantity, is_open))


def wrong_with(record: BatchRecord, before: BatchRecord | None) -> list[str]:
    """What is wrong with a record and its place, by arithmetic of the simulation's own."""
    header = _HEADER.pack(record.n, record.ts_ns, record.first_seq, record.count)
    n, seq, ts_ns, chain = (0, 0, 0, bytes(32)) if before is None else (
        before.n, before.first_seq + before.count - 1, before.ts_ns, before.chain
    )  # fmt: skip
    checks = {
        f"it follows record {n}": record.n == n + 1,
        f"it begins with {record.first_seq} behind {seq}": record.first_seq == seq + 1,
        "time went back": record.ts_ns >= ts_ns,
        "it is chained to another record": record.prev_chain == chain,
        "its chain is wrong": record.chain == hashlib.sha256(record.prev_chain + header + record.body).digest(),
        "its checksum is wrong": record.crc32 == zlib.crc32(header + record.body),
    }
    return [text for text, holds in checks.items() if not holds]


def _plain(events: list[Event]) -> list[Event]:
    """Without the figures of refusals, which decide nothing."""
    return [msgspec.structs.replace(event, figures=None) if isinstance(event, Rejected) else event for event in events]
