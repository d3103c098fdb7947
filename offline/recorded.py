"""A recorded day in a venue: the recording's orders, amends and cancels, at the times that they were recorded at.

All belong to the sandbox's account, as when a recording is played into a sandbox over the wire.
Layer: offline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from engine.commands import AmendOrder, CancelOrder, EnterOrder
from engine.events import Accepted, Event, Filled, Rejected
from engine.instrument import Instrument
from engine.types import SANDBOX_ACCOUNT, Lots, OrderId, Side, Ticks
from offline.folder import OfflineError
from offline.venue import ORDER_KINDS, OfflineVenue
from tools.playback import AmendStep, EnterStep, Key, Playback, ReduceStep, RepriceStep, Step
from tools.playback import Event as RecordedEvent


class RecordedDay:
    """One recording in one symbol of one venue."""

    def __init__(self, venue: OfflineVenue, instrument: Instrument, playback: Playback) -> None:
        """Raises OfflineError where the symbol's tick or lot is too coarse."""
        self._venue = venue
        self._symbol = instrument.symbol
        self._playback = playback
        self._ticks = _steps(playback.price_scale, instrument.tick_size, f"{self._symbol} has ticks of")
        self._lots = _steps(playback.quantity_scale, instrument.lot_size, f"{self._symbol} has lots of")
        for units in playback.prices:
            if units * self._ticks[0] % self._ticks[1]:
                raise OfflineError(
                    f"{self._symbol} has ticks of {instrument.tick_size}; the recording has finer prices."
                )
        self._ids: dict[Key, OrderId] = {}
        self._keys: dict[OrderId, Key] = {}
        self.trades = 0
        self.rejects: dict[str, int] = {}
        venue.fund(SANDBOX_ACCOUNT)

    def play(self, events: Iterable[RecordedEvent], midnight_ns: int, done: Callable[[int], object]) -> None:
        """Carry out events of the playback, at `midnight_ns` and their own times; `done` is called with 1 for each."""
        for event in events:
            self._venue.advance(midnight_ns + event.time_ns)
            for step in event.steps:
                self._carry_out(step)
            done(1)

    def _carry_out(self, step: Step) -> None:
        if isinstance(step, EnterStep):
            self._enter(step)
            return
        order_id = self._ids.get(step.key)
        if order_id is None:  # its entry was refused
            return
        if isinstance(step, ReduceStep | RepriceStep | AmendStep):
            price = None if isinstance(step, ReduceStep) else step.price
            quantity = None if isinstance(step, RepriceStep) else step.quantity
            command = AmendOrder(SANDBOX_ACCOUNT, order_id, self._price(price), self._quantity(quantity))
            self._learn(self._venue.apply(command), None)
        else:
            self._learn(self._venue.apply(CancelOrder(SANDBOX_ACCOUNT, order_id, by_operator=False)), None)

    def _enter(self, step: EnterStep) -> None:
        order_type, time_in_force = ORDER_KINDS[step.order_type]
        command = EnterOrder(
            SANDBOX_ACCOUNT,
            self._symbol,
            Side(step.side),
            order_type,
            time_in_force,
            self._quantity(step.quantity),
            self._price(step.price),
            self_trade_prevention=None,
        )
        self._learn(self._venue.apply(command), step.key)

    def _learn(self, events: list[Event], key: Key | None) -> None:
        """Note the order's id, and give the recording its trades."""
        for event in events:
            if isinstance(event, Accepted) and key is not None:
                self._ids[key], self._keys[event.order_id] = event.order_id, key
            elif isinstance(event, Filled):
                self.trades += 1
                price = event.price * self._ticks[1] // self._ticks[0]
                quantity = event.quantity * self._lots[1] // self._lots[0]
                self._playback.traded(self._keys.get(event.maker_order_id), price, quantity)
            elif isinstance(event, Rejected):
                self.rejects[event.reason] = self.rejects.get(event.reason, 0) + 1

    def _price(self, units: int | None) -> Ticks | None:
        return None if units is None else Ticks(units * self._ticks[0] // self._ticks[1])

    def _quantity(self, units: int | None) -> Lots | None:
        return None if units is None else Lots(units * self._lots[0] // self._lots[1])


def _steps(scale: int, size: str, what: str) -> tuple[int, int]:
    """How many steps a number of the recording's units is: times the first, by the second. Raises OfflineError."""
    numerator, denominator = (Decimal(1).scaleb(-scale) / Decimal(size)).as_integer_ratio()
    if denominator != 1 and what.endswith("lots of"):
        raise OfflineError(f"{what} {size}; the recording needs {Decimal(1).scaleb(-scale):f} or finer.")
    return numerator, denominator
