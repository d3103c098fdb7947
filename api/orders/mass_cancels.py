"""Cancelling all of an account's orders, in parts where they are many, so that others' orders come in between.

A part is one command that names its orders; all that were open at the beginning are in one of the parts. What is
entered meanwhile is not, and what ends meanwhile is passed over.
Layer: api.orders.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

from msgspec.structs import replace

from api.http.idempotency import RequestKey
from api.json.errors import ApiError
from api.orders.keyed import OutcomeForgotten, Outcomes, earlier_outcomes, submit_all_once
from api.orders.parts_once import carry_out_parts
from engine.commands import CancelAll, StopAccount
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.types import AccountId, OrderId, Seq, entry_of
from loop.turns import in_turns, pieces
from sequencer.port import Sequencing

ORDERS_A_PART: Final = 100  # a millisecond or two, with what is published of it
ORDERS_A_BATCH: Final = 500  # that one cancel_all of a batch may find open
PARTS_AT_ONCE: Final = 2  # that others' orders wait for

C = TypeVar("C", CancelAll, StopAccount)


class MassCancels:
    """The mass cancels of one venue. Every method is cooperative and raises NotAccepting.

    Where that comes in the middle, the parts until then have been carried out.
    """

    def __init__(self, exchange: Exchange, sequencer: Sequencing) -> None:
        self._exchange = exchange
        self._sequencer = sequencer

    def cancel_all(self, command: CancelAll) -> list[CommandResult]:
        """Cancel every open order of an account, of one symbol or side when given. O(its open orders)."""
        open_now = self._open_now(command.account, command.symbol)
        if open_now <= ORDERS_A_PART:
            return self._sequencer.submit_all([command])
        return self._in_parts(command, _chosen(self._exchange, command))

    def cancel_all_once(self, command: CancelAll, key: RequestKey) -> Outcomes:
        """The same, once under a `key`. Raises, besides, ApiError 409 as `keyed.earlier_outcomes`.

        Where there are many, the first command names none of the orders: what was entered before it is cancelled by
        those behind it, whose keys follow from its own and its place. So who comes again goes on where that was broken
        off, also where what became of a part is not kept any more: it is answered so when nothing is left to cancel.
        """
        try:
            known = earlier_outcomes(self._sequencer, key)
        except OutcomeForgotten as begun_before:
            self._cancel_entered_before(Seq(begun_before.first_seq), command, key)
            raise
        if known is None:
            first = command
            if self._open_now(command.account, command.symbol) > ORDERS_A_PART:
                first = replace(command, among=())
            known, repeated = submit_all_once(self._sequencer, [first], key)
        else:
            repeated = True
        results, begun = list(known), known[0]
        if isinstance(begun.command, CancelAll) and begun.command.among is not None:
            results += self._cancel_entered_before(begun.seq, command, key)
        return Outcomes(results, repeated)

    def _cancel_entered_before(self, seq: Seq, command: CancelAll, key: RequestKey) -> list[CommandResult]:
        """Cancel what is open of the orders that were entered before `seq`, and what was cancelled of them before."""

        def left() -> Iterator[list[CancelAll]]:
            chosen = entered_before(self._exchange, seq, command)
            return _together(command, chosen) if chosen else iter(())

        parts = carry_out_parts(self._sequencer, key, seq, left)
        return [result for outcomes in parts for result in outcomes.applied]

    def require_few(self, command: CancelAll) -> None:
        """Raise ApiError 409 where so many orders are open that a batch, which comes in one, would take too long."""
        if self._open_now(command.account, command.symbol) > ORDERS_A_BATCH:
            sentence = f"A batch cancels all only where at most {ORDERS_A_BATCH} orders are open; use DELETE /orders."
            raise ApiError(409, "TOO_MANY_OPEN_ORDERS", sentence, {"open_orders_max": ORDERS_A_BATCH})

    def cancel_everybodys(self, symbol: str | None) -> Iterator[CommandResult]:
        """Cancel what is open now in a symbol, or in every one, account by account."""
        together: list[CancelAll] = []
        orders = 0
        for account in in_turns(list(self._exchange.accounts)):
            count = self._open_now(account, symbol)
            if not count:
                continue
            command = CancelAll(account, symbol, by_operator=True)
            if count > ORDERS_A_PART:
                yield from self.cancel_all(command)
                continue
            together.append(command)
            orders += count
            if orders >= ORDERS_A_PART * PARTS_AT_ONCE:
                yield from self._sequencer.submit_all(together)
                together, orders = [], 0
        if together:
            yield from self._sequencer.submit_all(together)

    def stop(self, command: StopAccount) -> list[CommandResult]:
        """Stop an account, or let it trade again. One that stops enters nothing more from the first command on."""
        if not command.stopped or self._open_now(command.account, None) <= ORDERS_A_PART:
            return self._sequencer.submit_all([command])
        return self.stop_in_parts(replace(command, among=()))

    def stop_in_parts(self, command: StopAccount) -> list[CommandResult]:
        """Stop an account by a command that names none of its orders, then cancel what it has open. O(open orders)."""
        results = self._sequencer.submit_all([command])
        owner = self._exchange.accounts[command.account]
        for together in _together(command, list(owner.open_orders)) if owner.open_orders else ():
            if not owner.stopped:  # an operator lets it trade again: what is left stays
                break
            results += self._sequencer.submit_all(together)
        return results

    def _open_now(self, account: AccountId, symbol: str | None) -> int:
        owner = self._exchange.accounts.get(account)
        if owner is None:
            return 0
        return len(owner.open_orders) if symbol is None else owner.open_count.get(symbol, 0)

    def _in_parts(self, command: C, chosen: Sequence[OrderId]) -> list[CommandResult]:
        results: list[CommandResult] = []
        for together in _together(command, chosen):
            results += self._sequencer.submit_all(together)
        return results


def entered_before(exchange: Exchange, seq: Seq, command: CancelAll) -> list[OrderId]:
    """What is open now of the orders that a mass cancel is of and were entered before `seq`, oldest first. Cooperative.

    O(open orders of the account).
    """
    return [number for number in in_turns(_chosen(exchange, command)) if entry_of(number) < seq]


def _chosen(exchange: Exchange, command: CancelAll) -> list[OrderId]:
    """The orders that are open now, oldest first. Cooperative."""
    symbol, side = command.symbol, command.side
    owner = exchange.accounts.get(command.account)
    opened = [] if owner is None else list(owner.open_orders)
    if symbol is None and side is None:
        return opened
    orders = exchange.orders
    return [
        number
        for number in in_turns(opened)
        if (order := orders.get(number)) is not None and symbol in (None, order.symbol) and side in (None, order.side)
    ]


def _together(command: C, chosen: Sequence[OrderId]) -> Iterator[list[C]]:
    """The commands of each time, which are one at least."""
    parts = list(pieces(chosen, ORDERS_A_PART)) or [()]
    for some in pieces(parts, PARTS_AT_ONCE):
        yield [replace(command, among=tuple(part)) for part in some]
