"""What an order asks for beyond side, price and quantity, as every answer about orders shows it.

Only what an order has is there: the rest of the fields is left out, not null.
Layer: api.orders.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from engine.terms import Terms
from engine.types import PostOnly, Ticks
from listings.grid import Grid, amount_text, percent
from listings.texts import DecimalText, IdText

_NANOSECOND_DECIMALS = 9
_SLIDE = PostOnly.SLIDE


class OrderOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The base of the answers about one order."""

    post_only: Literal[True, "slide"] | UnsetType = UNSET
    display_quantity: DecimalText | UnsetType = UNSET
    stop_price: DecimalText | UnsetType = UNSET  # the present one: that of a trailing stop moves
    trail_amount: DecimalText | UnsetType = UNSET
    trail_percent: DecimalText | UnsetType = UNSET
    expire_time: DecimalText | UnsetType = UNSET  # epoch seconds, exact
    take_profit: DecimalText | UnsetType = UNSET
    stop_loss: DecimalText | UnsetType = UNSET
    stop_loss_limit: DecimalText | UnsetType = UNSET
    linked_order_id: IdText | UnsetType = UNSET  # the other leg of one-cancels-other
    parent_order_id: IdText | UnsetType = UNSET  # the entry whose exit this is


def options_of(terms: Terms | None, grid: Grid) -> dict[str, Any]:
    """The fields of `OrderOptions` that an order has, in their order."""
    if terms is None:
        return {}
    post_only = None if terms.post_only is None else "slide" if terms.post_only is _SLIDE else True
    found = {
        "post_only": post_only,
        "display_quantity": None if terms.display_quantity is None else grid.quantity(terms.display_quantity),
        "stop_price": _price(terms.stop_price, grid),
        "trail_amount": _price(terms.trail_amount, grid),
        "trail_percent": None if terms.trail_percent is None else percent(terms.trail_percent),
        "expire_time": None if terms.expire_ns is None else amount_text(terms.expire_ns, _NANOSECOND_DECIMALS),
        "take_profit": _price(terms.take_profit, grid),
        "stop_loss": _price(terms.stop_loss, grid),
        "stop_loss_limit": _price(terms.stop_loss_limit, grid),
        "linked_order_id": None if terms.linked_to is None else str(terms.linked_to),
        "parent_order_id": None if terms.parent is None else str(terms.parent),
    }
    return {name: value for name, value in found.items() if value is not None}


def _price(price: Ticks | None, grid: Grid) -> str | None:
    return None if price is None else grid.price(price)
