"""A market of one symbol whose orders are explained: commands in, explanations out."""

from __future__ import annotations

from functools import partial
from typing import Any

from engine.commands import Command, Deposit, EnterOrder, ListInstrument, OrderOptions
from engine.digest import state_digest
from engine.events import Event, Filled
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.types import AccountId, Amount, Lots, OrderId, OrderType, Seq, Side, Ticks, TimeInForce
from explain.answers import Chapter, Explanation
from explain.explanation import Subject, assemble_explanation, chapter_of_command, subject_of_command
from journal.codec import GENESIS, BatchRecord, seal

SYMBOL = "X-USD"
ANN, BEN, CAT = AccountId(2), AccountId(3), AccountId(4)
STEP_NS = 1_000_000_000
INSTRUMENT: dict[str, Any] = {  # a lot is one, a tick a cent
    "symbol": SYMBOL,
    "base": "X",
    "quote": "USD",
    "tick_size": "0.01",
    "lot_size": "1",
    "quote_scale": 4,
    "lot_tick_amount": Amount(100),
    "max_quantity": Lots(1000),
    "max_notional": Amount(10**12),
    "maker_fee": 500,
    "taker_fee": 1000,
    "max_open_orders": 50,
}


class Market:
    """Takes commands one by one, each a second after the one before."""

    def __init__(self, **changes: Any) -> None:
        self.exchange = Exchange()
        self.commands: list[tuple[int, int, Command]] = []
        self.events: list[list[Event]] = []
        self.copy_digest = ""  # of the copy that explained last
        self.do(ListInstrument(Instrument(**{**INSTRUMENT, **changes})))
        for account in (ANN, BEN, CAT):
            for asset in ("X", "USD"):
                self.do(Deposit(account, asset, "1000000"))

    @property
    def digest(self) -> str:
        """Of the exchange itself."""
        return state_digest(self.exchange)

    def do(self, command: Command) -> int:
        """Apply a command; return its seq."""
        seq = len(self.commands) + 1
        self.commands.append((seq, seq * STEP_NS, command))
        self.events.append(self.exchange.apply(command, Seq(seq), seq * STEP_NS))
        return seq

    def enter(
        self,
        account: AccountId,
        side: str,
        quantity: int,
        price: int | None = None,
        tif: str | None = None,
        kind: str | None = None,
        prevention: Any = None,
        **options: Any,
    ) -> int:
        """Enter an order: a limit order with a price, a market order without, unless `kind` says more."""
        order_type = OrderType(kind or ("market" if price is None else "limit"))
        time_in_force = TimeInForce(tif or ("ioc" if order_type is OrderType.MARKET else "gtc"))
        return self.do(
            EnterOrder(
                account,
                SYMBOL,
                Side(side),
                order_type,
                time_in_force,
                Lots(quantity),
                None if price is None else Ticks(price),
                self_trade_prevention=prevention,
                options=OrderOptions(**options) if options else None,
            )
        )

    def order(self, order_id: int, account: AccountId) -> Explanation:
        """The explanation of an order."""
        seqs = [seq for seq, events in enumerate(self.events, 1) if _touches(events, order_id)]
        return self._explanation(seqs, Subject(OrderId(order_id), account, SYMBOL))

    def trade(self, trade_id: int, order_id: int, account: AccountId) -> Explanation:
        """The explanation of a trade from the side of one of its orders."""
        seqs = [
            seq
            for seq, events in enumerate(self.events, 1)
            if any(isinstance(event, Filled) and event.trade_id == trade_id for event in events)
        ]
        return self._explanation(seqs, Subject(OrderId(order_id), account, SYMBOL, trade_id))

    def command(self, seq: int) -> Chapter:
        """The chapter of one command, from the side of whose it is."""
        command = self.commands[seq - 1][2]
        order_id, symbol = subject_of_command(command, seq)
        plain = not isinstance(command, EnterOrder) and order_id == seq
        account: Any = getattr(command, "account", None)
        return self._explanation([seq], Subject(order_id, account, "" if plain else symbol or SYMBOL)).chapters[0]

    def _explanation(self, seqs: list[int], subject: Subject) -> Explanation:
        copy, chapters = Exchange(), []
        for seq, ts_ns, command in self.commands:
            apply = partial(copy.apply, command, Seq(seq), ts_ns)
            if seq in seqs:
                chapters.append(chapter_of_command(copy, (seq, ts_ns, command), subject, apply))
            else:
                apply()
        self.copy_digest = state_digest(copy)
        return assemble_explanation(chapters, subject, len(self.commands), 0)


def records_of(market: Market) -> list[BatchRecord]:
    """The commands of a market, one a record."""
    records, chain = [], GENESIS
    for seq, ts_ns, command in market.commands:
        records.append(seal(seq, ts_ns, seq, [command], chain))
        chain = records[-1].chain
    return records


def _touches(events: list[Event], order_id: int) -> bool:
    names = ("order_id", "maker_order_id", "taker_order_id")
    return any(getattr(event, name, None) == order_id for event in events for name in names)
