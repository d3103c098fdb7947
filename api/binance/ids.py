"""Client order ids of the second wire: the trader's own, or one that follows from our id where none was given.

Layer: api.binance.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from api.json.errors import ApiError
from api.orders.lookup import OrderLookup
from engine.order import Order
from engine.types import AccountId, OrderId
from history.store import DoneOrder

GENERATED: Final = "openbell-"
DIGITS_MAX: Final = 18


def client_order_id(order_id: OrderId, given: str | None) -> str:
    """The client order id that answers show: the same each time."""
    return f"{GENERATED}{order_id}" if given is None else given


def generated_for(name: str) -> OrderId | None:
    """Which order a client order id would be of if it was generated; None for any that never is."""
    digits = name.removeprefix(GENERATED)
    if digits == name or not (digits.isascii() and digits.isdecimal() and len(digits) <= DIGITS_MAX):
        return None
    order_id = OrderId(int(digits))
    return order_id if client_order_id(order_id, None) == name else None


def order_named(lookup: OrderLookup, name: str, account: AccountId, symbol: str | None = None) -> Order | DoneOrder:
    """The order of `account` that answers show under a name, open or done. Raises ApiError 404.

    By the first wire a trader may have given a name that looks like one of ours: it is theirs unless it is shown for an
    order of theirs that has no other.
    """
    generated = generated_for(name)
    if generated is not None:
        try:
            order = lookup.find(generated, account, symbol)
        except ApiError as unknown:
            if unknown.status != HTTPStatus.NOT_FOUND:
                raise
        else:
            if order.client_order_id is None:
                return order
    return lookup.find_named(name, account, symbol)
