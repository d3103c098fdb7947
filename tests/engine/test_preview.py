"""A preview changes nothing, tells nothing of what others hide, and else says what entering the order then does."""

from __future__ import annotations

import itertools
import random
from typing import Any

import msgspec
import pytest

from engine.commands import (
    ConfigureAccount,
    Deposit,
    EnterOrder,
    OrderOptions,
)
from engine.digest import state_digest
from engine.events import (
    Accepted,
    Amended,
    Cancelled,
    Completed,
    DuplicateRequest,
    Event,
    Filled,
    LimitStateChanged,
    Rejected,
    Triggered,
)
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.preview import DuplicateOf, Exits, Preview, preview
from engine.rejects import CancelReason, RejectReason
from engine.types import (
    STOP_LEG,
    AccountId,
    Amount,
    Lots,
    OrderId,
    OrderStatus,
    OrderType,
    SelfTradePrevention,
    Side,
    Ticks,
    entry_of,
    leg_id,
)
from tests.engine.previews import ACCOUNTS, COLLARED, INSTRUMENT, SYMBOL, TIF, UNBOUNDED, Market, asked, entering, own

SEEDS = (*range(5), 10, 13, 17, 21)  # the last three have a stop exit that acts at once
ACTED = (OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED, OrderStatus.RESTING)  # at once, of a stop
NO_FUNDS = (0, RejectReason.INSUFFICIENT_FUNDS, None)


def outcome_of(events: list[Event], order_id: OrderId, by: set[OrderId]) -> dict[str, Any]:
    """What became of an order, in the words of a preview, with the trades of the takers `by`."""
    accepted = next(event for event in events if isinstance(event, Accepted) and event.order_id == order_id)
    fills = [event for event in events if isinstance(event, Filled) and event.taker_order_id in by]
    ended = [event for event in events if isinstance(event, Completed | Cancelled) and event.order_id == order_id]
    taken_off = [event for event in events if isinstance(event, Amended) and event.order_id == order_id]
    triggered = any(isinstance(event, Triggered) and event.order_id == order_id for event in events)
    status, reason = OrderStatus.PARTIALLY_FILLED if fills else OrderStatus.RESTING, None
    if ended:
        status = OrderStatus.FILLED if isinstance(ended[0], Completed) else OrderStatus.CANCELLED
        reason = getattr(ended[0], "reason", None)
    elif accepted.waiting and not triggered:
        status = OrderStatus.PENDING_TRIGGER
    return {
        "side": accepted.side,
        "order_type": accepted.order_type,
        "status": status,
        "reason": reason,
        "quantity": taken_off[-1].quantity if taken_off else accepted.quantity,
        "filled": sum(fill.quantity for fill in fills),
        "notional": sum(fill.notional for fill in fills),
        "taker_fee": sum(fill.taker_fee for fill in fills),
        "worst_price": fills[-1].price if fills else None,
        "trades": len(fills),
    }


def state_of(exchange: Exchange, order_id: OrderId) -> dict[str, Any]:
    """What stands of an order, in the words of a preview."""
    order = exchange.order(order_id)
    if order is None:
        return {"left": 0, "hold": 0, "maker_fee": 0}
    rest = INSTRUMENT.notional(order.price, order.leaves) if order.price is not None else 0
    fee = INSTRUMENT.fee(Amount(rest), order.maker_rate)
    hold = order.leaves * order.hold_per_lot
    return {"left": order.leaves, "hold": hold, "maker_fee": fee, "price": order.price}


def compare(said: Preview, exchange: Exchange, command: EnterOrder, events: list[Event]) -> set[object]:
    """Fail where a preview says anything else than what happened; return what was compared."""
    accepted = events[0]
    assert isinstance(accepted, Accepted)
    entry, known = accepted.order_id, own(events, accepted.order_id)
    entered = [event.order_id for event in known if isinstance(event, Accepted) and entry_of(event.order_id) == entry]
    calm = len(known) == len(events)
    seen: set[object] = {"calm"} if calm else set()
    pair = command.order_type is OrderType.OCO  # previewed with the figures of both legs
    expected = outcome_of(known, entry, set(entered) if pair else {entry})
    if calm:
        stands = [state_of(exchange, order_id) for order_id in (entered if pair else entered[:1])]
        acting = stands[-1] if pair and expected["reason"] is CancelReason.ONE_CANCELS_OTHER else stands[0]
        expected |= {name: acting[name] for name in ("left", "maker_fee")}
        expected["hold"] = sum(stand["hold"] for stand in stands)
        expected |= {"price": stands[0]["price"]} if "price" in stands[0] else {}
    assert {name: getattr(said, name) for name in expected} == expected
    if not calm and not pair:
        return seen
    legs = entered[1:]
    assert len(said.legs) == (len(legs) if said.exits is None or said.exits.refused is None else 0)
    for leg, order_id in zip(said.legs, legs, strict=True):
        done = outcome_of(known, order_id, {order_id})
        if calm:
            done |= state_of(exchange, order_id)
        assert {name: getattr(leg, name) for name in done} == done
        seen.add(("leg", leg.order_type, leg.status, bool(said.exits)))
    return seen


class Stop(msgspec.Struct, frozen=True):
    """A waiting order, as it stood before a command."""

    order_id: OrderId
    account: AccountId
    rises: bool  # whether it waits for a price at or above its stop price
    stop_price: Ticks


def reached(waiting: dict[OrderId, Stop], events: list[Event], by: set[OrderId]) -> set[OrderId]:
    """Of the orders that waited before, those whose stop price the trades of the takers `by` reach."""

    def own(event: Event) -> bool:
        return not isinstance(event, Triggered) or event.order_id in by

    before = list(itertools.takewhile(own, events))
    fills = [event for event in before if isinstance(event, Filled) and event.taker_order_id in by]
    prices = [fill.price for fill in fills if not fill.self_trade]
    ended = {event.order_id for event in before if isinstance(event, Cancelled)}
    return {
        stop.order_id
        for stop in waiting.values()
        if prices and stop.order_id not in ended
        if (max(prices) >= stop.stop_price if stop.rises else min(prices) <= stop.stop_price)
    }


def waiting_in(exchange: Exchange) -> dict[OrderId, Stop]:
    """Every order that waits for its trigger."""
    profits = (OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)
    return {
        order.order_id: Stop(
            order.order_id,
            order.account,
            (order.side is Side.BUY) != (order.order_type in profits),
            order.terms.stop_price,
        )
        for order in exchange.books[SYMBOL].stops
        if order.terms is not None and order.terms.stop_price is not None
    }


def exits_of(
    exchange: Exchange, events: list[Event], entry: OrderId
) -> tuple[int, RejectReason | None, int | None] | None:
    """What became of the exits of `entry`: how many lots, why refused, what they hold if nothing happened to them."""
    for event in events:
        if isinstance(event, Rejected) and event.order_id is not None and entry_of(event.order_id) == entry:
            return 0, event.reason, None
    legs = [event for event in events if isinstance(event, Accepted) and event.terms and event.terms.parent == entry]
    if not legs:
        return None
    orders = [exchange.order(leg.order_id) for leg in legs]
    idle = all(order is not None and order.cum == 0 for order in orders)
    hold = sum(order.leaves * order.hold_per_lot for order in orders if order is not None) if idle else None
    return legs[0].quantity, None, hold


def foretold(seed: int, instrument: Instrument) -> set[object]:
    """Fail where a preview of one of many orders says anything else than entering it does; return what was seen.

    Nobody hides anything.
    """
    rng, market = random.Random(seed), Market(instrument)
    exchange = market.exchange
    seen: set[object] = set()
    for command, elapsed_ns in asked(rng, market, icebergs=False):
        digest, waiting = state_digest(exchange), waiting_in(exchange)
        said = preview(exchange, command, exchange.ts_ns + elapsed_ns)
        assert state_digest(exchange) == digest
        first, *_ = events = market.apply(command, elapsed_ns)
        if isinstance(first, Rejected):
            assert said is first.reason
        elif isinstance(first, DuplicateRequest):
            assert said == DuplicateOf(first.order_id)
        else:
            assert isinstance(said, Preview)
            seen |= compare(said, exchange, command, events) | protections(said, events)
            triggers = reached(waiting, events, takers_of(command, OrderId(exchange.seq)))
            assert said.would_trigger == sum(waiting[stop].account == command.account for stop in triggers)
            assert triggers.isdisjoint(waiting_in(exchange))
            done = exits_of(exchange, events, OrderId(exchange.seq))
            if said.exits is None or not said.exits.at_once:
                assert done is None or triggers  # a triggered order may have filled the entry
            elif not triggers:
                exits = said.exits
                held = (exits.hold, None)  # None: something happened to them already
                assert done in (
                    [(exits.quantity, None, hold) for hold in held] if exits.refused is None else [NO_FUNDS]
                )
                seen.add(("exits", exits.refused))
        seen.add(said if isinstance(said, RejectReason) else type(said))
    return seen


def takers_of(command: EnterOrder, entry: OrderId) -> set[OrderId]:
    """The orders whose trades a preview tells: of one-cancels-other both legs."""
    return {entry, leg_id(entry, STOP_LEG)} if command.order_type is OrderType.OCO else {entry}


def protections(said: Preview, events: list[Event]) -> set[object]:
    """What kept an order or its legs from more; fails where a limit state begins that no preview spoke of."""
    bounded = [said, *said.legs]
    known = own(events, events[0].order_id) if isinstance(events[0], Accepted) else []
    limit_state = any(isinstance(event, LimitStateChanged) and event.side for event in known)
    assert any(one.banded for one in bounded) or not limit_state
    acts = ("slides", "banded", "collared", "held_back", "prevented")
    return {act for one in bounded for act in acts if getattr(one, act)} | {said.status, said.reason}


@pytest.mark.parametrize(
    ("instrument", "bounds"), [(INSTRUMENT, {"banded"}), (COLLARED, {"collared"}), (UNBOUNDED, {"held_back"})]
)
def test_what_a_preview_says_is_what_entering_does(instrument: Instrument, bounds: set[str]) -> None:
    seen = set().union(*(foretold(seed, instrument) for seed in SEEDS))
    assert bounds <= seen & {"banded", "collared", "held_back"} <= bounds | {"held_back"}
    assert (CancelReason.PRICE_BAND in seen) is ("banded" in bounds)
    acted = {(leg[1], leg[3]) for leg in seen if isinstance(leg, tuple) and leg[0] == "leg" and leg[2] in ACTED}
    assert acted >= {(OrderType.STOP, False), (OrderType.STOP, True), (OrderType.STOP_LIMIT, False)}
    assert {"calm", "slides", "prevented", *OrderStatus} - seen <= {OrderStatus.EXPIRED}
    assert ("exits", None) in seen
    assert {CancelReason.FILL_OR_KILL, CancelReason.SELF_TRADE, CancelReason.IMMEDIATE_OR_CANCEL} < seen
    assert {RejectReason.POST_ONLY_WOULD_TAKE, RejectReason.SELF_TRADE, RejectReason.ORDER_RATE_EXCEEDED} < seen
    assert {RejectReason.INSUFFICIENT_FUNDS, RejectReason.UNSUPPORTED_COMBINATION, RejectReason.BAD_TRIGGER} < seen


def test_a_preview_for_an_account_that_never_was_makes_none() -> None:
    market, newcomer = Market(), AccountId(5000)
    command = entering(newcomer, SYMBOL, Side.BUY, OrderType.LIMIT, TIF.GTC, Lots(1), Ticks(100))
    assert preview(market.exchange, command, 10) is RejectReason.INSUFFICIENT_FUNDS
    assert newcomer not in market.exchange.accounts
    assert newcomer not in market.exchange.ledger.accounts


@pytest.mark.parametrize("spare", [-1, 0])
def test_exits_that_their_entry_could_not_pay_for_are_told(spare: int) -> None:
    market, poor = Market(), AccountId(7)
    exchange = market.exchange
    market.apply(Deposit(poor, "X", "5"))
    market.apply(entering(ACCOUNTS[0], SYMBOL, Side.BUY, OrderType.LIMIT, TIF.GTC, Lots(5), Ticks(99)))
    options = OrderOptions(take_profit=Ticks(95), stop_loss=Ticks(104))
    bracket = entering(poor, SYMBOL, Side.SELL, OrderType.MARKET, TIF.IOC, Lots(5), options=options)
    said = preview(exchange, bracket, exchange.ts_ns)
    assert isinstance(said, Preview)
    assert said.exits == Exits(Lots(5), Amount(5 * (124 * 10_000 + 868)), True, RejectReason.INSUFFICIENT_FUNDS)
    missing = said.exits.hold - (said.notional - said.taker_fee) + spare  # a buy holds its stop price and the collar
    market.apply(Deposit(poor, "USD", f"{missing // 10_000}.{missing % 10_000:04}"))
    said = preview(exchange, bracket, exchange.ts_ns)
    assert isinstance(said, Preview)
    assert said.exits is not None
    events = market.apply(bracket)
    refused = RejectReason.INSUFFICIENT_FUNDS if spare < 0 else None
    assert said.exits.refused is refused
    assert exits_of(exchange, events, OrderId(exchange.seq)) == (
        (5, None, said.exits.hold) if refused is None else NO_FUNDS
    )


def test_the_exits_of_an_entry_that_would_stay_open_are_told_for_all_of_it() -> None:
    market = Market()
    options = OrderOptions(take_profit=Ticks(110))
    entry = entering(ACCOUNTS[1], SYMBOL, Side.BUY, OrderType.LIMIT, TIF.GTC, Lots(3), Ticks(97), options=options)
    said = preview(market.exchange, entry, market.exchange.ts_ns)
    assert isinstance(said, Preview)
    assert said.exits == Exits(Lots(3), Amount(3), False, None)


def test_a_stop_leg_that_ends_as_its_other_leg_trades_is_not_counted() -> None:
    market = Market()
    exchange = market.exchange
    pair = OrderOptions(stop_price=Ticks(101))
    market.apply(entering(ACCOUNTS[0], SYMBOL, Side.BUY, OrderType.OCO, TIF.GTC, Lots(1), Ticks(99), options=pair))
    market.apply(entering(ACCOUNTS[0], SYMBOL, Side.BUY, OrderType.LIMIT, TIF.GTC, Lots(1), Ticks(103)))
    for stop_price in (95, 98, 99):
        stop = OrderOptions(stop_price=Ticks(stop_price))
        market.apply(entering(ACCOUNTS[1], SYMBOL, Side.SELL, OrderType.STOP, TIF.GTC, Lots(1), options=stop))
    stop = OrderOptions(stop_price=Ticks(102))
    market.apply(entering(ACCOUNTS[1], SYMBOL, Side.BUY, OrderType.STOP, TIF.GTC, Lots(1), options=stop))
    taker = entering(ACCOUNTS[1], SYMBOL, Side.SELL, OrderType.LIMIT, TIF.GTC, Lots(2), Ticks(98))
    said = preview(exchange, taker, exchange.ts_ns)
    assert isinstance(said, Preview)
    others = msgspec.structs.replace(taker, account=ACCOUNTS[2])  # whose none of the stops is
    of_others = preview(exchange, others, exchange.ts_ns)
    assert isinstance(of_others, Preview)
    assert (of_others.trades, of_others.would_trigger) == (2, 0)
    triggered = [event for event in market.apply(taker) if isinstance(event, Triggered)]
    assert (said.trades, said.would_trigger, len(triggered)) == (2, 2, 2)


@pytest.mark.parametrize("spare", [-1, 0])
def test_what_a_trade_with_oneself_sets_free_pays_for_the_exits(spare: int) -> None:
    market, poor = Market(), AccountId(7)
    exchange = market.exchange
    need, taker_fee, rebate = 5 * (124 * 10_000 + 868), 3465, 247
    minor_units = need + taker_fee - rebate + spare
    market.apply(ConfigureAccount(poor, "own", self_trade_prevention=SelfTradePrevention.NONE))
    market.apply(Deposit(poor, "X", "5"))
    market.apply(Deposit(poor, "USD", f"{minor_units // 10_000}.{minor_units % 10_000:04}"))
    market.apply(entering(poor, SYMBOL, Side.BUY, OrderType.LIMIT, TIF.GTC, Lots(5), Ticks(99)))
    options = OrderOptions(stop_loss=Ticks(104))
    bracket = entering(poor, SYMBOL, Side.SELL, OrderType.MARKET, TIF.IOC, Lots(5), options=options)
    said = preview(exchange, bracket, exchange.ts_ns)
    assert isinstance(said, Preview)
    refused = None if spare == 0 else RejectReason.INSUFFICIENT_FUNDS
    assert said.exits == Exits(Lots(5), Amount(need), True, refused)
    done = exits_of(exchange, market.apply(bracket), OrderId(exchange.seq))
    assert done == ((5, None, need) if refused is None else NO_FUNDS)


def test_a_fill_or_kill_that_its_own_account_stands_in_the_way_of_is_told_so() -> None:
    market = Market()
    market.apply(entering(ACCOUNTS[1], SYMBOL, Side.SELL, OrderType.LIMIT, TIF.GTC, Lots(3), Ticks(101)))
    for quantity, price, prevented in ((3, 101, True), (3, 100, False), (4, 101, False)):
        command = entering(
            ACCOUNTS[1], SYMBOL, Side.BUY, OrderType.LIMIT, TIF.FOK, Lots(quantity), Ticks(price),
            mode=SelfTradePrevention.CANCEL_NEWEST,
        )  # fmt: skip
        said = preview(market.exchange, command, market.exchange.ts_ns)
        assert isinstance(said, Preview)
        assert (said.reason, said.prevented, said.trades) == (CancelReason.FILL_OR_KILL, prevented, 0)
