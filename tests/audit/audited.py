"""A small venue whose events can be falsified before the auditor sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from audit.__main__ import Observed, audit_events
from audit.auditor import Auditor
from audit.engine_side import EngineBalances
from audit.mix import ACCOUNTS, ASSETS, INSTRUMENTS
from audit.naive_money import net_fees_of, notional_of
from engine import events as ev
from engine.commands import Command, Deposit, EnterOrder, ListInstrument, OrderOptions
from engine.digest import state_digest
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.types import AccountId, OrderType, Seq, Side, TimeInForce
from history.writer import HistoryWriter
from journal.codec import GENESIS, seal
from journal.port import Checkpoint
from journal.sqlite import SqliteJournal

Falsify = Callable[[list[ev.Event]], list[ev.Event]]
BUY, SELL = Side.BUY, Side.SELL
OPENING: list[Command] = [
    *(ListInstrument(instrument) for instrument in INSTRUMENTS.values()),
    *(Deposit(account, asset, "10") for account in ACCOUNTS for asset in ASSETS),
]
FIRST = len(OPENING) + 1  # the seq, and so the order id, of the first command after these


def order(side: Side, quantity: int, price: int | None = None, **asked: Any) -> EnterOrder:
    """An order for COIN of account 1, a limit order when it has a price; options by their names."""
    names = set(OrderOptions.__struct_fields__)
    options = {name: asked.pop(name) for name in list(asked) if name in names}
    kind = OrderType.MARKET if price is None else OrderType.LIMIT
    fields: dict[str, Any] = {
        "account": AccountId(1),
        "symbol": "COIN-USD",
        "side": side,
        "order_type": kind,
        "time_in_force": TimeInForce.IOC if price is None else TimeInForce.GTC,
        "quantity": quantity,
        "price": price,
    }
    return EnterOrder(**fields | asked, options=OrderOptions(**options) if options else None)


def fill(
    trade_id: int, maker: int, taker: int, taker_side: Side, price: int, quantity: int, **changed: Any
) -> ev.Filled:
    """A fill as the engine would tell it, between orders of account 1 that both leave nothing."""
    symbol = changed.pop("symbol", "COIN-USD")
    instrument = INSTRUMENTS[symbol]
    notional = notional_of(instrument, price, quantity)
    maker_fee, taker_fee = net_fees_of(notional, instrument.maker_fee, instrument.taker_fee)
    event: Any = ev.Filled(
        trade_id, symbol, price, quantity, notional, taker_side, maker, taker, 1, 1, maker_fee, taker_fee, 0, 0
    )
    return msgspec.structs.replace(event, **changed)


class Balances(EngineBalances):
    """The engine's balances, one of them falsified."""

    def __init__(self, exchange: Exchange, wrong: dict[tuple[int, str], tuple[int, int]]) -> None:
        super().__init__(exchange)
        self._wrong = wrong

    def of(self, account: AccountId, asset: str) -> tuple[int, int]:
        available, held = super().of(account, asset)
        more, more_held = self._wrong.get((account, asset), (0, 0))
        return available + more, held + more_held


def audit(
    commands: list[Command],
    falsify: Falsify | None = None,
    wrong_balances: dict[tuple[int, str], tuple[int, int]] | None = None,
) -> Auditor:
    """Run `commands` after the opening and audit them; the events of the last one are falsified."""
    exchange = Exchange()
    balances = Balances(exchange, {})

    def observed() -> Iterator[Observed]:
        everything = [*OPENING, *commands]
        for seq, command in enumerate(everything, 1):
            events = exchange.apply(command, seq, seq * 10**9)
            if seq == len(everything):
                balances._wrong = wrong_balances or {}
                events = falsify(events) if falsify is not None else events
            yield seq, seq * 10**9, command, events

    return audit_events(observed(), balances)


def replaced(kind: type[ev.Event], **fields: Any) -> Falsify:
    """Falsify the first event of a kind."""

    def falsify(events: list[ev.Event]) -> list[ev.Event]:
        at = next(i for i, event in enumerate(events) if isinstance(event, kind))
        return [*events[:at], msgspec.structs.replace(events[at], **fields), *events[at + 1 :]]

    return falsify


def without(kind: type[ev.Event]) -> Falsify:
    """Leave out the first event of a kind and all after it."""

    def falsify(events: list[ev.Event]) -> list[ev.Event]:
        return events[: next(i for i, event in enumerate(events) if isinstance(event, kind))]

    return falsify


COMMANDS: list[Command] = [
    *OPENING,
    order(SELL, 6, 10, display_quantity=2),
    order(SELL, 5, 10, account=2),
    order(BUY, 5, 11),
    order(BUY, 2),
    order(BUY, 9, 9, client_order_id="nine"),
]
BATCH = 4


def write(folder: Path, commands: list[Command] = COMMANDS, *, digest: str | None = None) -> Path:
    """A journal and its history; `digest` is noted as the state's at the end (None: the true one)."""
    journal, history = SqliteJournal(folder / "journal.sqlite"), HistoryWriter(folder / "history.sqlite")
    exchange, chain, seq = Exchange(), GENESIS, 1
    for n, first in enumerate(range(0, len(commands), BATCH), 1):
        batch = commands[first : first + BATCH]
        record = seal(n, n * 10**9, seq, batch, chain)
        applied = []
        for offset, command in enumerate(batch):
            at = Seq(seq + offset)
            applied.append(CommandResult(at, n * 10**9, command, exchange.apply(command, at, n * 10**9)))
        journal.append(record)
        if first + BATCH >= len(commands):
            journal.note(Checkpoint(seq + len(batch) - 1, digest or state_digest(exchange)))
        history.write(applied)
        chain, seq = record.chain, seq + len(batch)
    journal.close()
    history.close()
    return folder
