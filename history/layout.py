"""The tables of the history: orders that are done, trades, cash postings, candles, names, and how far all have come.

Lean: a name is a number of `SYMBOLS` or `ASSETS`, a word of a fixed list its place in the list, an order its `place`,
and what follows from another row is not stored: the postings of a trade follow from it (`history/postings.py`).
`history/cells.py` says what each cell stands for, and the views `done_orders` and `executed_trades` show it.
Units: prices are ticks, quantities lots, times epoch nanoseconds (all below 10^18, so 64 bits are enough);
amounts are minor units of their asset, of any size: integers where 64 bits are enough, beyond that decimal text.
As plain values, so that the process that writes needs no more; `history/schema.py` makes of them what queries are
written with.
Layer: history.
"""

from __future__ import annotations

import zlib
from enum import StrEnum
from typing import Final, NamedTuple

from engine.rejects import CancelReason
from engine.types import LEG_UNIT, OrderId, OrderStatus, OrderType, SelfTradePrevention, Side, TimeInForce, entry_of

SCHEMA_VERSION: Final = 8  # raise it with every change below: a history of another version is built anew

_INT64: Final = 2**63
PLACES: Final = 4  # of each entry: one for its own order, one for each leg, and one that no order has

# Words that are stored as their place in the list: append only.
SIDES: Final = (Side.BUY, Side.SELL)
ORDER_TYPES: Final = (
    OrderType.LIMIT, OrderType.MARKET, OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP, OrderType.OCO,
    OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT,
)  # fmt: skip
TIMES_IN_FORCE: Final = (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.DAY, TimeInForce.GTD)
STATUSES: Final = (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.EXPIRED)
REASONS: Final = (
    CancelReason.REQUESTED, CancelReason.BY_OPERATOR, CancelReason.NO_LIQUIDITY, CancelReason.IMMEDIATE_OR_CANCEL,
    CancelReason.FILL_OR_KILL, CancelReason.ACCOUNT_STOPPED, CancelReason.AMENDED_BELOW_FILLED, CancelReason.SELF_TRADE,
    CancelReason.ONE_CANCELS_OTHER, CancelReason.PRICE_BAND,
)  # fmt: skip
PREVENTIONS: Final = (
    SelfTradePrevention.NONE, SelfTradePrevention.CANCEL_NEWEST, SelfTradePrevention.CANCEL_OLDEST,
    SelfTradePrevention.CANCEL_BOTH, SelfTradePrevention.DECREMENT,
)  # fmt: skip


class Kind(StrEnum):
    """What a cell holds."""

    ID = "id"  # the row's own number: no index beside the table
    NUMBER = "number"
    CODE = "code"  # a word's place in its list
    TEXT = "text"
    AMOUNT = "amount"  # an int of any size: an integer, or decimal text beyond 64 bits
    JSON = "json"  # a JSON value, as its text


class Column(NamedTuple):
    """One column. `key`: part of the primary key."""

    name: str
    kind: Kind
    key: bool = False
    nullable: bool = False


class TableLayout(NamedTuple):
    """One table: its columns, and by name the columns of its indexes.

    An index has the row's own number behind its columns. `index_where`: the rows that an index has, where not all.
    `clustered`: the table is its primary key's tree.
    """

    name: str
    columns: tuple[Column, ...]
    indexes: dict[str, tuple[str, ...]]
    index_where: dict[str, str] = {}  # noqa: RUF012 # never changed
    clustered: bool = False


ORDERS: Final = TableLayout(
    "orders",
    (
        Column("place", Kind.ID, key=True),  # see `place_of`: in the order in which orders are listed
        Column("account", Kind.NUMBER),
        Column("symbol_id", Kind.NUMBER),
        Column("side", Kind.CODE),
        Column("order_type", Kind.CODE),
        Column("time_in_force", Kind.CODE),
        Column("price", Kind.NUMBER, nullable=True),
        Column("quantity", Kind.NUMBER),
        Column("leaves", Kind.NUMBER),  # of the quantity, what was not filled
        Column("quote_cum", Kind.AMOUNT),
        Column("fees", Kind.AMOUNT),
        Column("client_order_id", Kind.TEXT, nullable=True),
        Column("age_ns", Kind.NUMBER),  # from its entry to its end
        Column("ended_seq", Kind.NUMBER),
        Column("ended_ns", Kind.NUMBER),
        Column("status", Kind.CODE),  # filled, cancelled, expired
        Column("reason", Kind.CODE, nullable=True),  # why it was cancelled
        Column("terms", Kind.JSON, nullable=True),  # the options it had, if any
        Column("prevention", Kind.CODE),  # what it did when it met an order of its own account
    ),
    {
        "orders_by_account": ("account",),
        "orders_by_account_and_symbol": ("account", "symbol_id"),
        "orders_by_client_order_id": ("account", "client_order_id"),
    },
    {"orders_by_client_order_id": "client_order_id IS NOT NULL"},
)

TRADES: Final = TableLayout(
    "trades",
    (
        Column("trade_id", Kind.ID, key=True),
        Column("posting_id", Kind.NUMBER),  # the first of its postings
        Column("seq", Kind.NUMBER),  # of the command that caused it
        Column("ts_ns", Kind.NUMBER),
        Column("symbol_id", Kind.NUMBER),
        Column("price", Kind.NUMBER),
        Column("quantity", Kind.NUMBER),
        Column("notional", Kind.AMOUNT),
        Column("taker_side", Kind.CODE),
        Column("maker_place", Kind.NUMBER),  # of the orders
        Column("taker_place", Kind.NUMBER),
        Column("maker_account", Kind.NUMBER),
        Column("taker_account", Kind.NUMBER),
        Column("maker_fee", Kind.AMOUNT),
        Column("taker_fee", Kind.AMOUNT),
        Column("auction", Kind.NUMBER),  # 1: of an auction's uncross
        Column("self_trade", Kind.NUMBER),  # 1: of an account with itself: in no candle
    ),
    {
        "trades_by_symbol": ("symbol_id",),
        "trades_by_maker_order": ("maker_place",),
        "trades_by_taker_order": ("taker_place",),
        "trades_by_posting": ("posting_id",),
    },
)

ACCOUNT_TRADES: Final = TableLayout(  # which trades moved an asset of an account: of each both assets, and paid fees
    "account_trades",
    (
        Column("account", Kind.NUMBER, key=True),
        Column("asset_id", Kind.NUMBER, key=True),
        Column("trade_id", Kind.NUMBER, key=True),
    ),
    {},
    clustered=True,
)

POSTINGS: Final = TableLayout(  # changes of what an account owns that no trade made: deposits and withdrawals
    "postings",
    (
        Column("posting_id", Kind.ID, key=True),  # counts in the order of the journal, those of the trades among them
        Column("account", Kind.NUMBER),
        Column("asset_id", Kind.NUMBER),
        Column("amount", Kind.AMOUNT),  # below zero: it went away
        Column("seq", Kind.NUMBER),  # of the command that caused it
        Column("ts_ns", Kind.NUMBER),
    ),
    {"postings_by_account": ("account",), "postings_by_account_and_asset": ("account", "asset_id")},
)

CANDLES: Final = TableLayout(  # of every symbol and interval in which something traded; the newest grows
    "candles",
    (
        Column("symbol_id", Kind.NUMBER, key=True),
        Column("interval_s", Kind.NUMBER, key=True),
        Column("time", Kind.NUMBER, key=True),  # of its beginning, in epoch seconds
        Column("open", Kind.NUMBER),
        Column("high", Kind.NUMBER),
        Column("low", Kind.NUMBER),
        Column("close", Kind.NUMBER),
        Column("volume", Kind.AMOUNT),
        Column("quote_volume", Kind.AMOUNT),
        Column("trades", Kind.NUMBER),
        Column("taker_volume", Kind.AMOUNT),  # what takers bought
        Column("taker_quote_volume", Kind.AMOUNT),
    ),
    {},
    clustered=True,
)

ASSETS: Final = TableLayout(
    "assets",
    (Column("asset_id", Kind.ID, key=True), Column("name", Kind.TEXT)),
    {"assets_by_name": ("name",)},
)

SYMBOLS: Final = TableLayout(  # every listed symbol, and what a trade of it moves
    "symbols",
    (
        Column("symbol_id", Kind.ID, key=True),
        Column("name", Kind.TEXT),
        Column("base_id", Kind.NUMBER),
        Column("quote_id", Kind.NUMBER),
        Column("lot_amount", Kind.AMOUNT),  # one lot in minor units of the base asset
    ),
    {"symbols_by_name": ("name",), "symbols_by_quote": ("quote_id",)},
)

PROGRESS: Final = TableLayout(  # one row, written last when the tables are made
    "progress",
    (
        Column("schema_version", Kind.ID, key=True),
        Column("posting_id", Kind.NUMBER),  # of the last posting
        Column("applied_seq", Kind.NUMBER),  # everything up to here is in the other tables,
        Column("begun_seq", Kind.NUMBER),  # from the command behind this one on
        Column("pruned_ns", Kind.NUMBER),  # what was over before may have been deleted
        Column("checksum", Kind.NUMBER),  # of this row: see `progress_checksum`
    ),
    {},
)

TABLES: Final = (ORDERS, TRADES, ACCOUNT_TRADES, POSTINGS, CANDLES, ASSETS, SYMBOLS, PROGRESS)


def place_of(order_id: OrderId) -> int:
    """Where an order stands among all: legs are beside the order whose command they came from. Grows with the id's seq.

    A number that can be no order's id has a place that no order has.
    """
    if 0 <= order_id < LEG_UNIT:  # no leg, as nearly all
        return order_id * PLACES
    leg = order_id // LEG_UNIT
    return entry_of(order_id) * PLACES + (leg if 0 <= leg < PLACES - 1 else PLACES - 1)


def stored(amount: int) -> int | str:
    """An amount as its cell: an integer where 64 bits are enough, else decimal text."""
    return amount if -_INT64 <= amount < _INT64 else str(amount)


def progress_checksum(posting_id: int, applied_seq: int, begun_seq: int, pruned_ns: int) -> int:
    """What proves the row of `PROGRESS`, by which starts decide whether history and journal belong together."""
    return zlib.crc32(f"{SCHEMA_VERSION} {posting_id} {applied_seq} {begun_seq} {pruned_ns}".encode())
