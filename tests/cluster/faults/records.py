"""What the records say became of every order: a replay by an exchange of its own, read from a node's folder."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from engine import events as ev
from engine.digest import state_digest
from engine.exchange import Exchange
from engine.types import Seq
from journal.codec import BatchRecord, open_batch, verify
from journal.sqlite import SqliteJournal

Name = tuple[int, str]  # account, client order id
Transfer = tuple[int, str, int]  # account, asset, minor units brought in; below zero: taken out


class Entered(NamedTuple):
    """One order as it was entered."""

    order_id: str
    status: str  # at its entry
    trades: frozenset[str]  # at its entry, as the taker


class Facts:
    """What became of everything, folded from the records, and the state at their end."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.entered: dict[Name, list[Entered]] = defaultdict(list)
        self.refused: set[Name] = set()
        self.cancelled: set[str] = set()  # order ids
        self.ended: set[str] = set()  # order ids, for whatever reason
        self.amended: set[str] = set()  # order ids
        self.transfers = Counter[Transfer]()
        self.digests: dict[int, str] = {}  # seq -> of the state behind it
        self.brought: dict[str, int] = defaultdict(int)  # asset -> deposited less withdrawn, in minor units
        self.records = 0
        self.last_seq = 0

    def fold(self, record: BatchRecord, *, with_digest: bool = False) -> None:
        """Apply one more record."""
        for seq, command in enumerate(open_batch(record), record.first_seq):
            self._note(self.exchange.apply(command, Seq(seq), record.ts_ns))
        self.records, self.last_seq = record.n, record.last_seq
        if with_digest:
            self.digests[record.last_seq] = state_digest(self.exchange)

    def sums(self) -> dict[str, int]:
        """All balances of all accounts, per asset, in minor units."""
        total: dict[str, int] = defaultdict(int)
        for assets in self.exchange.ledger.accounts.values():
            for asset, balance in assets.items():
                total[asset] += balance.available + balance.held
        return total

    def _note(self, events: list[ev.Event]) -> None:
        first = next((event for event in events if isinstance(event, ev.Accepted)), None)
        if first is not None and first.client_order_id is not None:
            trades = [e for e in events if isinstance(e, ev.Filled) and e.taker_order_id == first.order_id]
            ended = [e for e in events if isinstance(e, ev.Ended) and e.order_id == first.order_id]
            status = "partially_filled" if trades else "resting"
            if ended:
                status = "filled" if isinstance(ended[0], ev.Completed) else "cancelled"
            ids = frozenset(str(trade.trade_id) for trade in trades)
            self.entered[first.account, first.client_order_id].append(Entered(str(first.order_id), status, ids))
        for event in events:
            match event:
                case ev.Rejected(client_order_id=str(name)) if event.order_id is None:
                    self.refused.add((event.account, name))
                case ev.Ended():
                    self.ended.add(str(event.order_id))
                    if isinstance(event, ev.Cancelled):
                        self.cancelled.add(str(event.order_id))
                case ev.Amended():
                    self.amended.add(str(event.order_id))
                case ev.Deposited():
                    self.brought[event.asset] += event.amount
                    self.transfers[event.account, event.asset, event.amount] += 1
                case ev.Withdrawn():
                    self.brought[event.asset] -= event.amount
                    self.transfers[event.account, event.asset, -event.amount] += 1
                case _:
                    pass


def replayed(records: Iterable[BatchRecord], digests_at: set[int]) -> Facts:
    """Everything from the first record on, with the digests of these seqs. Raises CorruptRecord for a broken chain."""
    facts, before = Facts(), None
    for record in records:
        verify(record, before)
        facts.fold(record, with_digest=record.last_seq in digests_at)
        before = record
    facts.exchange.check_invariants()
    return facts


def read_records(data: Path, scratch: Path) -> list[BatchRecord]:
    """The records in a folder whose server does not run, from a copy made in `scratch`."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    for file in data.glob("journal.sqlite*"):
        shutil.copy(file, scratch)
    with closing(SqliteJournal(scratch / "journal.sqlite")) as journal:
        return list(journal.read(0))
