"""The naive exchange itself, where it takes a short cut: the auction's price is the best of every whole tick."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import msgspec
from hypothesis import given, settings

from audit.mix import COIN
from audit.naive_order import NaiveOrder
from audit.naive_symbol import BUY, SELL, NaiveSymbol
from engine.types import OrderType, SelfTradePrevention, Side, TimeInForce

orders = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 9)), max_size=5)


def resting(side: Side, price: int, quantity: int, turn: int) -> NaiveOrder:
    return NaiveOrder(
        turn, 1, COIN.symbol, side, OrderType.LIMIT, TimeInForce.GTC, price, quantity, None, 1, (0, 0),
        SelfTradePrevention.NONE, turn=turn, shown=quantity, resting=True,
    )  # fmt: skip


def best_of_every_tick(symbol: NaiveSymbol) -> tuple[int, int, int] | None:
    """As the rule says it, with no thought of speed."""
    reference = symbol.market_price()
    ranked = []
    for price in range(1, 60):
        demand = sum(order.leaves for order in symbol.sides[BUY] if order.price >= price)
        supply = sum(order.leaves for order in symbol.sides[SELL] if order.price <= price)
        away = 0 if reference is None else abs(price - reference)
        ranked.append((min(demand, supply), -abs(demand - supply), -away, price, demand - supply))
    volume, _, _, price, imbalance = max(ranked)
    return (price, volume, imbalance) if volume else None


@settings(max_examples=300, deadline=None)
@given(orders, orders, st.none() | st.integers(1, 45), st.none() | st.integers(1, 45))
def test_an_auctions_price_is_the_best_of_every_tick(
    bids: Any, asks: Any, last_price: int | None, reference_price: int | None
) -> None:
    symbol = NaiveSymbol(msgspec.structs.replace(COIN, reference_price=reference_price))
    symbol.last_price = last_price
    for side, given_orders in ((BUY, bids), (SELL, asks)):
        symbol.sides[side] = [resting(side, price, lots, turn) for turn, (price, lots) in enumerate(given_orders, 1)]
    assert symbol.auction() == best_of_every_tick(symbol)
