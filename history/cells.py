"""What the lean cells of orders and trades stand for, as SQL: for who reads, and for the views beside the tables.

Each text is an expression over a row of the table of its name.
Layer: history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from engine.types import LEG_UNIT
from history import layout
from history.layout import PLACES


def _word(column: str, words: Sequence[str]) -> str:
    cases = " ".join(f"WHEN {number} THEN '{word}'" for number, word in enumerate(words))
    return f"CASE {column} {cases} END"


def _order_id(place: str) -> str:
    return f"({place} % {PLACES} * {LEG_UNIT} + {place} / {PLACES})"


def _symbol(column: str) -> str:
    return f"(SELECT symbols.name FROM symbols WHERE symbols.symbol_id = {column})"  # noqa: S608  # nosec B608 # our own columns


ORDER: Final = {
    "order_id": _order_id("orders.place"),
    "account": "orders.account",
    "symbol": _symbol("orders.symbol_id"),
    "side": _word("orders.side", layout.SIDES),
    "order_type": _word("orders.order_type", layout.ORDER_TYPES),
    "time_in_force": _word("orders.time_in_force", layout.TIMES_IN_FORCE),
    "price": "orders.price",
    "quantity": "orders.quantity",
    "cum": "(orders.quantity - orders.leaves)",
    "quote_cum": "orders.quote_cum",
    "fees": "orders.fees",
    "client_order_id": "orders.client_order_id",
    "entered_ns": "(orders.ended_ns - orders.age_ns)",
    "ended_seq": "orders.ended_seq",
    "ended_ns": "orders.ended_ns",
    "status": _word("orders.status", layout.STATUSES),
    "reason": _word("orders.reason", layout.REASONS),
    "terms": "orders.terms",
    "prevention": _word("orders.prevention", layout.PREVENTIONS),
}
"""The fields of `history.store.DoneOrder`, in its order."""

TRADE: Final = {
    "trade_id": "trades.trade_id",
    "seq": "trades.seq",
    "ts_ns": "trades.ts_ns",
    "symbol": _symbol("trades.symbol_id"),
    "price": "trades.price",
    "quantity": "trades.quantity",
    "notional": "trades.notional",
    "taker_side": _word("trades.taker_side", layout.SIDES),
    "maker_order_id": _order_id("trades.maker_place"),
    "taker_order_id": _order_id("trades.taker_place"),
    "maker_account": "trades.maker_account",
    "taker_account": "trades.taker_account",
    "maker_fee": "trades.maker_fee",
    "taker_fee": "trades.taker_fee",
    "auction": "trades.auction",
    "self_trade": "trades.self_trade",
}
"""The fields of `history.store.Trade`, in its order."""

CANDLE: Final = {
    name: f"candles.{name}"
    for name in (
        "time", "open", "high", "low", "close", "volume",
        "quote_volume", "trades", "taker_volume", "taker_quote_volume",
    )
}  # fmt: skip
"""The fields of `history.candles.Candle`, in its order."""

AMOUNTS: Final = frozenset(
    {
        "quote_cum", "fees", "notional", "maker_fee", "taker_fee", "volume", "quote_volume", "taker_volume",
        "taker_quote_volume", "amount",
    }
)  # of any size  # fmt: skip
JSON: Final = frozenset({"terms"})

VIEWS: Final = {"done_orders": ("orders", ORDER), "executed_trades": ("trades", TRADE)}
"""By name: the table that each view shows, and its cells. For people and auditors who read the file."""


def document_cells(cells: Mapping[str, str]) -> str:
    """The arguments of `json_array` for one row."""
    return ", ".join(
        f"json({expression})" if name in AMOUNTS or name in JSON else expression for name, expression in cells.items()
    )
