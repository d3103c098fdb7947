"""What an order asks for beyond side, price and quantity, as every answer about orders shows it.

Only what an order has is there: the rest of the fields is left out, not null.
Layer: api.orders.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from engine.terms import Terms
from engine.types import PostOnly
from listings.grid import Grid, amount_text, percent
from listings.texts import DecimalText, IdText

_NANOSECOND_DECIMALS = 9


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
    """The fields of `OrderOptions` that an order has."""
    if terms is None:
        return {}
    found: dict[str, Any] = {}
    if terms.post_only is not None:
        found["post_only"] = "slide" if terms.post_only is PostOnly.SLIDE else True
    if terms.display_quantity is not None:
        found["display_quantity"] = grid.quantity(terms.display_quantity)
    for name in ("stop_price", "trail_amount", "take_profit", "stop_loss", "stop_loss_limit"):
        price = getattr(terms, name)
        if price is not None:
            found[name] = grid.price(price)
    if terms.trail_percent is not None:
        found["trail_percent"] = percent(terms.trail_percent)
    if terms.expire_ns is not None:
        found["expire_time"] = amount_text(terms.expire_ns, _NANOSECOND_DECIMALS)
    if terms.linked_to is not None:
        found["linked_order_id"] = str(terms.linked_to)
    if terms.parent is not None:
        found["parent_order_id"] = str(terms.parent)
    return found
