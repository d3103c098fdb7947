"""Random orders, and the market in which a preview of them is compared with what entering them does."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any

import msgspec

from engine.commands import (
    AdvanceTime,
    CancelOrder,
    Command,
    ConfigureAccount,
    Deposit,
    EnterOrder,
    ListInstrument,
    OrderOptions,
    SetStatus,
)
from engine.events import (
    Event,
    Filled,
    Triggered,
)
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.rulebook import CURRENT_EDITION
from engine.rules import ORDER_TYPES
from engine.types import (
    AccountId,
    Amount,
    Lots,
    OrderId,
    OrderType,
    PostOnly,
    SelfTradePrevention,
    Seq,
    Side,
    Ticks,
    TimeInForce,
    TradingStatus,
    entry_of,
)

SYMBOL = "X-USD"
INSTRUMENT = Instrument(
    symbol=SYMBOL,
    base="X",
    quote="USD",
    tick_size="1",
    lot_size="1",
    quote_scale=4,
    lot_tick_amount=Amount(10_000),
    max_quantity=Lots(1000),
    max_notional=Amount(10**12),
    maker_fee=-50,
    taker_fee=700,
    collar=200_000,
    reference_price=Ticks(100),
    max_open_orders=1000,
    band=60_000,
    band_window_ns=50,
    limit_state_ns=10**15,
)
COLLARED = msgspec.structs.replace(INSTRUMENT, collar=40_000, band=None)
UNBOUNDED = msgspec.structs.replace(INSTRUMENT, collar=None, band=None)  # only what a stop holds keeps it back
ACCOUNTS = (AccountId(1), AccountId(1000), AccountId(1001))
TIF = TimeInForce


def entering(*fields: Any, options: OrderOptions | None = None, mode: SelfTradePrevention | None = None) -> EnterOrder:
    """An order whose mode is its account's, unless it names one."""
    return EnterOrder(*fields, self_trade_prevention=mode, options=options)


class Market:
    """An exchange, with the next seq and time."""

    def __init__(self, instrument: Instrument = INSTRUMENT) -> None:
        self.exchange = Exchange(CURRENT_EDITION)
        self.apply(ListInstrument(instrument))
        for account in ACCOUNTS[:2]:
            self.apply(Deposit(account, "USD", "100000000"))
            self.apply(Deposit(account, "X", "100000"))
        self.apply(ConfigureAccount(ACCOUNTS[0], "busy", taker_fee=300, max_orders_per_second=5))
        self.apply(Deposit(ACCOUNTS[2], "USD", "900"))  # soon out of money
        self.apply(Deposit(ACCOUNTS[2], "X", "9"))
        for side in Side:  # before the first trade the band is measured from a price that moves with the book
            self.apply(entering(ACCOUNTS[0], SYMBOL, side, OrderType.LIMIT, TIF.GTC, Lots(1), Ticks(100)))

    def apply(self, command: Command, elapsed_ns: int = 1) -> list[Event]:
        """The events of the next command."""
        seq, ts_ns = Seq(self.exchange.seq + 1), self.exchange.ts_ns + elapsed_ns
        return self.exchange.apply(command, seq, ts_ns)


def an_order(rng: random.Random, *, icebergs: bool) -> EnterOrder:
    """Any order, allowed or not, on few prices."""

    def price(chance: float) -> Ticks | None:
        return Ticks(rng.randint(90, 110)) if rng.random() < chance else None

    order_type = rng.choice([OrderType.LIMIT] * 6 + list(OrderType))
    limit, market = order_type is OrderType.LIMIT, order_type is OrderType.MARKET
    triggered, trailing = "stop_price" in ORDER_TYPES[order_type].options, order_type is OrderType.TRAILING_STOP
    spends = market and rng.random() < 0.4
    options = OrderOptions(
        post_only=rng.choice([None, None, None, *PostOnly]) if limit else None,
        display_quantity=Lots(rng.randint(1, 9)) if limit and icebergs and rng.random() < 0.4 else None,
        stop_price=price(1) if triggered else None,
        stop_limit_price=price(0.5) if order_type is OrderType.OCO else None,
        trail_amount=Ticks(rng.randint(1, 5)) if trailing else None,
        take_profit=price(0.05),
        stop_loss=price(0.05),
    )
    side, account = rng.choice(list(Side)), rng.choice(ACCOUNTS)
    modes = [mode for mode in SelfTradePrevention if account == ACCOUNTS[0] or mode is not SelfTradePrevention.NONE]
    if (limit or market) and rng.random() < 0.2:
        nearest = -4 if market else 5
        away = rng.randint(nearest, 15) if side is Side.BUY else -rng.randint(nearest, 15)
        exits = {"take_profit": Ticks(100 + away), "stop_loss": Ticks(100 - away)}
        if rng.random() < 0.5:
            exits.pop(rng.choice(list(exits)))
        options = msgspec.structs.replace(options, **exits)
    return EnterOrder(
        account,
        SYMBOL,
        side,
        order_type,
        rng.choice([TIF.IOC, TIF.FOK]) if market else rng.choice([TIF.GTC] * 4 + [TIF.DAY, TIF.IOC, TIF.FOK]),
        None if spends else Lots(rng.randint(1, 12)),
        price(1) if ORDER_TYPES[order_type].priced else None,
        f"c-{rng.randint(1, 400)}" if rng.random() < 0.2 else None,
        Amount(rng.randint(1, 900) * 10_000) if spends else None,
        rng.choice([None, None, *modes]),
        None if options == OrderOptions() else options,
    )


def asked(rng: random.Random, market: Market, *, icebergs: bool) -> Iterator[tuple[EnterOrder, int]]:
    """Many orders, each with the time that passes before it; whoever is asking enters it, or something like it."""
    exchange = market.exchange
    for _ in range(500):
        yield an_order(rng, icebergs=icebergs), rng.choice([1, 1, 30, 300_000_000])
        mine = [order.order_id for order in exchange.orders.values()]
        if len(mine) > 60:
            market.apply(CancelOrder(exchange.orders[mine[0]].account, mine[0]))
        if rng.random() < 0.02 or (exchange.books[SYMBOL].status is not TradingStatus.TRADING and rng.random() < 0.2):
            market.apply(AdvanceTime())
            market.apply(SetStatus(SYMBOL, rng.choice([TradingStatus.TRADING, TradingStatus.AUCTION])))


def _taker(event: Filled | Triggered) -> OrderId:
    return event.taker_order_id if isinstance(event, Filled) else event.order_id


def own(events: list[Event], entry: OrderId) -> list[Event]:
    """What happened until another order than those that this command entered took, or was triggered.

    All of it when none did: then the orders stand as their own trades left them.
    """

    def of_entry(event: Event) -> bool:
        return not isinstance(event, Filled | Triggered) or entry_of(_taker(event)) == entry

    return list(itertools.takewhile(of_entry, events))
