"""What an order asks for beyond side, price, quantity and time in force.

Most orders ask for none of it: they carry None instead of `Terms`.
Layer: engine.
"""

from __future__ import annotations

import msgspec

from engine.types import Lots, OrderId, PostOnly, Ticks


class Terms(msgspec.Struct, frozen=True, gc=False):
    """The options of one order, on the grid. A value: an order that changes gets another."""

    post_only: PostOnly | None = None
    display_quantity: Lots | None = None
    stop_price: Ticks | None = None  # of a trailing stop it moves
    trail_amount: Ticks | None = None
    trail_percent: int | None = None  # millionths
    expire_ns: int | None = None  # epoch nanoseconds; for a day order without sessions the next midnight UTC
    take_profit: Ticks | None = None  # the exits of a bracket; their entry carries them
    stop_loss: Ticks | None = None
    stop_loss_limit: Ticks | None = None
    linked_to: OrderId | None = None  # the other leg of one-cancels-other
    parent: OrderId | None = None  # the entry whose exit this is


NO_TERMS = Terms()
