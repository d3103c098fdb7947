"""Orders that are done, trades, candles and postings, looked up by id, by owner, by symbol and by asset.

The history is derived: the journal holds the commands, replaying them gives the events again, and
`write` takes up where `applied_seq` stands. So nothing here needs to be flushed to disk, and a
history that is lost, damaged or of another version is simply built anew.
Units: ticks, lots, minor units and epoch nanoseconds, as in the engine; the API formats them.
Layer: history. Everything here blocks: from a greenlet use `HistoryWriter`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sqlalchemy import BindParameter, Connection, bindparam, insert, inspect, select, tuple_, union_all, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.sql import ColumnElement

from engine.events import Cancelled, CommandResult, Completed, Ended, Expired, Filled
from engine.rejects import CancelReason
from engine.terms import Terms
from engine.types import (
    AccountId,
    Amount,
    Lots,
    OrderId,
    OrderStatus,
    OrderType,
    SelfTradePrevention,
    Seq,
    Side,
    Ticks,
    TimeInForce,
    TradeId,
    entry_of,
)
from history import dialect
from history.candles import END_OF_TIME, Candle, CandleMaker, Interval, candles_sql, stored_running
from history.postings import Posting, PostingMaker, TradedAssets
from history.schema import ASSETS, CANDLES, METADATA, ORDERS, POSTINGS, PROGRESS, SCHEMA_VERSION, TRADES
from loop.errors import StoreError

log = logging.getLogger(__name__)

PAGE_ROWS = 100  # when a read does not say how many
FILLS_MAX = 10_000  # fills of one order in one answer
NEWEST = 2**63 - 1  # greater than every id


class StoreAhead(StoreError):
    """The history is ahead of the journal: it belongs to another journal."""


class StoreGap(StoreError):
    """What is to be written does not follow what was written."""


class DoneOrder(msgspec.Struct, frozen=True, array_like=True):
    """An order that is done, with the attributes of `engine.events.Ended` and how and when it ended."""

    order_id: OrderId
    account: AccountId
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    price: Ticks | None
    quantity: Lots
    cum: Lots
    quote_cum: Amount
    fees: Amount
    client_order_id: str | None
    entered_ns: int
    ended_seq: Seq
    ended_ns: int
    status: OrderStatus  # filled, cancelled or expired
    reason: CancelReason | None  # why it was cancelled
    terms: Terms | None
    prevention: SelfTradePrevention


class Trade(msgspec.Struct, frozen=True, array_like=True):
    """One match, with the attributes of `engine.events.Filled` that stay true afterwards."""

    trade_id: TradeId
    seq: Seq  # of the command that caused it
    ts_ns: int
    symbol: str
    price: Ticks
    quantity: Lots
    notional: Amount
    taker_side: Side
    maker_order_id: OrderId
    taker_order_id: OrderId
    maker_account: AccountId
    taker_account: AccountId
    maker_fee: Amount
    taker_fee: Amount
    auction: int = 0  # 1: of an auction's uncross
    self_trade: int = 0  # 1: of an account with itself: in no candle


Row = TypeVar("Row", DoneOrder, Trade)

_INSERT_ORDERS = dialect.insert_document(ORDERS)
_INSERT_TRADES = dialect.insert_document(TRADES)
_INSERT_CANDLES = dialect.insert_document(CANDLES)
_INSERT_POSTINGS = dialect.insert_document(POSTINGS)
_INSERT_ASSETS = dialect.insert_document(ASSETS)
_ORDER_ROWS = msgspec.json.Decoder(list[DoneOrder])
_NAMED_ROWS = msgspec.json.Decoder(list[tuple[int, OrderId | None]])
_TRADE_ROWS = msgspec.json.Decoder(list[Trade])
_CANDLE_ROWS = msgspec.json.Decoder(list[Candle])
_POSTING_ROWS = msgspec.json.Decoder(list[Posting])


def listing_key(order_id: OrderId) -> tuple[OrderId, OrderId]:
    """The sort key of listed orders: legs are beside the order whose command they came from."""
    return entry_of(order_id), order_id


class History:
    """The history in one SQLite file. One thread may write while others read."""

    def __init__(self, path_or_url: str | Path) -> None:
        """Open the file, or make it; make it anew when it is damaged or of another schema version.

        Raises ValueError for a URL of another database, sqlalchemy's OperationalError when the
        file cannot be opened.
        """
        self.path = dialect.database_path(path_or_url)
        self._writer = dialect.open_writer(self.path)
        self._postings = PostingMaker({}, 0)
        self._candles = CandleMaker({})
        self.applied_seq = self._open()  # everything up to this seq is stored
        self._reader = dialect.open_reader(self.path)

    def close(self) -> None:
        """Close every connection."""
        self._reader.dispose()
        self._writer.dispose()

    def require_not_ahead(self, journal_seq: Seq) -> None:
        """Raise StoreAhead when more is stored than a journal that ends at `journal_seq` can have caused."""
        if self.applied_seq > journal_seq:
            raise StoreAhead(
                f"{self.path} knows commands up to {self.applied_seq}, the journal ends at {journal_seq}: the journal "
                "has lost its end (is there a journal.torn file beside it?), or it is another one. To go on with the "
                f"journal as it is, delete {self.path}; it is built anew."
            )

    # -- writing

    def write(self, applied: Sequence[CommandResult]) -> None:
        """Store what `applied` caused and that it is stored, in one transaction. O(events).

        What is stored already is skipped, so a batch may come again. Raises StoreGap when the
        rest does not follow `applied_seq` without a hole, and sqlalchemy's DatabaseError when
        the database refuses; nothing of the batch is stored then.
        """
        fresh = [item for item in applied if item.seq > self.applied_seq]
        if not fresh:
            return
        last_seq = fresh[-1].seq
        if fresh[0].seq != self.applied_seq + 1 or last_seq != self.applied_seq + len(fresh):
            raise StoreGap(f"stored up to {self.applied_seq}; cannot go on with {fresh[0].seq} to {last_seq}")
        orders, trades = _rows(fresh)
        candles, newest = self._candles.rows(trades)
        postings, listed = self._postings.rows(fresh)
        with self._writer.begin() as connection:
            _insert(connection, _INSERT_ORDERS, orders)
            _insert(connection, _INSERT_TRADES, trades)
            _insert(connection, _INSERT_CANDLES, candles)
            _insert(connection, _INSERT_POSTINGS, postings)
            _insert(connection, _INSERT_ASSETS, [_asset_row(assets) for assets in listed.values()])
            last_id = self._postings.last_id + len(postings)
            connection.execute(update(PROGRESS).values(applied_seq=last_seq, posting_id=last_id))
        self._candles.take(newest)
        self._postings.take(postings, listed)
        self.applied_seq = last_seq

    # -- reading

    def order(self, order_id: OrderId) -> DoneOrder | None:
        """One done order, or None. O(log orders)."""
        found = self._orders(_order_sql(), order_id=order_id)
        return found[0] if found else None

    def order_by_client_id(self, account: AccountId, client_order_id: str) -> DoneOrder | None:
        """The latest done order that `account` entered under this id, or None. O(log orders)."""
        found = self._orders(_named_order_sql(), account=account, client_order_id=client_order_id, limit=1)
        return found[0] if found else None

    def named_orders(self, names: Sequence[tuple[AccountId, str]]) -> list[OrderId | None]:
        """For each account and client order id the latest done order entered under it. O(names * log orders)."""
        document = msgspec.json.encode(names).decode()
        found = dict(_NAMED_ROWS.decode(self._document(dialect.LATEST_NAMED, {"document": document})))
        return [found[index] for index in range(len(names))]

    def orders(
        self,
        account: AccountId,
        symbol: str | None = None,
        before_order_id: OrderId | None = None,
        limit: int = PAGE_ROWS,
        status: OrderStatus | None = None,
    ) -> list[DoneOrder]:
        """Done orders of `account`, newest first. For the next page give the last one's order id.

        A leg stands beside the order whose command it came from. O(log orders + limit); with
        `status`, O(orders passed over) on top.
        """
        filters: dict[str, Any] = {"account": account}
        if symbol is not None:
            filters["symbol"] = symbol
        if status is not None:
            filters["status"] = status.value
        entry, before = (NEWEST, NEWEST) if before_order_id is None else listing_key(before_order_id)
        found = self._orders(_orders_sql(*filters), entry=entry, before=before, limit=limit, **filters)
        found.sort(key=lambda row: listing_key(row.order_id), reverse=True)
        return found

    def fills(self, order_id: OrderId, after_trade_id: TradeId | None = None, limit: int = FILLS_MAX) -> list[Trade]:
        """The trades of one order, open or done, in the order they happened. O(log trades + fills)."""
        found = self._trades(_fills_sql(), order_id=order_id, after=after_trade_id or 0, limit=limit)
        found.sort(key=lambda row: row.trade_id)
        return found

    def trades(
        self, symbol: str | None = None, before_trade_id: TradeId | None = None, limit: int = PAGE_ROWS
    ) -> list[Trade]:
        """Trades of one symbol or of all, newest first. For the next page give the last one's trade id.

        O(log trades + limit).
        """
        filters = {} if symbol is None else {"symbol": symbol}
        before = NEWEST if before_trade_id is None else before_trade_id
        found = self._trades(_trades_sql(*filters), before=before, limit=limit, **filters)
        found.sort(key=lambda row: row.trade_id, reverse=True)
        return found

    def candles(
        self, symbol: str, interval: Interval, start: int | None = None, end: int | None = None, limit: int = PAGE_ROWS
    ) -> list[Candle]:
        """Candles that begin from `start` on and before `end` (epoch seconds), oldest first, the running one included.

        Of more than `limit` the oldest when `start` is given, else the newest. O(log candles + limit).
        """
        span = {"start": start or 0, "end": END_OF_TIME if end is None else end}
        sql = candles_sql(oldest_first=start is not None)
        document = self._document(sql, {"symbol": symbol, "interval_s": interval.seconds, "limit": limit, **span})
        found = _CANDLE_ROWS.decode(document)
        found.sort(key=lambda row: row.time)
        return found

    def account_fills(
        self,
        account: AccountId,
        symbol: str | None = None,
        before_trade_id: TradeId | None = None,
        limit: int = PAGE_ROWS,
    ) -> list[Trade]:
        """Trades with an order of `account` on either side, newest first; one with both sides comes once.

        For the next page give the last one's trade id. O(log trades + limit); with `symbol`,
        O(trades passed over) on top.
        """
        filters = {} if symbol is None else {"symbol": symbol}
        before = NEWEST if before_trade_id is None else before_trade_id
        found = self._trades(_account_fills_sql(*filters), account=account, before=before, limit=limit, **filters)
        found.sort(key=lambda row: row.trade_id, reverse=True)
        return found

    def postings(
        self, account: AccountId, asset: str | None = None, before_id: int | None = None, limit: int = PAGE_ROWS
    ) -> list[Posting]:
        """What came to and went from `account`, newest first. For the next page give the last one's posting id.

        O(log postings + limit).
        """
        filters: dict[str, Any] = {"account": account}
        if asset is not None:
            filters["asset"] = asset
        before = NEWEST if before_id is None else before_id
        document = self._document(_postings_sql(*filters), {"before": before, "limit": limit, **filters})
        found = _POSTING_ROWS.decode(document)
        found.sort(key=lambda row: row.posting_id, reverse=True)
        return found

    def _orders(self, sql: str, **parameters: Any) -> list[DoneOrder]:
        return _ORDER_ROWS.decode(self._document(sql, parameters))

    def _trades(self, sql: str, **parameters: Any) -> list[Trade]:
        return _TRADE_ROWS.decode(self._document(sql, parameters))

    def _document(self, sql: str, parameters: dict[str, Any]) -> str:
        with self._reader.connect() as connection:
            return str(connection.exec_driver_sql(sql, parameters).scalar_one())

    # -- opening

    def _open(self) -> Seq:
        """Return the stored `applied_seq`, after making the tables where they are not as needed."""
        try:
            names = inspect(self._writer).get_table_names()
            applied_seq = self._stored_seq() if PROGRESS.name in names else None
        except DatabaseError as error:
            if not dialect.is_damaged(error):
                raise
            log.warning("%s is damaged (%s): built anew from the journal", self.path, error.orig)
        else:
            if applied_seq is not None:
                return applied_seq
            if names:
                log.warning("%s is not of schema version %s: built anew from the journal", self.path, SCHEMA_VERSION)
        self._writer.dispose()
        dialect.discard(self.path)
        with self._writer.begin() as connection:
            METADATA.create_all(connection)
            connection.execute(insert(PROGRESS).values(schema_version=SCHEMA_VERSION, posting_id=0, applied_seq=0))
        return Seq(0)

    def _stored_seq(self) -> Seq | None:
        """The stored progress, or None when it is not of this schema version."""
        with self._writer.connect() as connection:
            columns = inspect(connection).get_columns(PROGRESS.name)
            if {column["name"] for column in columns} != set(PROGRESS.columns.keys()):
                return None
            row = connection.execute(select(PROGRESS)).one_or_none()
            if row is None or row.schema_version != SCHEMA_VERSION:
                return None
            assets = {asset.symbol: TradedAssets(*asset) for asset in connection.execute(select(ASSETS))}
            self._candles = CandleMaker(stored_running(connection, list(assets)))
        self._postings = PostingMaker(assets, row.posting_id)
        return Seq(row.applied_seq)


@cache
def _order_sql() -> str:
    rows = select(ORDERS).where(ORDERS.c.order_id == bindparam("order_id"))
    return dialect.select_document(rows, DoneOrder.__struct_fields__)


@cache
def _named_order_sql() -> str:
    named = ORDERS.c.client_order_id == bindparam("client_order_id")
    rows = select(ORDERS).where(ORDERS.c.account == bindparam("account"), named)
    latest = dialect.limited(rows.order_by(ORDERS.c.entry.desc(), ORDERS.c.order_id))
    return dialect.select_document(latest, DoneOrder.__struct_fields__)


@cache
def _orders_sql(*filters: str) -> str:
    """`filters`: the columns that must equal the parameter of their name."""
    row_key: ColumnElement[Any] = tuple_(ORDERS.c.entry, ORDERS.c.order_id)
    rows = select(ORDERS).where(row_key < tuple_(bindparam("entry"), bindparam("before")))
    rows = rows.where(*(ORDERS.c[name] == bindparam(name) for name in filters))
    page = dialect.limited(rows.order_by(ORDERS.c.entry.desc(), ORDERS.c.order_id.desc()))
    return dialect.select_document(page, DoneOrder.__struct_fields__)


@cache
def _trades_sql(*filters: str) -> str:
    """`filters`: the columns that must equal the parameter of their name."""
    rows = select(TRADES).where(TRADES.c.trade_id < bindparam("before"))
    rows = rows.where(*(TRADES.c[name] == bindparam(name) for name in filters))
    page = dialect.limited(rows.order_by(TRADES.c.trade_id.desc()))
    return dialect.select_document(page, Trade.__struct_fields__)


@cache
def _account_fills_sql(*filters: str) -> str:
    """`filters`: the columns that must equal the parameter of their name."""
    account: BindParameter[int] = bindparam("account")
    sides = []
    # two queries rather than one OR, since each side has its own index
    for column in (TRADES.c.maker_account, TRADES.c.taker_account):
        rows = select(TRADES).where(column == account, TRADES.c.trade_id < bindparam("before"))
        rows = rows.where(*(TRADES.c[name] == bindparam(name) for name in filters))
        if column is TRADES.c.taker_account:
            rows = rows.where(TRADES.c.maker_account != account)  # seen already, from the other side
        newest = dialect.limited(rows.order_by(TRADES.c.trade_id.desc())).subquery()
        sides.append(select(newest))
    both = union_all(*sides).subquery()
    page = dialect.limited(select(both).order_by(both.c.trade_id.desc()))
    return dialect.select_document(page, Trade.__struct_fields__)


@cache
def _postings_sql(*filters: str) -> str:
    """`filters`: the columns that must equal the parameter of their name."""
    rows = select(POSTINGS).where(POSTINGS.c.posting_id < bindparam("before"))
    rows = rows.where(*(POSTINGS.c[name] == bindparam(name) for name in filters))
    page = dialect.limited(rows.order_by(POSTINGS.c.posting_id.desc()))
    return dialect.select_document(page, Posting.__struct_fields__)


@cache
def _fills_sql() -> str:
    order_id: BindParameter[int] = bindparam("order_id")
    after = TRADES.c.trade_id > bindparam("after")
    rows = union_all(  # two queries rather than one OR, since each side has its own index
        select(TRADES).where(TRADES.c.maker_order_id == order_id, after),
        select(TRADES).where(TRADES.c.taker_order_id == order_id, after),
    ).subquery()
    first = dialect.limited(select(rows).order_by(rows.c.trade_id))
    return dialect.select_document(first, Trade.__struct_fields__)


def _insert(connection: Connection, statement: str, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        connection.exec_driver_sql(statement, {"document": msgspec.json.encode(rows).decode()})


def _rows(applied: Sequence[CommandResult]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The rows of `ORDERS` and of `TRADES` that `applied` makes, cells in the order of the columns.

    Amounts are text: JSON numbers beyond 64 bits would lose digits in the database.
    """
    orders: list[tuple[Any, ...]] = []
    trades: list[tuple[Any, ...]] = []
    for item in applied:
        for event in item.events:
            if isinstance(event, Filled):
                trades.append(_trade_row(item, event))
            elif isinstance(event, Completed):
                orders.append(_order_row(item, event, OrderStatus.FILLED, None))
            elif isinstance(event, Cancelled):
                orders.append(_order_row(item, event, OrderStatus.CANCELLED, event.reason))
            elif isinstance(event, Expired):
                orders.append(_order_row(item, event, OrderStatus.EXPIRED, None))
    return orders, trades


def _asset_row(assets: TradedAssets) -> tuple[Any, ...]:
    return assets.symbol, assets.base, assets.quote, str(assets.lot_amount)


def _order_row(item: CommandResult, event: Ended, status: OrderStatus, reason: CancelReason | None) -> tuple[Any, ...]:
    return (
        event.order_id,
        event.account,
        event.symbol,
        event.side,
        event.order_type,
        event.time_in_force,
        event.price,
        event.quantity,
        event.cum,
        str(event.quote_cum),
        str(event.fees),
        event.client_order_id,
        event.entered_ns,
        item.seq,
        item.ts_ns,
        status,
        reason,
        event.terms,
        event.prevention,
        entry_of(event.order_id),
    )


def _trade_row(item: CommandResult, event: Filled) -> tuple[Any, ...]:
    return (
        event.trade_id,
        item.seq,
        item.ts_ns,
        event.symbol,
        event.price,
        event.quantity,
        str(event.notional),
        event.taker_side,
        event.maker_order_id,
        event.taker_order_id,
        event.maker_account,
        event.taker_account,
        str(event.maker_fee),
        str(event.taker_fee),
        int(event.auction),
        int(event.self_trade),
    )
