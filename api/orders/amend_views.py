"""Engine values -> JSON: what became of an order that was changed.

Layer: api.orders.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from api.market.views import BboView, TradeView, bbo_view, trade_view
from api.orders.views import OrderView
from engine.events import Amended, CommandResult, Filled
from engine.exchange import Exchange
from engine.types import OrderId


class AmendAnswer(OrderView, frozen=True, kw_only=True, omit_defaults=True):
    """PATCH /order/{order_id}: the order as it is after the change, and what the change brought about."""

    priority: Literal["kept", "lost"]  # of an order that the change cancels: lost
    trades: list[TradeView]  # of this order, by this change
    bbo: BboView
    repeated: bool = False  # it was changed before, under the same Idempotency-Key


def amend_answer(view: OrderView, applied: CommandResult, order_id: OrderId, exchange: Exchange) -> AmendAnswer:
    """The answer to an amend that was carried out; `view` is the order after it. O(events)."""
    first = applied.events[0]
    book = exchange.books[view.symbol]
    trades = [
        trade_view(event, book.instrument, applied.ts_ns, applied.seq)
        for event in applied.events
        if isinstance(event, Filled) and order_id in (event.maker_order_id, event.taker_order_id)
    ]
    return AmendAnswer(
        **msgspec.structs.asdict(view),
        priority="kept" if isinstance(first, Amended) and first.kept_priority else "lost",
        trades=trades,
        bbo=bbo_view(book, exchange.seq, exchange.ts_ns),
    )
