"""The tables of the history: orders that are done, trades, candles, postings, and how far all have come.

Units: prices are ticks, quantities lots, times epoch nanoseconds (all below 10^18, so BIGINT);
amounts are minor units of their asset, of any size, so they are kept as decimal text.
Layer: history. No dialect's own words here: they are in `history/dialect.py`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

SCHEMA_VERSION = 6  # raise it with every change below: a history of another version is built anew


class DecimalInteger(TypeDecorator[int]):
    """An int of any size, kept as decimal text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> Any:
        """Int to text."""
        return None if value is None else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> int | None:
        """Text to int."""
        return None if value is None else int(value)


class JsonText(TypeDecorator[Any]):
    """A JSON value, kept as its text."""

    impl = Text
    cache_ok = True


ID = BigInteger().with_variant(Integer(), "sqlite")  # SQLite: the row's own number, no index beside the table

METADATA = MetaData()

ORDERS = Table(
    "orders",
    METADATA,
    Column("order_id", ID, primary_key=True, autoincrement=False),
    Column("account", BigInteger, nullable=False),
    Column("symbol", String, nullable=False),
    Column("side", String, nullable=False),
    Column("order_type", String, nullable=False),
    Column("time_in_force", String, nullable=False),
    Column("price", BigInteger),
    Column("quantity", BigInteger, nullable=False),
    Column("cum", BigInteger, nullable=False),
    Column("quote_cum", DecimalInteger, nullable=False),
    Column("fees", DecimalInteger, nullable=False),
    Column("client_order_id", String),
    Column("entered_ns", BigInteger, nullable=False),
    Column("ended_seq", BigInteger, nullable=False),
    Column("ended_ns", BigInteger, nullable=False),
    Column("status", String, nullable=False),  # filled, cancelled, expired
    Column("reason", String),  # why it was cancelled
    Column("terms", JsonText),  # the options it had, if any
    Column("prevention", String, nullable=False),  # what it did when it met an order of its own account
    Column("entry", BigInteger, nullable=False),  # the order whose command this one came from; its own id mostly
)
Index("orders_by_account", ORDERS.c.account, ORDERS.c.entry.desc(), ORDERS.c.order_id.desc())
Index(
    "orders_by_account_and_symbol", ORDERS.c.account, ORDERS.c.symbol, ORDERS.c.entry.desc(), ORDERS.c.order_id.desc()
)
Index("orders_by_client_order_id", ORDERS.c.account, ORDERS.c.client_order_id, ORDERS.c.entry.desc())

TRADES = Table(
    "trades",
    METADATA,
    Column("trade_id", ID, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),  # of the command that caused it
    Column("ts_ns", BigInteger, nullable=False),
    Column("symbol", String, nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("notional", DecimalInteger, nullable=False),
    Column("taker_side", String, nullable=False),
    Column("maker_order_id", BigInteger, nullable=False),
    Column("taker_order_id", BigInteger, nullable=False),
    Column("maker_account", BigInteger, nullable=False),
    Column("taker_account", BigInteger, nullable=False),
    Column("maker_fee", DecimalInteger, nullable=False),
    Column("taker_fee", DecimalInteger, nullable=False),
    Column("auction", Integer, nullable=False),  # 1: of an auction's uncross
    Column("self_trade", Integer, nullable=False),  # 1: of an account with itself: in no candle
)
Index("trades_by_symbol", TRADES.c.symbol, TRADES.c.trade_id)
Index("trades_by_maker_order", TRADES.c.maker_order_id)
Index("trades_by_taker_order", TRADES.c.taker_order_id)
Index("trades_by_maker_account", TRADES.c.maker_account, TRADES.c.trade_id.desc())
Index("trades_by_taker_account", TRADES.c.taker_account, TRADES.c.trade_id.desc())

CANDLES = Table(  # of every symbol and interval in which something traded; the newest grows
    "candles",
    METADATA,
    Column("symbol", String, primary_key=True),
    Column("interval_s", Integer, primary_key=True, autoincrement=False),
    Column("time", BigInteger, primary_key=True, autoincrement=False),  # of its beginning, in epoch seconds
    Column("open", BigInteger, nullable=False),
    Column("high", BigInteger, nullable=False),
    Column("low", BigInteger, nullable=False),
    Column("close", BigInteger, nullable=False),
    Column("volume", DecimalInteger, nullable=False),
)

POSTINGS = Table(  # every change of what an account owns of an asset; they sum to its balance
    "postings",
    METADATA,
    Column("posting_id", ID, primary_key=True, autoincrement=False),  # counts in the order of the journal
    Column("account", BigInteger, nullable=False),
    Column("asset", String, nullable=False),
    Column("amount", DecimalInteger, nullable=False),  # below zero: it went away
    Column("kind", String, nullable=False),  # deposit, withdrawal, trade, fee, rebate
    Column("seq", BigInteger, nullable=False),  # of the command that caused it
    Column("ts_ns", BigInteger, nullable=False),
    Column("trade_id", BigInteger),
    Column("order_id", BigInteger),  # the account's own; of a fee that the venue got, the payer's
)
Index("postings_by_account", POSTINGS.c.account, POSTINGS.c.posting_id.desc())
Index("postings_by_account_and_asset", POSTINGS.c.account, POSTINGS.c.asset, POSTINGS.c.posting_id.desc())

ASSETS = Table(  # of every listed symbol, to name what a trade moves
    "assets",
    METADATA,
    Column("symbol", String, primary_key=True),
    Column("base", String, nullable=False),
    Column("quote", String, nullable=False),
    Column("lot_amount", DecimalInteger, nullable=False),  # one lot in minor units of the base asset
)

PROGRESS = Table(  # one row, written last when the tables are made
    "progress",
    METADATA,
    Column("schema_version", Integer, primary_key=True, autoincrement=False),
    Column("posting_id", BigInteger, nullable=False),  # of the last posting
    Column("applied_seq", BigInteger, nullable=False),  # everything up to here is in the other tables
)
