"""A preview changes nothing, and what it says is what entering the order then does."""

from __future__ import annotations

import random
from typing import Any

import pytest

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
from engine.digest import state_digest
from engine.events import (
    Accepted,
    Amended,
    Cancelled,
    Completed,
    Event,
    Filled,
    LimitStateChanged,
    Rejected,
    Repeated,
    Triggered,
)
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.preview import Preview, Repeats, preview
from engine.rejects import CancelReason, RejectReason
from engine.types import (
    AccountId,
    Amount,
    Lots,
    OrderId,
    OrderStatus,
    OrderType,
    PostOnly,
    SelfTradePrevention,
    Seq,
    Side,
    Ticks,
    TimeInForce,
    TradingStatus,
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
ACCOUNTS = (AccountId(1), AccountId(1000), AccountId(1001))
TIF = TimeInForce


class Market:
    """An exchange, with the next seq and time."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.apply(ListInstrument(INSTRUMENT))
        for account in ACCOUNTS[:2]:
            self.apply(Deposit(account, "USD", "100000000"))
            self.apply(Deposit(account, "X", "100000"))
        self.apply(ConfigureAccount(ACCOUNTS[0], "busy", taker_fee=300, max_orders_per_second=5))
        self.apply(Deposit(ACCOUNTS[2], "USD", "900"))  # soon out of money
        self.apply(Deposit(ACCOUNTS[2], "X", "9"))
        for side in Side:  # before the first trade the band is measured from a price that moves with the book
            self.apply(EnterOrder(ACCOUNTS[0], SYMBOL, side, OrderType.LIMIT, TIF.GTC, Lots(1), Ticks(100)))

    def apply(self, command: Command, elapsed_ns: int = 1) -> list[Event]:
        """The events of the next command."""
        seq, ts_ns = Seq(self.exchange.seq + 1), self.exchange.ts_ns + elapsed_ns
        return self.exchange.apply(command, seq, ts_ns)


def an_order(rng: random.Random) -> EnterOrder:
    """Any order, allowed or not, on few prices."""

    def price(chance: float) -> Ticks | None:
        return Ticks(rng.randint(90, 110)) if rng.random() < chance else None

    order_type = rng.choice([OrderType.LIMIT] * 6 + list(OrderType))
    limit, market = order_type is OrderType.LIMIT, order_type is OrderType.MARKET
    triggered, trailing = order_type in ("stop", "stop_limit", "oco"), order_type is OrderType.TRAILING_STOP
    spends = market and rng.random() < 0.4
    options = OrderOptions(
        post_only=rng.choice([None, None, None, *PostOnly]) if limit else None,
        display_quantity=Lots(rng.randint(1, 9)) if limit and rng.random() < 0.2 else None,
        stop_price=price(1) if triggered else None,
        stop_limit_price=price(0.5) if order_type is OrderType.OCO else None,
        trail_amount=Ticks(rng.randint(1, 5)) if trailing else None,
        take_profit=price(0.05),
        stop_loss=price(0.05),
    )
    return EnterOrder(
        rng.choice(ACCOUNTS),
        SYMBOL,
        rng.choice(list(Side)),
        order_type,
        rng.choice([TIF.IOC, TIF.FOK]) if market else rng.choice([TIF.GTC] * 4 + [TIF.DAY, TIF.IOC, TIF.FOK]),
        None if spends else Lots(rng.randint(1, 12)),
        None if market or trailing or order_type is OrderType.STOP else price(1),
        f"c-{rng.randint(1, 400)}" if rng.random() < 0.2 else None,
        Amount(rng.randint(1, 900) * 10_000) if spends else None,
        rng.choice([None, None, *SelfTradePrevention]),
        None if options == OrderOptions() else options,
    )


def touched(further: list[Event]) -> bool:
    """Whether the command set off other orders, or its own stop leg."""
    return any(isinstance(event, Triggered | Accepted) for event in further)


def _taker(event: Filled | Triggered) -> OrderId:
    return event.taker_order_id if isinstance(event, Filled) else event.order_id


def told(events: list[Event]) -> dict[str, Any]:
    """What became of the order that these events enter, in the words of a preview."""
    accepted = events[0]
    assert isinstance(accepted, Accepted)
    order_id, own = accepted.order_id, []
    for event in events[1:]:  # what it triggers is not looked at: until another order takes
        if isinstance(event, Filled | Triggered) and order_id != _taker(event):
            break
        own.append(event)
    fills = [event for event in own if isinstance(event, Filled)]
    ended = [event for event in own if isinstance(event, Completed | Cancelled) and event.order_id == order_id]
    taken_off = [event for event in own if isinstance(event, Amended) and event.order_id == order_id]
    filled = sum(fill.quantity for fill in fills)
    status, reason = OrderStatus.PARTIALLY_FILLED if fills else OrderStatus.RESTING, None
    if ended:
        status = OrderStatus.FILLED if isinstance(ended[0], Completed) else OrderStatus.CANCELLED
        reason = getattr(ended[0], "reason", None)
    elif accepted.waiting and not fills and not any(isinstance(event, Triggered) for event in own):
        status = OrderStatus.PENDING_TRIGGER
    quantity = taken_off[-1].quantity if taken_off else accepted.quantity
    return {
        "status": status,
        "reason": reason,
        "quantity": quantity,
        "filled": filled,
        "left": 0 if ended else quantity - filled,
        "notional": sum(fill.notional for fill in fills),
        "taker_fee": sum(fill.taker_fee for fill in fills),
        "worst_price": fills[-1].price if fills else None,
        "trades": len(fills),
    }


@pytest.mark.parametrize("seed", range(6))
def test_what_a_preview_says_is_what_entering_does(seed: int) -> None:
    rng, market = random.Random(seed), Market()
    exchange = market.exchange
    seen: set[object] = set()
    for _ in range(500):
        command, elapsed_ns = an_order(rng), rng.choice([1, 1, 30, 300_000_000])
        digest = state_digest(exchange)
        said = preview(exchange, command, exchange.ts_ns + elapsed_ns)
        assert state_digest(exchange) == digest
        first, *further = events = market.apply(command, elapsed_ns)
        if isinstance(first, Rejected):
            assert said is first.reason
        elif isinstance(first, Repeated):
            assert said == Repeats(first.order_id)
        else:
            assert isinstance(said, Preview)
            expected = told(events)
            assert {name: getattr(said, name) for name in expected} == expected
            order = exchange.order(OrderId(exchange.seq))
            if order is not None and not touched(further):
                assert said.hold == order.leaves * order.hold_per_lot
                assert said.price == order.price
            limit_state = any(isinstance(event, LimitStateChanged) and event.side for event in further)
            seen |= {said.status, said.reason, said.slides and "slides", said.prevented and "prevented"}
            seen |= {said.banded and "banded", said.collared and "collared"}
            assert said.banded or not limit_state or touched(further)
        seen.add(said if isinstance(said, RejectReason) else type(said))
        mine = [order.order_id for order in exchange.orders.values()]
        if len(mine) > 60:
            market.apply(CancelOrder(exchange.orders[mine[0]].account, mine[0]))
        if rng.random() < 0.02:
            market.apply(AdvanceTime())
            market.apply(SetStatus(SYMBOL, rng.choice([TradingStatus.TRADING, TradingStatus.AUCTION])))
            market.apply(SetStatus(SYMBOL, TradingStatus.TRADING))
    assert {"slides", "prevented", "banded", *OrderStatus} - seen <= {OrderStatus.EXPIRED}
    assert {CancelReason.FILL_OR_KILL, CancelReason.SELF_TRADE, CancelReason.IMMEDIATE_OR_CANCEL} < seen
    assert {RejectReason.POST_ONLY_WOULD_TAKE, RejectReason.SELF_TRADE, RejectReason.ORDER_RATE_EXCEEDED} < seen
    assert {RejectReason.INSUFFICIENT_FUNDS, RejectReason.UNSUPPORTED_COMBINATION, RejectReason.BAD_TRIGGER} < seen


def test_a_preview_for_an_account_that_never_was_makes_none() -> None:
    market, stranger = Market(), AccountId(5000)
    command = EnterOrder(stranger, SYMBOL, Side.BUY, OrderType.LIMIT, TIF.GTC, Lots(1), Ticks(100))
    assert preview(market.exchange, command, 10) is RejectReason.INSUFFICIENT_FUNDS
    assert stranger not in market.exchange.accounts
    assert stranger not in market.exchange.ledger.accounts
