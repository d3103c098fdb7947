"""The numbers that a refusal was decided by, for its answer. A refused command leaves everything as it was.

Nothing is worked out for an order that is taken. Layer: engine.
"""

from __future__ import annotations

from engine.book import OrderBook
from engine.events import Figures
from engine.rejects import RejectReason
from engine.rules import collar_limit, reference_price
from engine.types import Side


def market_figures(book: OrderBook, side: Side, reason: RejectReason) -> Figures | None:
    """Those of a refusal that has to do with the symbol and its book. O(1)."""
    if reason is RejectReason.SYMBOL_NOT_TRADING:
        return Figures(status=book.status)
    if reason is RejectReason.PRICE_OUTSIDE_COLLAR:
        return Figures(side=side, reference=reference_price(book, side), limit=collar_limit(book, side))
    if reason is RejectReason.POST_ONLY_WOULD_TAKE:
        return Figures(side=side, best=book.opposite(side).best_price)
    return None
