"""Profit and loss of trading, by average cost: folded from every fill since the first, exact.

A position is what was bought less what was sold, so it is below zero after a sale out of a deposit: profit is
reckoned against not having traded, and what is deposited or withdrawn is none. It counts from an account's first fill,
or from its last reset, which the records have a mark of (`mark_of_reset`).
Units: lots and minor units of the quote asset. A start has it from a snapshot and the records
behind that.
Layer: projections.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from engine.commands import Command, StopAccount
from engine.events import Filled
from engine.types import AccountId, OrderId, Side

NO_ORDER: Final = OrderId(0)  # which no order is called

_BUY = Side.BUY  # looking a member up by its class costs more than using it


def begin_of_reset(account: AccountId) -> StopAccount:
    """The command that stops an account for its reset, until the mark. Every version carries it out alike, too."""
    return StopAccount(account, stopped=True, among=(NO_ORDER,))


def mark_of_reset(account: AccountId) -> StopAccount:
    """The command that lets a reset account trade again; its profit counts from behind it.

    The engine makes nothing of the orders that it does not name, so that every version carries it out alike.
    """
    return StopAccount(account, stopped=False, among=())


def is_mark_of_reset(command: Command) -> bool:
    """Whether a command is the one of `mark_of_reset`."""
    return type(command) is StopAccount and not command.stopped and command.among is not None


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

    def fill(self, quantity: int, notional: int, fee: int) -> None:
        """Add one fill of an order: of a sale, quantity and notional are below zero. O(1)."""
        self.fees += fee
        self.fills += 1
        lots, cost = self.lots, self.cost
        self.lots = lots + quantity
        if lots * quantity >= 0:
            self.cost = cost + notional
            return
        held, filled = abs(lots), abs(quantity)
        closing = held if held < filled else filled  # the rest of the fill opens the other way
        closed = notional * closing // filled  # whole: a notional is price times quantity
        # what the lots cost that are closed, rounded half away from zero
        basis = (2 * abs(cost) * closing + held) // (2 * held)
        if cost < 0:
            basis = -basis
        self.realised -= closed + basis
        self.cost = cost - basis + notional - closed

    def wash(self, fees: int) -> None:
        """Add a trade of the account with itself, which costs its fees and changes nothing else. O(1)."""
        self.fees += fees
        self.fills += 2


PositionState = tuple[AccountId, str, Position]


class Profits:
    """The positions of all accounts."""

    def __init__(self) -> None:
        self._accounts: dict[AccountId, dict[str, Position]] = {}
        self.stopped_by_reset: set[AccountId] = set()  # that a reset has stopped, and not let trade again

    def stop(self, command: StopAccount) -> None:
        """Note what a StopAccount says of resets. O(1)."""
        if command.among == (NO_ORDER,):
            self.stopped_by_reset.add(command.account)
        elif not (command.stopped and command.among):  # a part of what was begun changes nothing
            self.stopped_by_reset.discard(command.account)
        if is_mark_of_reset(command):
            self._accounts.pop(command.account, None)

    def trade(self, filled: Filled) -> None:
        """Add one trade to the positions of both sides. O(1)."""
        symbol, maker, taker = filled.symbol, filled.maker_account, filled.taker_account
        try:  # most have traded in the symbol before
            of_taker, of_maker = self._accounts[taker][symbol], self._accounts[maker][symbol]
        except KeyError:
            of_taker, of_maker = self._of(taker, symbol), self._of(maker, symbol)
        if of_maker is of_taker:
            of_taker.wash(filled.maker_fee + filled.taker_fee)
            return
        quantity, notional = filled.quantity, filled.notional
        if filled.taker_side is _BUY:
            of_taker.fill(quantity, notional, filled.taker_fee)
            of_maker.fill(-quantity, -notional, filled.maker_fee)
        else:
            of_taker.fill(-quantity, -notional, filled.taker_fee)
            of_maker.fill(quantity, notional, filled.maker_fee)

    def accounts(self) -> Collection[AccountId]:
        """Who traded since their last reset. O(1)."""
        return self._accounts.keys()

    def positions(self, account: AccountId) -> dict[str, Position]:
        """What an account's fills come to, by symbol. O(1)."""
        return self._accounts.get(account, {})

    def saved(self) -> list[PositionState]:
        """Everything, to be written. O(positions)."""
        return [
            (account, symbol, position)
            for account, symbols in sorted(self._accounts.items())
            for symbol, position in sorted(symbols.items())
        ]

    def restore(self, saved: list[PositionState]) -> None:
        """Be as it was. For one that is new."""
        for account, symbol, position in saved:
            self._accounts.setdefault(account, {})[symbol] = position

    def _of(self, account: AccountId, symbol: str) -> Position:
        symbols = self._accounts.get(account)
        if symbols is None:
            symbols = self._accounts[account] = {}
        position = symbols.get(symbol)
        if position is None:
            position = symbols[symbol] = Position()
        return position
