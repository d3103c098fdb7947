"""The rows that commands make in each table of the history.

Layer: history. No I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from engine.events import (
    Cancelled,
    CommandResult,
    Completed,
    Deposited,
    Ended,
    Expired,
    Filled,
    InstrumentListed,
    Withdrawn,
)
from engine.instrument import Instrument
from engine.ledger import FEE_ACCOUNT
from engine.types import Amount, Side
from history import layout
from history.candles import CandleMaker, Running
from history.layout import place_of, stored
from history.postings import count_of

Row = tuple[Any, ...]

_SIDE: Final = {word: number for number, word in enumerate(layout.SIDES)}
_BUY: Final = _SIDE[Side.BUY]
_ORDER_TYPE: Final = {word: number for number, word in enumerate(layout.ORDER_TYPES)}
_TIME_IN_FORCE: Final = {word: number for number, word in enumerate(layout.TIMES_IN_FORCE)}
_REASON: Final = {word: number for number, word in enumerate(layout.REASONS)}
_PREVENTION: Final = {word: number for number, word in enumerate(layout.PREVENTIONS)}
_FILLED, _CANCELLED, _EXPIRED = range(len(layout.STATUSES))


class Listed(NamedTuple):
    """A symbol and its assets, by their numbers."""

    symbol_id: int
    base_id: int
    quote_id: int


class Rows:
    """What one batch makes, by table, and the names and the last posting behind it."""

    def __init__(self, posting_id: int) -> None:
        self.orders: list[Row] = []
        self.trades: list[Row] = []
        self.account_trades: list[Row] = []
        self.postings: list[Row] = []
        self.candles: list[Row] = []
        self.assets: dict[str, int] = {}  # that are new
        self.symbols: list[Row] = []  # that are new
        self.listed: dict[str, Listed] = {}  # the same by name
        self.newest: Running = {}
        self.posting_id = posting_id


class RowMaker:
    """Makes the rows of one batch after the other. Its state changes only by `take`."""

    def __init__(self, assets: dict[str, int], listed: dict[str, Listed], posting_id: int, running: Running) -> None:
        """`posting_id`: of the last posting. `running`: the newest candles."""
        self._assets = assets
        self._listed = listed
        self._posting_id = posting_id
        self._candles = CandleMaker(running)

    def rows(self, applied: Sequence[CommandResult]) -> Rows:
        """What `applied` makes, posting ids counting on. O(events)."""
        rows = Rows(self._posting_id)
        for item in applied:
            for event in item.events:
                kind = type(event)
                if kind is Filled:
                    self._fill(rows, item, event)  # type: ignore[arg-type]
                elif kind is Completed:
                    self._end(rows, item, event, _FILLED)  # type: ignore[arg-type]
                elif kind is Cancelled:
                    self._end(rows, item, event, _CANCELLED, _REASON[event.reason])  # type: ignore[attr-defined,arg-type]
                elif kind is Expired:
                    self._end(rows, item, event, _EXPIRED)  # type: ignore[arg-type]
                elif isinstance(event, Deposited):
                    self._move(rows, item, event.account, event.asset, event.amount)
                elif isinstance(event, Withdrawn):
                    self._move(rows, item, event.account, event.asset, -event.amount)
                elif isinstance(event, InstrumentListed):
                    self._list(rows, event.instrument)
        rows.candles, rows.newest = self._candles.rows(
            [
                (row[3], row[4], row[5], row[6], Amount(int(row[7])), row[8] == _BUY)
                for row in rows.trades
                if not row[16]
            ]
        )
        return rows

    def names(self, instruments: Iterable[Instrument]) -> Rows:
        """The names alone of instruments that were listed before the first command that is written."""
        rows = Rows(self._posting_id)
        for instrument in instruments:
            self._list(rows, instrument)
        return rows

    def take(self, rows: Rows) -> None:
        """Go on behind `rows`, once they are stored."""
        self._assets |= rows.assets
        self._listed |= rows.listed
        self._posting_id = rows.posting_id
        self._candles.take(rows.newest)

    def _fill(self, rows: Rows, item: CommandResult, event: Filled) -> None:
        listed = self._listed.get(event.symbol) or rows.listed[event.symbol]
        _, base_id, quote_id = listed
        maker, taker, trade_id = event.maker_account, event.taker_account, event.trade_id
        maker_fee, taker_fee = event.maker_fee, event.taker_fee
        rows.trades.append((
            trade_id, rows.posting_id + 1, item.seq, item.ts_ns, listed.symbol_id, event.price, event.quantity,
            stored(event.notional), _SIDE[event.taker_side], place_of(event.maker_order_id),
            place_of(event.taker_order_id), maker, taker, stored(maker_fee), stored(taker_fee),
            int(event.auction), int(event.self_trade),
        ))  # fmt: skip
        rows.posting_id += count_of(maker_fee, taker_fee)
        by_account = rows.account_trades
        by_account += ((maker, base_id, trade_id), (maker, quote_id, trade_id))
        if taker != maker:
            by_account += ((taker, base_id, trade_id), (taker, quote_id, trade_id))
        if maker_fee or taker_fee:
            by_account.append((FEE_ACCOUNT, quote_id, trade_id))

    def _end(self, rows: Rows, item: CommandResult, event: Ended, status: int, reason: int | None = None) -> None:
        listed = self._listed.get(event.symbol) or rows.listed[event.symbol]
        rows.orders.append((
            place_of(event.order_id), event.account, listed.symbol_id, _SIDE[event.side],
            _ORDER_TYPE[event.order_type], _TIME_IN_FORCE[event.time_in_force], event.price, event.quantity,
            event.quantity - event.cum, stored(event.quote_cum), stored(event.fees), event.client_order_id,
            item.ts_ns - event.entered_ns, item.seq, item.ts_ns, status, reason, event.terms,
            _PREVENTION[event.prevention],
        ))  # fmt: skip

    def _move(self, rows: Rows, item: CommandResult, account: int, asset: str, amount: int) -> None:
        rows.posting_id += 1
        asset_id = self._asset_id(rows, asset)
        rows.postings.append((rows.posting_id, account, asset_id, stored(amount), item.seq, item.ts_ns))

    def _list(self, rows: Rows, instrument: Instrument) -> None:
        """An instrument that is listed again trades the same assets in the same lots."""
        symbol = instrument.symbol
        if symbol in self._listed or symbol in rows.listed:
            return
        base_id, quote_id = self._asset_id(rows, instrument.base), self._asset_id(rows, instrument.quote)
        symbol_id = len(self._listed) + len(rows.listed) + 1
        rows.listed[symbol] = Listed(symbol_id, base_id, quote_id)
        rows.symbols.append((symbol_id, symbol, base_id, quote_id, stored(instrument.lot_amount)))

    def _asset_id(self, rows: Rows, asset: str) -> int:
        """The asset's number, a new one when it has none."""
        asset_id = self._assets.get(asset) or rows.assets.get(asset)
        if asset_id is None:
            asset_id = rows.assets[asset] = len(self._assets) + len(rows.assets) + 1
        return asset_id
