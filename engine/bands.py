"""The price band of one symbol, its limit state between a stopped trade and a halt, and how far band and collar reach.

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
        self.reference: Ticks | None = None  # None: the instrument's reference price
        self.set_ns: int | None = 0  # None: there was no last price yet, so it is measured anew with the next command
        # the side of the orders that wanted to trade beyond the band; None: no limit state
        self.limit_side: Side | None = None
        self.limit_since_ns = 0

    def serves(self, instrument: Instrument, ts_ns: int) -> bool:
        """Whether the reference serves on: for its window, and through a limit state. O(1)."""
        if self.limit_side is not None:
            return True
        return (
            self.reference is not None and self.set_ns is not None and ts_ns < self.set_ns + instrument.band_window_ns
        )

    def refer_to(self, price: Ticks | None, ts_ns: int | None) -> None:
        """Measure from `price` from now on; None: from the instrument's reference price."""
        self.reference, self.set_ns = price, ts_ns


def band_edges(reference: Ticks, band: int) -> tuple[Ticks, Ticks]:
    """The lowest and the highest price of a trade, `band` millionths of the reference from it. O(1)."""
    distance = reference * band // FEE_UNIT
    lowest = reference - distance
    return lowest if lowest > 1 else 1, reference + distance  # type: ignore[return-value] # calling Ticks() costs more


def collar_edge(side: Side, reference: Ticks, collar: int) -> Ticks:
    """The worst price for an order of `side`, `collar` millionths of the reference from it. O(1)."""
    distance = reference * collar // FEE_UNIT
    return Ticks(reference + distance) if side is _BUY else Ticks(max(reference - distance, 1))


def nearer(side: Side, first: Ticks | None, second: Ticks | None) -> Ticks | None:
    """The stricter of two worst prices for an order of `side`; None is no limit."""
    if first is None:
        return second
    if second is None:
        return first
    return min(first, second) if side is _BUY else max(first, second)
