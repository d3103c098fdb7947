"""A sequencer with its journal, its engine and what it answered, in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import eventlet
from eventlet.event import Event

from engine.commands import Command, Deposit, ListInstrument
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.types import AccountId, Amount, Lots
from journal.codec import BatchRecord
from journal.committer import Committer
from journal.sqlite import SqliteJournal
from replica.replay import replay
from sequencer.sequencer import Sequencer

COIN = Instrument(
    symbol="COIN",
    base="COIN",
    quote="CASH",
    tick_size="0.01",
    lot_size="1",
    quote_scale=4,
    lot_tick_amount=Amount(100),
    max_quantity=Lots(10**9),
    max_notional=Amount(10**15),
    max_open_orders=10**6,
)


class SlowJournal(SqliteJournal):
    """A journal on a disk that takes a moment for a flush, and that remembers its batches."""

    flush_s = 0.002

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.counts: list[int] = []
        self.on_durable: Callable[[BatchRecord], None] = lambda record: None

    def append(self, record: BatchRecord) -> None:
        """Append as a disk of 2 ms does."""
        eventlet.patcher.original("time").sleep(self.flush_s)
        super().append(record)
        self.counts.append(record.count)
        self.on_durable(record)


class Venue:
    """A running sequencer with all that belongs to it."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.journal = SlowJournal(folder / "journal.sqlite")
        self.exchange = Exchange()
        self.replayed = replay(self.journal, self.exchange)
        self.committer = Committer(self.journal)
        self.now = 1_000
        self.violations: list[BaseException] = []
        defaults: dict[str, Any] = {"max_batch": 500, "max_waiting": 20_000}
        self.sequencer = Sequencer(
            self.exchange,
            self.committer,
            self.journal.last,
            clock=lambda: self.now,
            on_invariant_violation=self._stop,
            **defaults | settings,
        )
        self.batches: list[list[CommandResult]] = []
        self.sequencer.listen(self.batches.append)

    def _stop(self, violation: BaseException) -> NoReturn:
        self.violations.append(violation)
        while True:  # a process would end here; in a test only the writer does
            Event().wait()

    def until_violated(self) -> None:
        """Wait until the process would have ended."""
        with eventlet.Timeout(20):
            while not self.violations:
                eventlet.sleep(0.01)

    def start(self) -> None:
        """Take commands; COIN is listed."""
        self.committer.start()
        self.sequencer.start()
        if "COIN" not in self.exchange.books:
            self.sequencer.submit(ListInstrument(COIN))

    def close(self) -> None:
        """Stop everything."""
        self.sequencer.stop()
        self.committer.stop()
        self.journal.close()

    def fund(self) -> None:
        """Let the account pay for its orders: two commands, and one batch."""
        self.sequencer.submit_all([Deposit(AccountId(1), asset, "1000000") for asset in (COIN.base, COIN.quote)])

    def close_stopped(self) -> None:
        """Let go of everything after the writer was stopped."""
        assert self.sequencer._writer is not None
        self.sequencer._writer.kill()
        self.committer.stop()
        self.journal.close()

    def spawn(self, *commands: Command) -> Any:
        """A greenlet that submits `commands`: what it got, or what was raised."""

        def submit() -> Any:
            try:
                return self.sequencer.submit_all(commands)
            except Exception as refusal:
                return refusal

        return eventlet.spawn(submit)
