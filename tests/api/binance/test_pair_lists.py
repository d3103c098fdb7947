"""Lists of pairs: what they cost, and a pair that ends while they are made."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from api.auth.principals import Principal
from api.binance.pairs import BinancePairs
from api.binance.requests import Pairs
from engine.exchange import Exchange
from engine.terms import Terms
from engine.types import STOP_LEG, AccountId, OrderId, leg_id
from identity.users import Role

DONE = 300  # pairs: 600 orders, two units
WHO = Principal(user_id=1, name="ann", account=AccountId(1), role=Role.TRADER, scopes=frozenset())


def leg(order_id: int, other: int) -> Any:
    """A leg as far as a list of pairs reads it."""
    return SimpleNamespace(
        order_id=order_id,
        terms=Terms(linked_to=OrderId(other)),
        entered_ns=order_id,
        symbol="A-B",
        client_order_id=None,
    )


def test_done_pairs_are_counted_and_one_that_ends_meanwhile_is_shown_once() -> None:
    legs = [
        leg(*ids)
        for entry in map(OrderId, range(1, DONE + 1))
        for ids in ((entry, leg_id(entry, STOP_LEG)), (leg_id(entry, STOP_LEG), entry))
    ]
    lookup: Any = SimpleNamespace(open_orders=lambda account: legs[:2], open_orders_units=lambda account: 1)
    history: Any = SimpleNamespace(wait_for=lambda seq: None, orders=lambda *asked: legs)
    symbols: Any = SimpleNamespace(binance=lambda symbol: "AB")
    service: Any = None
    charged: list[int] = []
    pairs = BinancePairs(Exchange(), symbols, service, lookup, history, lambda account: None)
    views = pairs.all_pairs(Pairs(limit=1000), WHO, charged.append)
    assert charged == [1, 2]  # the open orders, then what is read of the history
    assert [view.order_list_id for view in views] == list(range(1, DONE + 1))
    assert all(len(view.orders) == 2 for view in views)
