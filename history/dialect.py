"""What SQLite does in its own way for who reads: opening, and reading many rows at once.

Rows come out as one JSON document per statement. Python's sqlite3 takes the interpreter lock again for each row it
fetches, and beside a busy event loop each time can cost the whole switch interval (5 ms). With one document the
database's own code does the rows, without that lock.
Layer: history.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, Select, bindparam, create_engine, literal_column
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.pool import QueuePool

from history import cells
from history.layout import PLACES
from history.sqlite import connect_reader

# `:document` is a JSON list of [account, client order id]; gives [index, latest order id or null] for each
LATEST_NAMED: Final = (  # noqa: S608 # our own names
    "SELECT json_group_array(json_array(key, (SELECT {order_id} FROM orders"  # nosec B608 # our own names
    " WHERE account = json_extract(value, '$[0]') AND client_order_id = json_extract(value, '$[1]')"
    " AND place >= (SELECT max(place) FROM orders WHERE account = json_extract(value, '$[0]')"
    " AND client_order_id = json_extract(value, '$[1]')) / {places} * {places}"
    " ORDER BY place LIMIT 1))) FROM json_each(:document)"
).format(order_id=cells.ORDER["order_id"], places=PLACES)
# The trades before `:before` that moved something of `:account`: the newest `:limit`. Every trade moves a quote asset.
_RANGE: Final = (
    "SELECT trade_id FROM account_trades AS moved WHERE moved.account = :account AND moved.asset_id = {asset}"
    " AND moved.trade_id < :before ORDER BY moved.trade_id DESC LIMIT :limit"
)
TRADES_OF_ASSET: Final = _RANGE.format(asset="(SELECT asset_id FROM assets WHERE name = :asset)")
TRADES_OF_ACCOUNT: Final = (
    "SELECT DISTINCT each.value AS trade_id FROM (SELECT DISTINCT quote_id FROM symbols) AS quotes,"  # noqa: S608  # nosec B608 # our own names
    f" json_each((SELECT json_group_array(trade_id) FROM ({_RANGE.format(asset='quotes.quote_id')}))) AS each"
    " ORDER BY each.value DESC LIMIT :limit"
)
NEWEST_BY_SEQ: Final = (  # the first trade behind command `:until`; those are few, since the history is never far ahead
    "SELECT coalesce(max(trade_id), 0) + 1 FROM (SELECT trade_id FROM trades WHERE seq <= :until"
    " ORDER BY trade_id DESC LIMIT 1)"
)
NEWEST_BY_POSTING: Final = (  # the first trade of which all postings are from `:posting` on
    "SELECT coalesce(max(trade_id), 0) + 1 FROM (SELECT trade_id FROM trades WHERE posting_id < :posting"
    " ORDER BY posting_id DESC LIMIT 1)"
)
CASH: Final = {
    "posting_id": "postings.posting_id",
    "account": "postings.account",
    "asset": "(SELECT assets.name FROM assets WHERE assets.asset_id = postings.asset_id)",
    "amount": "postings.amount",
    "seq": "postings.seq",
    "ts_ns": "postings.ts_ns",
}
"""A deposit or a withdrawal."""
POSTED_TRADE: Final = {
    "posting_id": "trades.posting_id",
    "base": "(SELECT assets.name FROM symbols JOIN assets ON asset_id = base_id WHERE symbol_id = trades.symbol_id)",
    "quote": "(SELECT assets.name FROM symbols JOIN assets ON asset_id = quote_id WHERE symbol_id = trades.symbol_id)",
    "lot_amount": "json((SELECT lot_amount FROM symbols WHERE symbol_id = trades.symbol_id))",
    **cells.TRADE,
}
"""A trade with what its postings are made of."""
READERS_MAX: Final = 4  # connections kept for reading; more wait for one


def open_reader(path: Path) -> Engine:
    """Connections that cannot write. The file must exist when one is used. Errors name no rows: they may be logged."""
    return create_engine(
        "sqlite://",
        creator=partial(connect_reader, path),
        poolclass=QueuePool,
        pool_size=READERS_MAX,
        max_overflow=0,
        hide_parameters=True,
    )


def limited(rows: Select[Any]) -> Select[Any]:
    """The first `:limit` of `rows`. The offset is written out, or compiling would add a parameter for it."""
    return rows.limit(bindparam("limit")).offset(literal_column("0"))


def select_document(rows: Select[Any], table: str, read: Mapping[str, str]) -> str:
    """The SQL for one JSON array of arrays: of each of `rows`, which are of `table`, the cells that `read` makes.

    Parameters by name. The order of the rows is not promised. Amounts are JSON numbers of any size. Compiling takes
    about half a millisecond, so callers keep the text.
    """
    return document_of(str(rows.compile(dialect=SQLiteDialect_pysqlite(paramstyle="named"))), table, read)


def document_of(rows: str, table: str, read: Mapping[str, str]) -> str:
    """The same of rows that are SQL already."""
    return f"SELECT json_group_array(json_array({cells.document_cells(read)})) FROM ({rows}) AS {table}"  # noqa: S608  # nosec B608 # our own names
