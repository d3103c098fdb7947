"""Positions -> JSON: profit and loss of an account, at the prices of now.

Layer: api.accounts.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from api.json.views import seconds
from engine.book import OrderBook
from engine.exchange import Exchange
from engine.types import AccountId, Amount, Lots, Ticks
from listings.grid import amount_text, grid_of
from listings.texts import DecimalText, IdText
from projections.profits import Position, Profits


class PositionView(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol that an account traded; amounts are of the quote asset."""

    symbol: str
    base: str
    quote: str
    position: DecimalText  # bought less sold; below zero: sold out of deposits
    average_price: DecimalText | None  # of the position, without fees; null of none
    cost: DecimalText  # cost of the position, without fees; below zero when the position is
    mark: DecimalText | None  # halfway between the best prices, else the last price
    value: DecimalText | None  # of the position at the mark
    realised: DecimalText  # before fees
    unrealised: DecimalText | None  # value less cost
    fees: DecimalText  # below zero: more rebates than fees
    profit: DecimalText | None  # realised and unrealised, less fees
    fills: int  # of the account's orders, since its first


class ProfitTotal(msgspec.Struct, frozen=True, kw_only=True):
    """The sums over all symbols that are priced in one asset."""

    asset: str
    realised: DecimalText
    unrealised: DecimalText | None
    fees: DecimalText
    profit: DecimalText | None
    fills: int


class ProfitView(msgspec.Struct, frozen=True, kw_only=True):
    """GET /account/profit."""

    account: IdText
    positions: list[PositionView]
    totals: list[ProfitTotal]
    timestamp: float
    seq: int


def profit_view(profits: Profits, exchange: Exchange, account: AccountId, symbol: str | None) -> ProfitView:
    """An account's profit and loss now, in one symbol or in all that it traded. O(symbols traded)."""
    found = profits.positions(account)
    chosen = sorted(found) if symbol is None else [symbol] if symbol in found else []
    rows = [(exchange.books[name], found[name]) for name in chosen]
    by_quote: dict[str, list[tuple[OrderBook, Position]]] = {}
    for book, position in rows:
        by_quote.setdefault(book.instrument.quote, []).append((book, position))
    return ProfitView(
        account=str(account),
        positions=[_position_view(book, position) for book, position in rows],
        totals=[_total(asset, by_quote[asset], exchange.ledger.scales[asset]) for asset in sorted(by_quote)],
        timestamp=seconds(exchange.ts_ns),
        seq=exchange.seq,
    )


def _position_view(book: OrderBook, position: Position) -> PositionView:
    instrument, grid = book.instrument, grid_of(book.instrument)
    mark, value = _twice_the_mark(book), _twice_the_value(book, position)
    unrealised = _twice_unrealised(book, position)
    scale = instrument.quote_scale
    return PositionView(
        symbol=instrument.symbol,
        base=instrument.base,
        quote=instrument.quote,
        position=grid.quantity(position.lots),
        average_price=grid.average_price(Amount(abs(position.cost)), Lots(abs(position.lots))),
        cost=grid.amount(position.cost),
        mark=None if mark is None else grid.middle(Ticks(mark), Ticks(0)),
        value=_half_text(value, scale),
        realised=grid.amount(position.realised),
        unrealised=_half_text(unrealised, scale),
        fees=grid.amount(position.fees),
        profit=_half_text(_twice_the_profit([position], unrealised), scale),
        fills=position.fills,
    )


def _total(asset: str, rows: list[tuple[OrderBook, Position]], scale: int) -> ProfitTotal:
    positions = [position for _, position in rows]
    unrealised = _sum(_twice_unrealised(book, position) for book, position in rows)
    return ProfitTotal(
        asset=asset,
        realised=amount_text(sum(position.realised for position in positions), scale),
        unrealised=_half_text(unrealised, scale),
        fees=amount_text(sum(position.fees for position in positions), scale),
        profit=_half_text(_twice_the_profit(positions, unrealised), scale),
        fills=sum(position.fills for position in positions),
    )


# The middle of two prices is a whole number of half ticks, so values are computed doubled, in whole numbers.


def _twice_the_mark(book: OrderBook) -> int | None:
    bid, ask = book.bids.best_price, book.asks.best_price
    if bid is not None and ask is not None and bid < ask:  # they may overlap while orders gather for an auction
        return bid + ask
    return None if book.last_price is None else 2 * book.last_price


def _twice_the_value(book: OrderBook, position: Position) -> int | None:
    mark = _twice_the_mark(book)
    if position.lots == 0:
        return 0
    return None if mark is None else position.lots * mark * book.instrument.lot_tick_amount


def _twice_unrealised(book: OrderBook, position: Position) -> int | None:
    value = _twice_the_value(book, position)
    return None if value is None else value - 2 * position.cost


def _twice_the_profit(positions: list[Position], unrealised: int | None) -> int | None:
    if unrealised is None:
        return None
    return 2 * sum(position.realised - position.fees for position in positions) + unrealised


def _sum(parts: Iterable[int | None]) -> int | None:
    """The sum of all, or None when one is not known."""
    total = 0
    for part in parts:
        if part is None:
            return None
        total += part
    return total


def _half_text(twice: int | None, scale: int) -> str | None:
    """Half of `twice`, exact."""
    return None if twice is None else amount_text(twice * 5, scale + 1)
