"""Deletes what is old: done orders, trades, postings, and candles shorter than an hour.

In small steps, each one transaction of the writer's. Freed pages are used again, so the file grows no more once as much
goes as comes.
Layer: history. Blocks.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from engine.ledger import FEE_ACCOUNT
from engine.recent import HOUR_NS
from history.candles import SECOND_NS, SECONDS, Interval

LEAST_DAYS: Final = 2  # a history keeps no less: whole days beyond what the engine remembers of done orders
KEPT_NS: Final = LEAST_DAYS * 24 * HOUR_NS
FINE: Final = tuple(seconds for seconds in SECONDS.values() if seconds < SECONDS[Interval.ONE_HOUR])

_OLD_TRADE: Final = (
    "SELECT max(trade_id), count(*) FROM (SELECT trade_id, ts_ns FROM trades ORDER BY trade_id LIMIT ?) WHERE ts_ns < ?"
)
_OF_TRADES: Final = "SELECT {}, {}, trade_id FROM trades JOIN symbols USING (symbol_id) WHERE trade_id <= ?1"
_DELETE_ACCOUNT_TRADES: Final = (
    "DELETE FROM account_trades WHERE (account, asset_id, trade_id) IN ("  # noqa: S608  # nosec B608 # our own names
    + " UNION ALL ".join(
        _OF_TRADES.format(account, asset)
        for account, asset in (
            ("maker_account", "base_id"),
            ("maker_account", "quote_id"),
            ("taker_account", "base_id"),
            ("taker_account", "quote_id"),
            (FEE_ACCOUNT, "quote_id"),
        )
    )
    + ")"
)
_OLD_POSTING: Final = (
    "SELECT max(posting_id), count(*) FROM (SELECT posting_id, ts_ns FROM postings ORDER BY posting_id LIMIT ?)"
    " WHERE ts_ns < ?"
)
_PLACES: Final = (  # the last of the next orders, how many, and when the last was entered
    "SELECT max(place), count(*), max(ended_ns - age_ns)"
    " FROM (SELECT place, ended_ns, age_ns FROM orders WHERE place > ? ORDER BY place LIMIT ?)"
)
_DELETE_ORDERS: Final = "DELETE FROM orders WHERE place > ? AND place <= ? AND ended_ns < ?"
_DELETE_CANDLES: Final = (
    "DELETE FROM candles WHERE symbol_id = ?1 AND interval_s = ?2 AND time IN (SELECT time FROM candles"
    " WHERE symbol_id = ?1 AND interval_s = ?2 AND time < ?3 ORDER BY time LIMIT ?4)"
)


def prune(connection: sqlite3.Connection, before_ns: int, place: int, limit: int) -> tuple[int, bool]:
    """Delete up to `limit` rows of each table that are older than `before_ns`; within a transaction.

    Orders ended in another order than they are stored in: those behind `place` are looked at. Returns from which on the
    next call goes on, and whether there may be more. O(limit).
    """
    more = _prune_trades(connection, before_ns, limit)
    more |= _prune_postings(connection, before_ns, limit)
    more |= _prune_candles(connection, before_ns, limit)
    last, count, entered_ns = connection.execute(_PLACES, (place, limit)).fetchone()
    if not count:
        return 0, more
    connection.execute(_DELETE_ORDERS, (place, last, before_ns))
    if count < limit or entered_ns >= before_ns:  # those behind were entered later, and so ended later
        return 0, more
    return last, True


def _prune_trades(connection: sqlite3.Connection, before_ns: int, limit: int) -> bool:
    last, count = connection.execute(_OLD_TRADE, (limit, before_ns)).fetchone()
    if last is not None:
        connection.execute(_DELETE_ACCOUNT_TRADES, (last,))
        connection.execute("DELETE FROM trades WHERE trade_id <= ?", (last,))
    return bool(count == limit)


def _prune_postings(connection: sqlite3.Connection, before_ns: int, limit: int) -> bool:
    last, count = connection.execute(_OLD_POSTING, (limit, before_ns)).fetchone()
    if last is not None:
        connection.execute("DELETE FROM postings WHERE posting_id <= ?", (last,))
    return bool(count == limit)


def _prune_candles(connection: sqlite3.Connection, before_ns: int, limit: int) -> bool:
    """Of all symbols together up to `limit`."""
    before, left = before_ns // SECOND_NS, limit
    for (symbol_id,) in connection.execute("SELECT symbol_id FROM symbols").fetchall():
        for seconds in FINE:
            left -= connection.execute(_DELETE_CANDLES, (symbol_id, seconds, before - seconds, left)).rowcount
            if left <= 0:
                return True
    return False
