"""Profit and loss of trading, by average cost: folded from every fill since the first, exact.

A position is what was bought less what was sold, so it is below zero after a sale out of a deposit: profit is
reckoned against not having traded, and what is deposited or withdrawn is none.
Units: lots and minor units of the quote asset. Rebuilt on start from the replayed journal.
Layer: api.accounts.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.events import CommandResult, Filled
from engine.types import AccountId, Side


class Position(msgspec.Struct, gc=False):
    """What the fills of one account in one symbol come to.

    `realised` plus what the position is worth beyond its `cost`, less `fees`, is to the unit the money that
    came in less what went out, plus the worth of the position: rounding only moves between the first two.
    """

    lots: int = 0  # bought less sold
    cost: int = 0  # paid for these lots, without fees; below zero when the lots are
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


class Profits:
    """The positions of all accounts."""

    def __init__(self) -> None:
        self._accounts: dict[AccountId, dict[str, Position]] = {}

    def on_applied(self, batch: Sequence[CommandResult]) -> None:
        """Fold a batch. O(events)."""
        for applied in batch:
            for event in applied.events:
                if isinstance(event, Filled):
                    self.trade(event)

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
