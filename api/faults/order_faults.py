"""Faults of orders: refused with a chosen reason, or entered with a part of their quantity.

An order that is entered in part is a smaller order from then on, in the journal, in its answer and wherever it is read:
what the wire has done is never hidden behind it. The same order sent again under its client order id is entered
in the same part, so that it is recognised.
Layer: api.faults.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from api.faults.plan import DEFAULT_FRACTION, Step
from api.json.errors import ApiError, rejected
from engine.commands import EnterOrder
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.types import AccountId, Lots, OrderType, Side, TimeInForce

PARTS_MAX: Final = 10_000  # orders entered in part, of all accounts, that are remembered by their client order id


class OrderFaults:
    """What becomes of an order that a fault touches. For the event loop's thread."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._parts: dict[tuple[AccountId, str], tuple[EnterOrder, EnterOrder]] = {}  # as asked for, as entered

    def refusal(self, step: Step, command: EnterOrder) -> ApiError | None:
        """The refusal of an order, in the words of the rules; None where its symbol is unknown, as those say better."""
        instrument = self._exchange.instrument(command.symbol)
        if instrument is None or step.reason is None:
            return None
        named = {} if command.client_order_id is None else {"client_order_id": command.client_order_id}
        return rejected(step.reason, instrument, symbol=command.symbol, legacy_status=True, fault=step.kind, **named)

    def part(self, step: Step, command: EnterOrder) -> EnterOrder | None:
        """A part of an order that would trade now; None where it is entered as it is."""
        name = command.client_order_id
        if name is not None and (command.account, name) in self._parts:
            return None  # it is known already
        instrument = self._exchange.instrument(command.symbol)
        if instrument is None or not _is_divisible(command) or not self._would_trade(command):
            return None
        lots = _part_of(command.quantity, step.fraction or DEFAULT_FRACTION, instrument)
        if lots is None:
            return None
        part = msgspec.structs.replace(command, quantity=lots)
        if name is not None:
            self._parts[command.account, name] = command, part
            if len(self._parts) > PARTS_MAX:
                del self._parts[next(iter(self._parts))]
        return part

    def as_before(self, command: EnterOrder) -> EnterOrder:
        """The part that was entered of the same order before; the order as it is where none was."""
        if command.client_order_id is None:
            return command
        asked, part = self._parts.get((command.account, command.client_order_id), (command, command))
        return part if asked == command else command

    def _would_trade(self, command: EnterOrder) -> bool:
        """Whether the best price on the other side is one that an order takes."""
        opposite = self._exchange.books[command.symbol].opposite(command.side)
        best, price = opposite.best_price, command.price
        if best is None or isinstance(price, str):
            return False
        return price is None or (best <= price if command.side is Side.BUY else best >= price)


def _is_divisible(command: EnterOrder) -> bool:
    """An ordinary market or limit order by quantity; one that is all or nothing is neither."""
    return (
        command.order_type in (OrderType.MARKET, OrderType.LIMIT)
        and command.time_in_force is not TimeInForce.FOK
        and command.options is None
    )


def _part_of(quantity: Lots | str | None, fraction: Decimal, instrument: Instrument) -> Lots | None:
    """A fraction of a quantity in whole lots; None where that is less than an order may have."""
    if not isinstance(quantity, int):
        return None
    over, under = fraction.as_integer_ratio()
    lots = Lots(quantity * over // under)
    return lots if instrument.min_quantity <= lots < quantity else None
