"""Profit and loss of trading, by average cost: folded from every fill since the first, exact.

A position is what was bought less what was sold, so it is below zero after a sale out of a deposit: profit is
reckoned against not having traded, and what is deposited or withdrawn is none.
Units: lots and minor units of the quote asset. Rebuilt on start from the replayed journal.
Layer: api.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from api.answers import seconds
from api.grid import amount_text, grid_of
from api.texts import DecimalText, IdText
from engine.book import OrderBook
from engine.events import Filled
from engine.exchange import Exchange
from engine.types import AccountId, Amount, Lots, Side, Ticks


class Position(msgspec.Struct, gc=False):
    """What the fills of one account in one symbol come to.

    `realised` plus what the position is worth beyond its `cost`, less `fees`, is to the unit the money that
    came in less what went out, plus the worth of the position: rounding only moves between the first two.
    """

    lots: int = 0  # bought less sold
    cost: int = 0  # of these lots, without fees; below zero as the lots are
    realised: int = 0  # before fees
    fees: int = 0  # below zero: more rebates than fees
    fills: int = 0

    def fill(self, side: Side, quantity: int, notional: int, fee: int) -> None:
        """Add one fill of an order. O(1)."""
        self.fees += fee
        self.fills += 1
        if side is Side.SELL:
            quantity, notional = -quantity, -notional
        lots = self.lots
        if lots * quantity >= 0:
            self.lots, self.cost = lots + quantity, self.cost + notional
            return
        closing = min(abs(lots), abs(quantity))  # the rest of the fill opens the other way
        closed = notional * closing // abs(quantity)  # whole: a notional is price times quantity
        basis = self._basis(closing)
        self.realised -= closed + basis
        self.lots, self.cost = lots + quantity, self.cost - basis + notional - closed

    def _basis(self, closing: int) -> int:
        """What `closing` of the lots cost, rounded half away from zero."""
        cost, lots = abs(self.cost), abs(self.lots)
        basis = (2 * cost * closing + lots) // (2 * lots)
        return basis if self.cost >= 0 else -basis

    def wash(self, fees: int) -> None:
        """Add a trade of the account with itself, which costs its fees and changes nothing else. O(1)."""
        self.fees += fees
        self.fills += 2


class PositionView(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol that an account traded; amounts are of the quote asset."""

    symbol: str
    base: str
    quote: str
    position: DecimalText  # bought less sold; below zero: sold out of deposits
    average_price: DecimalText | None  # of the position, without fees; null of none
    cost: DecimalText  # of the position, without fees; below zero as the position is
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


class Profits:
    """The positions of all accounts."""

    def __init__(self) -> None:
        self._accounts: dict[AccountId, dict[str, Position]] = {}

    def trade(self, filled: Filled) -> None:
        """Add one trade to the positions of both sides. O(1)."""
        maker, taker = filled.maker_account, filled.taker_account
        if maker == taker:
            self._of(taker, filled.symbol).wash(filled.maker_fee + filled.taker_fee)
            return
        side = filled.taker_side
        other = Side.SELL if side is Side.BUY else Side.BUY
        quantity, notional = filled.quantity, filled.notional
        self._of(taker, filled.symbol).fill(side, quantity, notional, filled.taker_fee)
        self._of(maker, filled.symbol).fill(other, quantity, notional, filled.maker_fee)

    def positions(self, account: AccountId) -> dict[str, Position]:
        """What an account's fills come to, by symbol. O(1)."""
        return self._accounts.get(account, {})

    def _of(self, account: AccountId, symbol: str) -> Position:
        symbols = self._accounts.get(account)
        if symbols is None:
            symbols = self._accounts[account] = {}
        position = symbols.get(symbol)
        if position is None:
            position = symbols[symbol] = Position()
        return position


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


# The middle of two prices is a whole number of half ticks, so what is worth something is reckoned twofold.


def _twice_the_mark(book: OrderBook) -> int | None:
    bid, ask = book.bids.best_price, book.asks.best_price
    if bid is not None and ask is not None and bid < ask:  # what gathers for an auction may overlap
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
