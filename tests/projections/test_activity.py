"""What has been going on: the 24 hours of a symbol against a plain list of its trades, and the counters."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from api.market.ticker_views import _percent, ticker_view
from engine.commands import EnterOrder
from engine.events import CommandResult, Filled
from engine.types import AccountId, Amount, Lots, OrderType, Seq, Side, Ticks, TimeInForce
from history.candles import Candle, Interval
from projections.activity import (
    DAY_MINUTES,
    MINUTE_NS,
    RECENT_SECONDS,
    RECENT_TRADES,
    SECOND_NS,
    SymbolActivity,
    SymbolState,
    TradePrint,
)
from tests.api.market.one_symbol import COIN, Market

DAY_NS = DAY_MINUTES * MINUTE_NS


trades = st.lists(
    st.tuples(
        st.integers(0, 3 * SECOND_NS) | st.integers(0, DAY_NS // 3), st.integers(1, 10**6), st.integers(1, 10**6)
    ),
    min_size=1,
    max_size=12,
)


@given(trades=trades, later=st.integers(0, DAY_NS))
def test_the_ticker_is_that_of_the_trades_of_the_last_day(trades: list[tuple[int, int, int]], later: int) -> None:
    market, now = Market(), MINUTE_NS
    kept: list[tuple[int, int, int]] = []
    for gap, price, quantity in trades:
        now += gap
        market.trade(quantity, price, now)
        kept.append((now, price, quantity))
    now += later
    ticker = ticker_view(market.activity, market.exchange.books["ANY"], market.exchange.seq, now)
    day = [(p, q) for ts, p, q in kept if ts // MINUTE_NS > now // MINUTE_NS - DAY_MINUTES]
    assert ticker.last == f"{Decimal(kept[-1][1]).scaleb(-2):.2f}"
    assert ticker.trades == len(day)
    assert Fraction(ticker.volume) == Fraction(sum(q for _, q in day), 1000)
    assert Fraction(ticker.quote_volume) == Fraction(sum(p * q for p, q in day), 100_000)
    if day:
        prices = [p for p, _ in day]
        figures = [prices[0], max(prices), min(prices), prices[-1] - prices[0]]
        shown = [ticker.open, ticker.high, ticker.low, ticker.change]
        assert [Fraction(each or "x") for each in shown] == [Fraction(figure, 100) for figure in figures]
        assert ticker.change_percent == _percent(prices[-1] - prices[0], prices[0])
    else:
        assert (ticker.open, ticker.high, ticker.change_percent) == (None, None, None)


@given(trades=trades, interval=st.sampled_from(Interval), back=st.integers(0, 4000))
def test_the_newest_candles_are_those_of_the_trades(
    trades: list[tuple[int, int, int]], interval: Interval, back: int
) -> None:
    market, now = Market(), 400 * DAY_NS
    groups: dict[int, list[tuple[int, int]]] = {}
    for gap, price, quantity in trades:
        now += gap % (DAY_NS // 13)  # within a day; half of them within a few seconds
        market.trade(quantity, price, now)
        groups.setdefault(now // SECOND_NS // interval.seconds * interval.seconds, []).append((price, quantity))
    activity = market.activity.of("ANY")
    assert activity.last_traded_s == now // SECOND_NS
    since = (now // SECOND_NS - back) // interval.seconds * interval.seconds
    assert activity.candles(interval.seconds, since) == [
        Candle(
            start,
            p[0],
            max(p),
            min(p),
            p[-1],
            Lots(sum(q for _, q in group)),
            Amount(sum(COIN.notional(Ticks(price), Lots(q)) for price, q in group)),
            len(group),
        )
        for start, group in groups.items()
        if start >= since and (p := [price for price, _ in group])
    ]


def test_what_takers_bought_is_counted_apart_and_a_minute_knows_its_first_trade() -> None:
    market = Market()
    market.trade(2, 100, 0)  # the seller takes
    market.enter(Side.SELL, 3, 101, SECOND_NS)
    market.enter(Side.BUY, 3, 101, SECOND_NS)
    market.trade(1, 100, 61 * SECOND_NS)
    activity = market.activity.of("ANY")
    first, second = activity.candles(60, 0)
    assert (first.trades, first.volume, first.taker_volume) == (2, 5, 3)
    assert first.taker_quote_volume == COIN.notional(Ticks(101), Lots(3))
    assert (second.trades, second.taker_volume) == (1, 0)
    assert [part.first_id for part in activity.day(61 * SECOND_NS)] == [1, 3]


def test_the_last_price_before_the_day_is_known_also_behind_a_restart() -> None:
    market = Market()
    market.trade(2, 100, 0)
    market.trade(2, 90, 2 * DAY_NS)
    market.trade(2, 95, 2 * DAY_NS + 60 * SECOND_NS)
    restored = SymbolActivity()
    restored.restore(market.activity.of("ANY").saved("ANY"))
    assert (market.activity.of("ANY").close_before, restored.close_before) == (100, 100)


def test_what_an_older_version_saved_can_be_read() -> None:
    market = Market()
    market.trade(2, 100, 0)
    (saved,) = market.activity.saved().symbols
    older = msgspec.to_builtins(saved)[:-1]
    for second in older[3]:
        for name in ("taker_lots", "taker_notional", "first_id"):
            del second[name]
    (candle,) = _restored(msgspec.convert(older, SymbolState)).candles(1, 0)
    assert (candle.volume, candle.trades, candle.taker_volume) == (2, 1, 0)


def _restored(saved: SymbolState) -> SymbolActivity:
    activity = SymbolActivity()
    activity.restore(saved)
    return activity


def test_before_the_first_trade_there_are_no_candles() -> None:
    activity = SymbolActivity()
    assert activity.last_traded_s is None
    assert [activity.candles(interval.seconds, 0) for interval in Interval] == [[]] * 6


def test_a_trade_of_an_account_with_itself_counts_in_the_totals_and_moves_nothing() -> None:
    market = Market()
    market.trade(2, 100, 0)
    filled = next(event for event in _one_trade().events if isinstance(event, Filled))
    own = msgspec.structs.replace(filled, price=999, self_trade=True)
    market.activity.of("ANY").add(TradePrint(own, 1, market.exchange.seq))
    view = ticker_view(market.activity, market.exchange.books["ANY"], market.exchange.seq, 1)
    assert (view.last, view.high, view.volume, view.trades) == ("1.00", "1.00", "0.002", 1)
    assert market.activity.of("ANY").lots == 3
    assert [candle.high for candle in market.activity.of("ANY").candles(60, 0)] == [100]


def test_a_trade_leaves_the_day_with_its_minute() -> None:
    market = Market()
    market.trade(1, 100, MINUTE_NS)
    book = market.exchange.books["ANY"]
    assert ticker_view(market.activity, book, market.exchange.seq, MINUTE_NS + DAY_NS - 1).trades == 1
    assert ticker_view(market.activity, book, market.exchange.seq, MINUTE_NS + DAY_NS).trades == 0


@given(change=st.integers(-(10**12), 10**12), of=st.integers(1, 10**12))
def test_a_percentage_has_two_decimals_rounded_half_away_from_zero(change: int, of: int) -> None:
    exact = Fraction(abs(change) * 10_000, of)
    hundredths = (exact + Fraction(1, 2)).__floor__()
    shown = Fraction(_percent(change, of)) * 100
    assert abs(shown) == hundredths
    assert shown == 0 or (shown < 0) == (change < 0)


def test_no_percentage_is_minus_zero() -> None:
    assert [_percent(change, 10**9) for change in (0, 1, -1)] == ["0.00", "0.00", "0.00"]


def test_memory_is_bounded_however_much_trades() -> None:
    activity = SymbolActivity()
    filled = next(event for event in _one_trade().events if isinstance(event, Filled))
    for minute in range(3 * DAY_MINUTES):
        activity.add(TradePrint(filled, minute * MINUTE_NS, Seq(minute + 1)))
    assert len(activity.minutes) == DAY_MINUTES
    assert activity.seconds.maxlen == len(activity.seconds) == RECENT_SECONDS
    assert activity.recent.maxlen == RECENT_TRADES


def _one_trade() -> CommandResult:
    market = Market()
    market.enter(Side.BUY, 1, 100, 0)
    return market.enter(Side.SELL, 1, 100, 0)


def test_rejects_are_counted_by_reason_and_orders_by_symbol() -> None:
    market = Market()
    market.trade(5, 100, 0)
    market.apply(EnterOrder(AccountId(1), "NOPE", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, "1", "1"), 0)
    market.apply(EnterOrder(AccountId(1), "ANY", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, 1, "1.001"), 0)
    assert (market.activity.orders, market.activity.trades) == (4, 1)
    assert market.activity.rejects == {"unknown_symbol": 1, "bad_tick": 1}
    assert (market.activity.of("ANY").orders, market.activity.of("ANY").lots) == (3, 5)


def test_the_rate_is_the_mean_of_the_last_ten_whole_seconds() -> None:
    market = Market()
    second = 10**9
    for at in range(20):
        for _ in range(3):
            market.enter(Side.BUY, 1, 1, at * second)
    assert market.activity.orders_per_second(20 * second) == 3.0
    assert market.activity.orders_per_second(25 * second) == 1.5
    assert market.activity.orders_per_second(100 * second) == 0.0
