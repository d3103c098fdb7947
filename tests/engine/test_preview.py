"""A preview changes nothing, tells nothing of what others hide, and else says what entering the order then does."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import msgspec
import pytest

from engine.commands import (
    ConfigureAccount,
    Deposit,
    ListInstrument,
    OrderOptions,
)
from engine.events import (
    Accepted,
    Filled,
    Rejected,
    Triggered,
)
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.preview import Exits, Preview, preview, why
from engine.rejects import CancelReason, RejectReason
from engine.rulebook import CURRENT_EDITION
from engine.stops import StopOrders
from engine.types import (
    AccountId,
    Amount,
    Lots,
    OrderId,
    OrderStatus,
    OrderType,
    SelfTradePrevention,
    Seq,
    Side,
    Ticks,
)
from tests.engine.previewing import (
    ACCOUNTS,
    ACTED,
    COLLARED,
    INSTRUMENT,
    NO_FUNDS,
    SEEDS,
    SYMBOL,
    TIF,
    UNBOUNDED,
    Market,
    asked,
    entering,
    exits_of,
    foretold,
    own,
)


@contextlib.contextmanager
def without_what_others_hide(exchange: Exchange, viewer: AccountId) -> Iterator[int]:
    """For a while nobody but the viewer has more than is shown, or a stop; tells how much was taken away."""
    book = exchange.books[SYMBOL]
    icebergs = [(order, order.hidden) for order in book.orders.values() if order.account != viewer and order.hidden]
    strangers = [stop for stop in book.stops if stop.account != viewer]

    def change(sign: int) -> None:
        for order, hidden in icebergs:
            assert order.level is not None
            order.level.hidden += sign * hidden
            order.leaves = Lots(order.leaves + sign * hidden)
            order.quantity = Lots(order.quantity + sign * hidden)
            order.hidden = Lots(order.hidden + sign * hidden)
        for stop in strangers:
            stop.waiting = sign > 0

    stops, book.stops = book.stops, StopOrders()
    change(-1)
    yield sum(hidden for _, hidden in icebergs) + len(strangers)
    change(1)
    book.stops = stops


@pytest.mark.parametrize("instrument", [INSTRUMENT, COLLARED, UNBOUNDED])
def test_a_preview_is_the_same_whatever_others_hide(instrument: Instrument) -> None:
    hidden = differs = triggers = 0
    for seed in range(3):
        rng, market = random.Random(seed), Market(instrument)
        exchange = market.exchange
        for command, elapsed_ns in asked(rng, market, icebergs=True):
            ts_ns = exchange.ts_ns + elapsed_ns
            told = preview(exchange, command, ts_ns)
            figures = why(exchange, command, told, ts_ns) if isinstance(told, RejectReason) else None
            with without_what_others_hide(exchange, command.account) as away:
                assert preview(exchange, command, ts_ns) == told
                if isinstance(told, RejectReason):
                    assert why(exchange, command, told, ts_ns) == figures
            hidden += away
            events = market.apply(command, elapsed_ns)
            if isinstance(told, Preview) and isinstance(events[0], Accepted):
                taken = [event for event in own(events, OrderId(exchange.seq)) if isinstance(event, Filled)]
                differs += sum(fill.quantity for fill in taken) > told.filled
                triggers += told.would_trigger
    assert hidden > 1000  # there was much to be told
    assert differs > 2  # and entering found it
    assert triggers > 2  # and of one's own it is told


def test_a_market_order_that_cannot_be_paid_for_is_told_no_cost_that_others_hide() -> None:
    market, poor = Market(UNBOUNDED), AccountId(7)
    market.apply(Deposit(poor, "USD", "300"))
    market.apply(entering(ACCOUNTS[0], SYMBOL, Side.SELL, OrderType.LIMIT, TIF.GTC, Lots(9), Ticks(100),
                          options=OrderOptions(display_quantity=Lots(2))))  # fmt: skip
    for lots, status in ((2, OrderStatus.FILLED), (9, OrderStatus.CANCELLED)):
        order = entering(poor, SYMBOL, Side.BUY, OrderType.MARKET, TIF.IOC, Lots(lots))
        said = preview(market.exchange, order, market.exchange.ts_ns)
        assert isinstance(said, Preview)
        assert (said.status, said.filled) == (status, 2)
    (refused,) = market.apply(order)
    assert isinstance(refused, Rejected)
    assert refused.reason is RejectReason.INSUFFICIENT_FUNDS
    assert refused.figures is not None
    assert (refused.figures.needed, refused.figures.available) == (None, 3_000_000)


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
    market, stranger = Market(), AccountId(5000)
    command = entering(stranger, SYMBOL, Side.BUY, OrderType.LIMIT, TIF.GTC, Lots(1), Ticks(100))
    assert preview(market.exchange, command, 10) is RejectReason.INSUFFICIENT_FUNDS
    assert stranger not in market.exchange.accounts
    assert stranger not in market.exchange.ledger.accounts


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
    stranger = msgspec.structs.replace(taker, account=ACCOUNTS[2])  # whose none of the stops is
    told = preview(exchange, stranger, exchange.ts_ns)
    assert isinstance(told, Preview)
    assert (told.trades, told.would_trigger) == (2, 0)
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


@pytest.mark.parametrize(
    ("price", "held", "rounding"),
    [(2_900_000, 290_145_000_000_000, 0), (100, 10_100_000_000, 95_000_000), (1, 200_000_000, 99_950_000)],
)
def test_how_much_of_a_hold_is_rounding_is_told_as_the_account_page_has_it(
    price: int, held: int, rounding: int
) -> None:
    lots = 10**8  # one coin
    coin = msgspec.structs.replace(
        UNBOUNDED, quote_scale=10, lot_tick_amount=Amount(1), max_quantity=Lots(lots), max_notional=Amount(10**16),
        maker_fee=200, taker_fee=500,
    )  # fmt: skip
    exchange, buyer = Exchange(CURRENT_EDITION), AccountId(1000)
    for seq, command in enumerate((ListInstrument(coin), Deposit(buyer, "USD", "100000")), 1):
        exchange.apply(command, Seq(seq), 0)
    order = entering(buyer, SYMBOL, Side.BUY, OrderType.LIMIT, TIF.GTC, Lots(lots), Ticks(price))
    said = preview(exchange, order, 0)
    assert isinstance(said, Preview)
    assert (said.hold, said.hold_rounding) == (held, rounding)
    exchange.apply(order, Seq(3), 0)
    assert exchange.ledger.balance(buyer, "USD").held == said.hold
