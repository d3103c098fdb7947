"""An aggregate is what one taker order traded at one price at one moment, the same however it is asked for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.binance.market_trades import Span, TradeTape, aggregates_of
from engine.types import AccountId, Amount, Lots, OrderId, Seq, Side, Ticks, TradeId
from history.store import Trade

MS = 10**6


def trade(trade_id: int, seq: int, taker: int, price: int, lots: int = 1) -> Trade:
    """A trade of which the rest does not matter; a command of each second."""
    maker = OrderId(10_000 + trade_id)
    accounts, amounts = (AccountId(1), AccountId(2)), (Amount(price * lots), Amount(0), Amount(0))
    ids = (TradeId(trade_id), Seq(seq), seq * 1000 * MS, "ANY", Ticks(price), Lots(lots), amounts[0], Side.BUY)
    return Trade(*ids, maker, OrderId(taker), *accounts, amounts[1], amounts[2])


def tape_of(trades: list[Trade], in_memory: int = 0) -> TradeTape:
    """A tape over these trades, the last of them in memory."""

    def prints(symbol: str, since: int | None, before: int | None, limit: int, until: int) -> list[Trade]:
        found = [one for one in trades if (since or 0) <= one.trade_id < (before or 2**62) and one.seq <= until]
        return found[:limit] if since is not None else found[-limit:]

    def first_trade_at(ts_ns: int) -> int:
        return next((one.trade_id for one in trades if one.ts_ns >= ts_ns), len(trades) + 1)

    history: Any = SimpleNamespace(prints=prints, first_trade_at=first_trade_at, wait_for=lambda seq: None)
    recent = SimpleNamespace(recent=_Recent())
    activity: Any = SimpleNamespace(of=lambda symbol: recent)
    exchange: Any = SimpleNamespace(seq=10**9)
    return TradeTape(exchange, activity, history)


class _Recent(list[Any]):
    maxlen = 0  # whatever there is in memory may not be all


SWEEP = [trade(1, 1, 7, 100), trade(2, 1, 7, 100, 2), trade(3, 1, 7, 101), trade(4, 2, 8, 101), trade(5, 2, 9, 101)]


def test_an_order_that_sweeps_two_levels_is_two_aggregates_and_another_order_one_of_its_own() -> None:
    found = [(each.first_id, each.last_id, each.price, each.quantity) for each in aggregates_of(SWEEP)]
    assert found == [(1, 2, 100, 3), (3, 3, 101, 1), (4, 4, 101, 1), (5, 5, 101, 1)]


def test_who_asks_from_within_an_aggregate_gets_those_behind_it() -> None:
    tape = tape_of(SWEEP)
    assert [each.first_id for each in tape.aggregates("ANY", 10, Span(from_id=2))] == [3, 4, 5]
    assert [each.first_id for each in tape.aggregates("ANY", 10, Span(from_id=1))] == [1, 3, 4, 5]
    assert [each.first_id for each in tape.aggregates("ANY", 1, Span(from_id=0))] == [1]


def test_a_span_of_time_includes_both_its_ends() -> None:
    tape = tape_of(SWEEP)
    assert [each.first_id for each in tape.aggregates("ANY", 10, Span(since_ns=1000 * MS, until_ns=1000 * MS))] == [
        1,
        3,
    ]
    assert [each.first_id for each in tape.aggregates("ANY", 10, Span(since_ns=1001 * MS))] == [4, 5]
    assert [each.first_id for each in tape.aggregates("ANY", 1, Span(until_ns=1999 * MS))] == [3]


groups = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 900)), min_size=1, max_size=6)


@settings(max_examples=25)
@given(groups=groups, from_id=st.integers(0, 3000), limit=st.integers(1, 8))
def test_pages_over_long_aggregates_are_those_of_all_trades(
    groups: list[tuple[int, int]], from_id: int, limit: int
) -> None:
    trades: list[Trade] = []
    for seq, (price, count) in enumerate(groups, 1):
        trades += [trade(len(trades) + number, seq, seq, price) for number in range(1, count + 1)]
    tape, whole = tape_of(trades), aggregates_of(trades)
    assert tape.aggregates("ANY", limit, Span()) == whole[-limit:]
    assert (
        tape.aggregates("ANY", limit, Span(from_id=from_id))
        == [each for each in whole if each.first_id >= from_id][:limit]
    )


@pytest.mark.parametrize("limit", [1, 999, 1000, 1001, 2500])
def test_trades_come_whole_over_several_pages(limit: int) -> None:
    trades = [trade(number, number, number, 100) for number in range(1, 2502)]
    tape = tape_of(trades)
    assert tape.newest("ANY", limit) == trades[-limit:]
    assert tape.since("ANY", 1, limit) == trades[:limit]
