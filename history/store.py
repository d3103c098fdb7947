"""Orders that are done, trades, candles and postings, looked up by id, by owner, by symbol and by asset.

Read only: another process writes (`history/writer.py`).
Units: ticks, lots, minor units and epoch nanoseconds, as in the engine; the API formats them.
Layer: history. Everything here blocks: from a greenlet use `HistoryReader`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import BindParameter, Select, bindparam, literal_column, select, union_all
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql import ColumnElement

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
from history import cells, dialect, sqlite
from history.candles import END_OF_TIME, Candle, Interval
from history.errors import StoreDamaged
from history.layout import STATUSES, place_of
from history.postings import Posting, PostingKind, TradedAssets, postings_of
from history.schema import ASSETS, CANDLES, ORDERS, POSTINGS, SYMBOLS, TRADES
from history.sqlite import database_path

PAGE_ROWS = 100  # when a read does not say how many
FILLS_MAX = 10_000  # fills of one order in one answer
NEWEST = 2**63 - 1  # greater than every id
NEWEST_SEQ = Seq(NEWEST)


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


class _Cash(msgspec.Struct, frozen=True, array_like=True):
    """A deposit or a withdrawal."""

    posting_id: int
    account: AccountId
    asset: str
    amount: Amount
    seq: Seq
    ts_ns: int


class _PostedTrade(msgspec.Struct, frozen=True, array_like=True):
    """A trade with what its postings are made of."""

    posting_id: int  # the first of its postings
    base: str
    quote: str
    lot_amount: int
    trade_id: TradeId
    seq: Seq
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
    auction: int
    self_trade: int


T = TypeVar("T")

_ORDER_ROWS = msgspec.json.Decoder(list[DoneOrder])
_NAMED_ROWS: Final[msgspec.json.Decoder[list[tuple[int, OrderId | None]]]] = msgspec.json.Decoder(
    list[tuple[int, OrderId | None]]
)
_TRADE_ROWS = msgspec.json.Decoder(list[Trade])
_TRADE_ID: Final[msgspec.json.Decoder[TradeId]] = msgspec.json.Decoder(TradeId)
_FIRST_TRADE_AT: Final = """
WITH RECURSIVE search(low, high) AS (
  SELECT coalesce(min(trade_id), 1), coalesce(max(trade_id), 0) + 1 FROM trades
  UNION ALL
  SELECT
    iif((SELECT ts_ns FROM trades WHERE trade_id >= (low + high) / 2 ORDER BY trade_id LIMIT 1) < :ts_ns,
      (low + high) / 2 + 1, low),
    iif((SELECT ts_ns FROM trades WHERE trade_id >= (low + high) / 2 ORDER BY trade_id LIMIT 1) < :ts_ns,
      high, (low + high) / 2)
  FROM search WHERE low < high
)
SELECT low FROM search WHERE low >= high LIMIT 1
"""  # by halves: ids and times grow together
_CANDLE_ROWS = msgspec.json.Decoder(list[Candle])
_POSTING_ROWS = msgspec.json.Decoder(tuple[list[_Cash], list[_PostedTrade]])


def listing_key(order_id: OrderId) -> tuple[OrderId, OrderId]:
    """The sort key of listed orders: legs are beside the order whose command they came from."""
    return entry_of(order_id), order_id


class History:
    """The reading end of one history file, for any threads. Methods raise StoreDamaged where the file is broken."""

    def __init__(self, path_or_url: str | Path) -> None:
        """Read from this file, which need not exist yet. Raises ValueError for a URL of another database."""
        self.path = database_path(path_or_url)
        self._reader = dialect.open_reader(self.path)

    def close(self) -> None:
        """Let go of every connection at the end."""
        self.reopen()

    def reopen(self) -> None:
        """Let go of every connection: the file may have been made anew. From any thread."""
        self._reader.dispose()

    def set_aside(self) -> None:
        """Rename the file, which is damaged, so that it is built anew. Raises OSError."""
        sqlite.set_aside(self.path)
        self.reopen()

    def order(self, order_id: OrderId) -> DoneOrder | None:
        """One done order, or None. O(log orders)."""
        found = self._rows(_ORDER_ROWS, _order_sql(), place=place_of(order_id))
        return found[0] if found else None

    def order_by_client_id(self, account: AccountId, client_order_id: str) -> DoneOrder | None:
        """The latest done order that `account` entered under this id, or None. O(log orders)."""
        (order_id,) = self.named_orders([(account, client_order_id)])
        return None if order_id is None else self.order(order_id)

    def named_orders(self, names: Sequence[tuple[AccountId, str]]) -> list[OrderId | None]:
        """For each account and client order id the latest done order entered under it. O(names * log orders)."""
        document = msgspec.json.encode(names).decode()
        rows = self._rows(_NAMED_ROWS, dialect.LATEST_NAMED, document=document)
        found = dict(rows)
        return [found[index] for index in range(len(names))]

    def orders(
        self,
        account: AccountId,
        symbol: str | None = None,
        before_order_id: OrderId | None = None,
        limit: int = PAGE_ROWS,
        status: OrderStatus | None = None,
        until: Seq = NEWEST_SEQ,
    ) -> list[DoneOrder]:
        """Done orders of `account`, done by command `until`, newest first. For the next page give the last one's id.

        A leg stands beside the order whose command it came from. O(log orders + limit); with
        `status`, O(orders passed over) on top.
        """
        filters: dict[str, Any] = {"account": account}
        if symbol is not None:
            filters["symbol"] = symbol
        if status is not None:
            filters["status"] = STATUSES.index(status) if status in STATUSES else -1
        before = NEWEST if before_order_id is None else place_of(before_order_id)
        found = self._rows(_ORDER_ROWS, _orders_sql(*filters), before=before, until=until, limit=limit, **filters)
        found.sort(key=lambda row: listing_key(row.order_id), reverse=True)
        return found

    def fills(self, order_id: OrderId, after_trade_id: TradeId | None = None, limit: int = FILLS_MAX) -> list[Trade]:
        """The trades of one order, open or done, in the order they happened. O(log trades + fills)."""
        found = self._rows(_TRADE_ROWS, _fills_sql(), place=place_of(order_id), after=after_trade_id or 0, limit=limit)
        found.sort(key=lambda row: row.trade_id)
        return found

    def trades(
        self,
        symbol: str | None = None,
        before_trade_id: TradeId | None = None,
        limit: int = PAGE_ROWS,
        until: Seq = NEWEST_SEQ,
    ) -> list[Trade]:
        """Trades of one symbol or of all, up to command `until`, newest first.

        For the next page give the last one's trade id. O(log trades + limit).
        """
        filters = {} if symbol is None else {"symbol": symbol}
        before = NEWEST if before_trade_id is None else before_trade_id
        found = self._rows(_TRADE_ROWS, _trades_sql(*filters), before=before, until=until, limit=limit, **filters)
        found.sort(key=lambda row: row.trade_id, reverse=True)
        return found

    def prints(
        self, symbol: str, since: int | None, before: int | None, limit: int, until: Seq = NEWEST_SEQ
    ) -> list[Trade]:
        """Trades of one symbol from id `since` on and before `before`, up to command `until`, oldest first.

        Without those of an account with itself, which are no price. Of more than `limit` the oldest when `since` is
        given, else the newest. O(log trades + limit + trades of accounts with themselves that are passed over).
        """
        sql = _prints_sql(oldest_first=since is not None)
        span = {"since": since or 0, "before": NEWEST if before is None else before}
        found = self._rows(_TRADE_ROWS, sql, symbol=symbol, until=until, limit=limit, **span)
        found.sort(key=lambda row: row.trade_id)
        return found

    def first_trade_at(self, ts_ns: int) -> TradeId:
        """The id from which on trades are of this moment or later, there or not yet. O(log² trades)."""
        return self._rows(_TRADE_ID, _FIRST_TRADE_AT, ts_ns=ts_ns)

    def candles(
        self, symbol: str, interval: Interval, start: int | None = None, end: int | None = None, limit: int = PAGE_ROWS
    ) -> list[Candle]:
        """Candles that begin from `start` on and before `end` (epoch seconds), oldest first, the running one included.

        Of more than `limit` the oldest when `start` is given, else the newest. O(log candles + limit).
        """
        span = {"start": start or 0, "end": END_OF_TIME if end is None else end}
        sql = _candles_sql(oldest_first=start is not None)
        found = self._rows(_CANDLE_ROWS, sql, symbol=symbol, interval_s=interval.seconds, limit=limit, **span)
        found.sort(key=lambda row: row.time)
        return found

    def account_fills(
        self,
        account: AccountId,
        symbol: str | None = None,
        before_trade_id: TradeId | None = None,
        limit: int = PAGE_ROWS,
        until: Seq = NEWEST_SEQ,
    ) -> list[Trade]:
        """Trades with an order of `account` on either side, up to command `until`, newest first; each comes once.

        For the next page give the last one's trade id. O(quote assets * (log trades + limit)); with `symbol`,
        O(log trades + limit), and on top the trades passed over that moved the same base asset.
        """
        before = NEWEST if before_trade_id is None else before_trade_id
        sql = _account_fills_sql() if symbol is None else _account_symbol_fills_sql()
        filters = {} if symbol is None else {"symbol": symbol}
        found = self._rows(_TRADE_ROWS, sql, account=account, newest=before, until=until, limit=limit, **filters)
        found.sort(key=lambda row: row.trade_id, reverse=True)
        return found

    def postings(
        self,
        account: AccountId,
        asset: str | None = None,
        before_id: int | None = None,
        limit: int = PAGE_ROWS,
        until: Seq = NEWEST_SEQ,
    ) -> list[Posting]:
        """What came to and went from `account` up to command `until`, newest first.

        For the next page give the last one's posting id. O(log postings + limit); without `asset`, of each quote asset.
        """
        filters: dict[str, Any] = {"account": account}
        if asset is not None:
            filters["asset"] = asset
        before = NEWEST if before_id is None else before_id
        cash, trades = self._rows(
            _POSTING_ROWS,
            _postings_sql(*filters),
            posting=before,
            until=until,
            limit=limit + 1,  # of the newest trade all may be from `before` on
            **filters,
        )
        found = [_posting_of(each) for each in cash]
        for trade in trades:
            assets = TradedAssets(trade.symbol, trade.base, trade.quote, trade.lot_amount)
            found += [
                posting
                for posting in postings_of(trade, trade.posting_id, assets)
                if posting.account == account and asset in (None, posting.asset) and posting.posting_id < before
            ]
        found.sort(key=lambda row: row.posting_id, reverse=True)
        return found[:limit]

    def _rows(self, rows: msgspec.json.Decoder[T], sql: str, **parameters: Any) -> T:
        """Raises StoreDamaged, and what the database raises otherwise."""
        try:
            with self._reader.connect() as connection:
                document = connection.exec_driver_sql(sql, parameters).scalar_one()
            return rows.decode(str(document))
        except SQLAlchemyError as error:
            if not sqlite.is_damaged(error):
                raise
            raise StoreDamaged(sqlite.cause_of(error)) from None
        except (msgspec.MsgspecError, KeyError) as error:
            raise StoreDamaged(f"a cell is damaged: {type(error).__name__}") from None


def _posting_of(cash: _Cash) -> Posting:
    kind = PostingKind.DEPOSIT if cash.amount >= 0 else PostingKind.WITHDRAWAL
    return Posting(cash.posting_id, cash.account, cash.asset, cash.amount, kind, cash.seq, cash.ts_ns, None, None)


def _equals(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """That a column has the parameter of this name; symbols and assets are given by theirs."""
    if name == "symbol":
        named = select(SYMBOLS.c.symbol_id).where(SYMBOLS.c.name == bindparam("symbol"))
        return column == named.scalar_subquery()
    if name == "asset":
        named = select(ASSETS.c.asset_id).where(ASSETS.c.name == bindparam("asset"))
        return column == named.scalar_subquery()
    return column == bindparam(name)


_COLUMNS: dict[str, str] = {"symbol": "symbol_id", "asset": "asset_id"}


def _filtered(rows: Select[Any], table: Any, filters: Sequence[str]) -> Select[Any]:
    """`filters`: what must equal the parameter of its name."""
    return rows.where(*(_equals(table.c[_COLUMNS.get(name, name)], name) for name in filters))


@cache
def _order_sql() -> str:
    rows = select(ORDERS).where(ORDERS.c.place == bindparam("place"))
    return dialect.select_document(rows, "orders", cells.ORDER)


@cache
def _orders_sql(*filters: str) -> str:
    rows = select(ORDERS).where(ORDERS.c.place < bindparam("before"), ORDERS.c.ended_seq <= bindparam("until"))
    page = dialect.limited(_filtered(rows, ORDERS, filters).order_by(ORDERS.c.place.desc()))
    return dialect.select_document(page, "orders", cells.ORDER)


@cache
def _trades_sql(*filters: str) -> str:
    rows = select(TRADES).where(TRADES.c.trade_id < bindparam("before"), TRADES.c.seq <= bindparam("until"))
    page = dialect.limited(_filtered(rows, TRADES, filters).order_by(TRADES.c.trade_id.desc()))
    return dialect.select_document(page, "trades", cells.TRADE)


@cache
def _prints_sql(*, oldest_first: bool) -> str:
    trade_id = TRADES.c.trade_id
    rows = select(TRADES).where(
        _equals(TRADES.c.symbol_id, "symbol"),
        trade_id >= bindparam("since"),
        trade_id < bindparam("before"),
        TRADES.c.seq <= bindparam("until"),
        TRADES.c.self_trade == literal_column("0"),
    )
    page = dialect.limited(rows.order_by(trade_id if oldest_first else trade_id.desc()))
    return dialect.select_document(page, "trades", cells.TRADE)


def _before(rows: str, *limits: str) -> str:
    """The same rows, `:before` being the least of these."""
    return rows.replace(":before", f"min({', '.join(limits)})")


@cache
def _account_fills_sql() -> str:
    ids = _before(dialect.TRADES_OF_ACCOUNT, ":newest", f"({dialect.NEWEST_BY_SEQ})")
    rows = f"SELECT * FROM trades WHERE trade_id IN ({ids})"  # noqa: S608  # nosec B608 # our own names
    return dialect.document_of(rows, "trades", cells.TRADE)


@cache
def _account_symbol_fills_sql() -> str:
    moved = (
        "SELECT trades.* FROM account_trades AS moved JOIN trades USING (trade_id)"
        " WHERE moved.account = :account AND moved.asset_id = (SELECT base_id FROM symbols WHERE name = :symbol)"
        " AND moved.trade_id < min(:newest, {until})"
        " AND trades.symbol_id = (SELECT symbol_id FROM symbols WHERE name = :symbol)"
        " ORDER BY moved.trade_id DESC LIMIT :limit"
    )
    return dialect.document_of(moved.format(until=f"({dialect.NEWEST_BY_SEQ})"), "trades", cells.TRADE)


@cache
def _postings_sql(*filters: str) -> str:
    """One document of two: deposits and withdrawals, and the trades that moved something."""
    rows = select(POSTINGS).where(POSTINGS.c.posting_id < bindparam("posting"), POSTINGS.c.seq <= bindparam("until"))
    page = dialect.limited(_filtered(rows, POSTINGS, filters).order_by(POSTINGS.c.posting_id.desc()))
    cash = dialect.select_document(page, "postings", dialect.CASH)
    ids = dialect.TRADES_OF_ASSET if "asset" in filters else dialect.TRADES_OF_ACCOUNT
    ids = _before(ids, f"({dialect.NEWEST_BY_POSTING})", f"({dialect.NEWEST_BY_SEQ})")
    trades = dialect.document_of(
        f"SELECT * FROM trades WHERE trade_id IN ({ids})",  # noqa: S608  # nosec B608 # our own names
        "trades",
        dialect.POSTED_TRADE,
    )
    return f"SELECT json_array(json(({cash})), json(({trades})))"


@cache
def _fills_sql() -> str:
    place: BindParameter[int] = bindparam("place")
    after = TRADES.c.trade_id > bindparam("after")
    rows = union_all(  # two queries rather than one OR, since each side has its own index
        select(TRADES).where(TRADES.c.maker_place == place, after),
        select(TRADES).where(TRADES.c.taker_place == place, after),
    ).subquery()
    first = dialect.limited(select(rows).order_by(rows.c.trade_id))
    return dialect.select_document(first, "trades", cells.TRADE)


@cache
def _candles_sql(*, oldest_first: bool) -> str:
    """The SQL for at most `:limit` candles of `:symbol` and `:interval_s` from `:start` on and before `:end`."""
    time = CANDLES.c.time
    rows = select(CANDLES).where(
        _equals(CANDLES.c.symbol_id, "symbol"),
        CANDLES.c.interval_s == bindparam("interval_s"),
        time >= bindparam("start"),
        time < bindparam("end"),
    )
    page = dialect.limited(rows.order_by(time if oldest_first else time.desc()))
    return dialect.select_document(page, "candles", cells.CANDLE)
