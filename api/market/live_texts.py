"""The best prices and the trades of this moment as JSON, made once for all that send them: answers, feed and tape.

What is kept has a bound. It is found by the very values that it is made of, so it is never of another moment.
Layer: api.market.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from api.json.encoded import json_text, moment_text, seconds_text
from api.market.views import BBOS_KEPT, best_texts
from engine.book import OrderBook
from engine.events import Filled
from engine.types import Ticks
from listings.grid import Grid

TRADES_KEPT: Final = 1_024
SYMBOLS_KEPT: Final = 1_024

_trades: Final[dict[int, tuple[Filled, str]]] = {}  # by trade id; whether it is the same trade is checked

quoted_symbol = lru_cache(SYMBOLS_KEPT)(json_text)


def quoted(text: str | None) -> str:
    """A text of digits or of a word of ours as JSON."""
    return "null" if text is None else f'"{text}"'


def bbo_text(book: OrderBook, grid: Grid, seq: int, ts_ns: int) -> str:
    """What `bbo_view` has, as JSON; `grid` is the one of the book's instrument. O(1)."""
    bid, ask, side = book.bids.best, book.asks.best, book.band.limit_side
    best = _best_text(
        grid,
        None if bid is None else bid.price,
        0 if bid is None else bid.quantity,
        None if ask is None else ask.price,
        0 if ask is None else ask.quantity,
    )
    limit_state = "null" if side is None else f'"{side!s}"'
    return (
        f'{best},"timestamp":{seconds_text(ts_ns)},"seq":{seq},"status":"{book.status!s}","limit_state":{limit_state}}}'
    )


def trade_text(trade: Filled, grid: Grid, ts_ns: int, seq: int) -> str:
    """What `trade_view` has of a trade that has just happened, as JSON; `grid` is the one of its instrument."""
    kept = _trades.get(trade.trade_id)
    if kept is not None and kept[0] is trade:
        return kept[1]
    if len(_trades) >= TRADES_KEPT:
        _trades.clear()
    amounts = grid.amounts
    text = (
        f'{{{moment_text(ts_ns)},"symbol":{quoted_symbol(trade.symbol)},"trade_id":"{trade.trade_id}",'
        f'"price":"{grid.prices[trade.price]}","quantity":"{grid.quantities[trade.quantity]}",'
        f'"aggressor_side":"{trade.taker_side!s}","maker_order_id":"{trade.maker_order_id}",'
        f'"taker_order_id":"{trade.taker_order_id}","maker_fee":"{amounts[trade.maker_fee]}",'
        f'"taker_fee":"{amounts[trade.taker_fee]}","trade_value":"{amounts[trade.notional]}","seq":{seq},'
        f'"auction":{"true" if trade.auction else "false"},"self_trade":{"true" if trade.self_trade else "false"}}}'
    )
    _trades[trade.trade_id] = trade, text
    return text


@lru_cache(BBOS_KEPT)  # most commands leave the best levels of their book as they are
def _best_text(grid: Grid, bid: Ticks | None, bid_quantity: int, ask: Ticks | None, ask_quantity: int) -> str:
    best_bid, best_ask, spread, middle, bid_size, ask_size = best_texts(grid, bid, bid_quantity, ask, ask_quantity)
    return (
        f'{{"symbol":{quoted_symbol(grid.instrument.symbol)},"best_bid":{quoted(best_bid)},"best_ask":{quoted(best_ask)},'
        f'"spread":{quoted(spread)},"mid_price":{quoted(middle)},"bid_size":"{bid_size}","ask_size":"{ask_size}"'
    )
