"""The price band of one symbol: limit up, limit down, and the limit state between a stopped trade and a halt.

A trade further from the reference than the band does not happen. Prices in ticks, times in
epoch nanoseconds. Layer: engine.
"""

from __future__ import annotations

from engine.instrument import FEE_UNIT, Instrument
from engine.types import Side, Ticks

_BUY = Side.BUY


class PriceBand:
    """What the band of a book is measured from, and the limit state it is in, if it is in one."""

    __slots__ = ("limit_side", "limit_since_ns", "reference", "set_ns")

    def __init__(self) -> None:
        self.reference: Ticks | None = None  # None: the instrument's
        self.set_ns = 0
        self.limit_side: Side | None = None  # of the orders that wanted to trade beyond the band
        self.limit_since_ns = 0

    def renew(self, instrument: Instrument, last_price: Ticks | None, ts_ns: int) -> None:
        """Measure from the last price once the reference has served its time; not during a limit state. O(1)."""
        if (
            self.limit_side is None
            and last_price is not None
            and (self.reference is None or ts_ns >= self.set_ns + instrument.band_window_ns)
        ):
            self.refer_to(last_price, ts_ns)

    def refer_to(self, price: Ticks | None, ts_ns: int) -> None:
        """Measure from `price` from now on."""
        self.reference, self.set_ns = price, ts_ns

    def limits(self, instrument: Instrument) -> tuple[Ticks, Ticks] | None:
        """The lowest and the highest price of a trade; None without a band or without a reference. O(1)."""
        band = instrument.band
        reference = instrument.reference_price if self.reference is None else self.reference
        if band is None or reference is None:
            return None
        room = reference * band // FEE_UNIT
        return Ticks(max(reference - room, 1)), Ticks(reference + room)

    def worst(self, instrument: Instrument, side: Side) -> Ticks | None:
        """The worst price at which an order of `side` may trade; None without a band."""
        limits = self.limits(instrument)
        if limits is None:
            return None
        return limits[1] if side is _BUY else limits[0]


def nearer(side: Side, first: Ticks | None, second: Ticks | None) -> Ticks | None:
    """The stricter of two worst prices for an order of `side`; None is no limit."""
    if first is None:
        return second
    if second is None:
        return first
    return min(first, second) if side is _BUY else max(first, second)
