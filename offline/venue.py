"""A venue whose clock and commands a program gives: the exchange, and the journal of a data folder behind it.

Commands of one time become one record, as a writer makes of those that wait together; what is due by then happens
first, as there. The same commands at the same times make the same records, to the byte.
Layer: offline. Blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from engine.commands import AdoptRulebook, AdvanceTime, Command, Deposit, ListInstrument
from engine.digest import state_digest
from engine.events import CommandResult, Event, Rejected
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.rulebook import CURRENT_EDITION
from engine.types import AccountId, OrderType, Seq, TimeInForce
from journal.codec import GENESIS, BatchRecord, seal
from journal.port import Checkpoint
from journal.snapshots import SnapshotFolder
from journal.sqlite import SqliteJournal
from offline.folder import JOURNAL_NAME, SNAPSHOTS, OfflineError, make_identity
from openbell import __version__
from projections.projections import Projections

FUNDS: Final = "1000000000000"  # of each asset, for who trades here
COMMANDS_A_RECORD: Final = 500
YEARS: Final = range(1970, 2200)  # that its clock may be in: nanoseconds of 64 bits
ORDER_KINDS: Final = {  # as strategies and recordings name them
    "limit": (OrderType.LIMIT, TimeInForce.GTC),
    "market": (OrderType.MARKET, TimeInForce.IOC),
    "ioc": (OrderType.LIMIT, TimeInForce.IOC),
    "fok": (OrderType.LIMIT, TimeInForce.FOK),
}


class OfflineVenue:
    """One venue in the making. `close` when it is done, or `abandon`."""

    def __init__(self, folder: Path, instruments: Sequence[Instrument], start_ns: int) -> None:
        """List the instruments at `start_ns`, epoch nanoseconds. Raises OfflineError, JournalError."""
        self.exchange = Exchange()
        self._projections = Projections(self.exchange)
        self._folder = folder
        self._journal = SqliteJournal(folder / JOURNAL_NAME, version=__version__, flushed=False)
        self._last: BatchRecord | None = None
        self._pending: list[Command] = []
        self._now_ns = start_ns
        self.commands = 0
        self.apply(AdoptRulebook(CURRENT_EDITION))
        for instrument in instruments:
            events = self.apply(ListInstrument(instrument))
            if isinstance(events[0], Rejected):
                raise OfflineError(f"{instrument.symbol} cannot be listed: {events[0].reason}.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._journal.close()

    @property
    def now_ns(self) -> int:
        """The venue's time."""
        return self._now_ns

    def fund(self, account: AccountId) -> None:
        """Give an account more of each asset than it needs."""
        for asset in self.exchange.ledger.scales:
            self.apply(Deposit(account, asset, FUNDS))

    def advance(self, now_ns: int) -> list[Event]:
        """Move the clock on; what is due by then happens. A time before the present one is taken for it."""
        if now_ns <= self._now_ns:
            return []
        self._seal()
        self._now_ns = now_ns
        due_ns = self.exchange.next_due_ns()
        return self.apply(AdvanceTime()) if due_ns is not None and due_ns <= now_ns else []

    def apply(self, command: Command) -> list[Event]:
        """Carry out a command now; what it caused."""
        seq = Seq(self.exchange.seq + 1)
        events = self.exchange.apply(command, seq, self._now_ns)
        self._projections.fold([CommandResult(seq, self._now_ns, command, events)])
        self._pending.append(command)
        self.commands += 1
        if len(self._pending) == COMMANDS_A_RECORD:
            self._seal()
        return events

    def finish(self) -> str:
        """Write what is left, note the state, and write a snapshot of it; the state's digest. Raises JournalError."""
        self._seal()
        digest = state_digest(self.exchange)
        self._journal.note(Checkpoint(self.exchange.seq, digest))
        if self._last is not None:
            folder = SnapshotFolder(self._folder / SNAPSHOTS, __version__)
            folder.save(self.exchange, self._last, self._projections.saved(), digest)
        make_identity(self._folder, self.exchange)
        return digest

    def _seal(self) -> None:
        if not self._pending:
            return
        n, chain = (0, GENESIS) if self._last is None else (self._last.n, self._last.chain)
        first_seq = self.exchange.seq - len(self._pending) + 1
        self._last = seal(n + 1, self._now_ns, first_seq, self._pending, chain)
        self._journal.append(self._last)
        self._pending = []
