"""What a preview may not tell: what others hide in icebergs, and their stops; and what it tells of a hold."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import msgspec
import pytest

from engine.commands import Deposit, ListInstrument, OrderOptions
from engine.events import Accepted, Filled, Rejected
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.preview import Preview, preview, refusal_figures
from engine.rejects import RejectReason
from engine.rulebook import CURRENT_EDITION
from engine.stops import StopOrders
from engine.types import AccountId, Amount, Lots, OrderId, OrderStatus, OrderType, Seq, Side, Ticks
from tests.engine.previews import ACCOUNTS, COLLARED, INSTRUMENT, SYMBOL, TIF, UNBOUNDED, Market, asked, entering, own


@contextlib.contextmanager
def without_what_others_hide(exchange: Exchange, viewer: AccountId) -> Iterator[int]:
    """For a while nobody but the viewer has more than is shown, or a stop; tells how much was taken away."""
    book = exchange.books[SYMBOL]
    icebergs = [(order, order.hidden) for order in book.orders.values() if order.account != viewer and order.hidden]
    foreign_stops = [stop for stop in book.stops if stop.account != viewer]

    def change(sign: int) -> None:
        for order, hidden in icebergs:
            assert order.level is not None
            order.level.hidden += sign * hidden
            order.leaves = Lots(order.leaves + sign * hidden)
            order.quantity = Lots(order.quantity + sign * hidden)
            order.hidden = Lots(order.hidden + sign * hidden)
        for stop in foreign_stops:
            stop.waiting = sign > 0

    stops, book.stops = book.stops, StopOrders()
    change(-1)
    yield sum(hidden for _, hidden in icebergs) + len(foreign_stops)
    change(1)
    book.stops = stops


@pytest.mark.parametrize("instrument", [INSTRUMENT, COLLARED, UNBOUNDED])
def test_a_preview_is_the_same_whatever_others_hide(instrument: Instrument) -> None:
    hidden = differs = triggers = 0
    for seed in range(3, 6):
        rng, market = random.Random(seed), Market(instrument)
        exchange = market.exchange
        for command, elapsed_ns in asked(rng, market, icebergs=True):
            ts_ns = exchange.ts_ns + elapsed_ns
            previewed = preview(exchange, command, ts_ns)
            figures = (
                refusal_figures(exchange, command, previewed, ts_ns) if isinstance(previewed, RejectReason) else None
            )
            with without_what_others_hide(exchange, command.account) as away:
                assert preview(exchange, command, ts_ns) == previewed
                if isinstance(previewed, RejectReason):
                    assert refusal_figures(exchange, command, previewed, ts_ns) == figures
            hidden += away
            events = market.apply(command, elapsed_ns)
            if isinstance(previewed, Preview) and isinstance(events[0], Accepted):
                taken = [event for event in own(events, OrderId(exchange.seq)) if isinstance(event, Filled)]
                differs += sum(fill.quantity for fill in taken) > previewed.filled
                triggers += previewed.would_trigger
    assert hidden > 1000  # there was much to give away
    assert differs > 2  # and entering found it
    assert triggers > 2  # and one's own are counted


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
    ("price", "held", "rounding"),
    [(2_900_000, 290_145_000_000_000, 0), (100, 10_100_000_000, 95_000_000), (1, 200_000_000, 99_950_000)],
)
def test_how_much_of_a_hold_is_rounding_is_told_as_the_account_page_has_it(
    price: int, held: int, rounding: int
) -> None:
    lots = 10**8  # one coin
    limits = {"max_quantity": Lots(lots), "max_notional": Amount(10**16), "maker_fee": 200, "taker_fee": 500}
    coin = msgspec.structs.replace(UNBOUNDED, quote_scale=10, lot_tick_amount=Amount(1), **limits)
    exchange, buyer = Exchange(CURRENT_EDITION), AccountId(1000)
    for seq, command in enumerate((ListInstrument(coin), Deposit(buyer, "USD", "100000")), 1):
        exchange.apply(command, Seq(seq), 0)
    order = entering(buyer, SYMBOL, Side.BUY, OrderType.LIMIT, TIF.GTC, Lots(lots), Ticks(price))
    said = preview(exchange, order, 0)
    assert isinstance(said, Preview)
    assert (said.hold, said.hold_rounding) == (held, rounding)
    exchange.apply(order, Seq(3), 0)
    assert exchange.ledger.balance(buyer, "USD").held == said.hold
