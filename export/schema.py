"""The tables and their columns: what Documentation/export.md describes, and what every file has.

Layer: export. Pure.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

Value = int | str | bool | None
Row = tuple[Value, ...]  # a value for each column of its table, in order


class Kind(StrEnum):
    """What a column holds."""

    INTEGER = "integer"  # 64 bits
    DECIMAL = "decimal"  # an exact decimal, given as its text
    TEXT = "text"
    FLAG = "flag"
    TIME = "time"  # given as epoch nanoseconds


class Column(NamedTuple):
    """One column of a table."""

    name: str
    kind: Kind


_MOMENT: Final = (Column("seq", Kind.INTEGER), Column("ts_ns", Kind.INTEGER), Column("time", Kind.TIME))

ORDERS: Final = (
    Column("order_id", Kind.INTEGER),
    Column("seq", Kind.INTEGER),
    Column("entered_ns", Kind.INTEGER),
    Column("entered", Kind.TIME),
    Column("account", Kind.INTEGER),
    Column("symbol", Kind.TEXT),
    Column("side", Kind.TEXT),
    Column("order_type", Kind.TEXT),
    Column("time_in_force", Kind.TEXT),
    Column("client_order_id", Kind.TEXT),
    Column("price", Kind.DECIMAL),
    Column("price_ticks", Kind.INTEGER),
    Column("stop_price", Kind.DECIMAL),
    Column("quantity", Kind.DECIMAL),
    Column("quantity_lots", Kind.INTEGER),
    Column("display_quantity", Kind.DECIMAL),
    Column("post_only", Kind.TEXT),
    Column("status", Kind.TEXT),
    Column("reason", Kind.TEXT),
    Column("filled", Kind.DECIMAL),
    Column("filled_lots", Kind.INTEGER),
    Column("average_price", Kind.DECIMAL),
    Column("notional", Kind.DECIMAL),
    Column("fees", Kind.DECIMAL),
    Column("fills", Kind.INTEGER),
    Column("amendments", Kind.INTEGER),
    Column("ended_seq", Kind.INTEGER),
    Column("ended_ns", Kind.INTEGER),
    Column("ended", Kind.TIME),
)
TRADES: Final = (
    Column("trade_id", Kind.INTEGER),
    *_MOMENT,
    Column("symbol", Kind.TEXT),
    Column("price", Kind.DECIMAL),
    Column("price_ticks", Kind.INTEGER),
    Column("quantity", Kind.DECIMAL),
    Column("quantity_lots", Kind.INTEGER),
    Column("notional", Kind.DECIMAL),
    Column("aggressor_side", Kind.TEXT),
    Column("maker_order_id", Kind.INTEGER),
    Column("taker_order_id", Kind.INTEGER),
    Column("maker_account", Kind.INTEGER),
    Column("taker_account", Kind.INTEGER),
    Column("maker_fee", Kind.DECIMAL),
    Column("taker_fee", Kind.DECIMAL),
    Column("auction", Kind.FLAG),
    Column("self_trade", Kind.FLAG),
)
BOOK: Final = (
    *_MOMENT,
    Column("symbol", Kind.TEXT),
    Column("side", Kind.TEXT),
    Column("price", Kind.DECIMAL),
    Column("price_ticks", Kind.INTEGER),
    Column("quantity", Kind.DECIMAL),
    Column("quantity_lots", Kind.INTEGER),
    Column("orders", Kind.INTEGER),
    Column("initial", Kind.FLAG),
)
EVENTS: Final = (
    *_MOMENT,
    Column("number", Kind.INTEGER),
    Column("command", Kind.TEXT),
    Column("event", Kind.TEXT),
    Column("symbol", Kind.TEXT),
    Column("account", Kind.INTEGER),
    Column("order_id", Kind.INTEGER),
    Column("trade_id", Kind.INTEGER),
    Column("fields", Kind.TEXT),
)
FILLS: Final = (  # of one account, without who was on the other side
    Column("trade_id", Kind.INTEGER),
    *_MOMENT,
    Column("symbol", Kind.TEXT),
    Column("order_id", Kind.INTEGER),
    Column("side", Kind.TEXT),
    Column("liquidity", Kind.TEXT),
    Column("price", Kind.DECIMAL),
    Column("quantity", Kind.DECIMAL),
    Column("notional", Kind.DECIMAL),
    Column("fee", Kind.DECIMAL),
)
PROFIT: Final = (  # of one account: a row for each symbol that it traded in the session
    Column("symbol", Kind.TEXT),
    Column("quote", Kind.TEXT),
    Column("position", Kind.DECIMAL),
    Column("cost", Kind.DECIMAL),
    Column("realised", Kind.DECIMAL),
    Column("fees", Kind.DECIMAL),
    Column("last_price", Kind.DECIMAL),
    Column("value", Kind.DECIMAL),
    Column("profit", Kind.DECIMAL),
    Column("fills", Kind.INTEGER),
)
ACCOUNT_TABLES: Final = {"orders": ORDERS, "fills": FILLS, "profit": PROFIT}
TABLES: Final = {"orders": ORDERS, "trades": TRADES, "book": BOOK, "events": EVENTS}
