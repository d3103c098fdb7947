"""How often something took how much: counts in fixed buckets, added to in a fraction of a microsecond.

One thread adds and another reads: counts are whole numbers, so that a reading is at most one short.
Layer: loop.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple


class HistogramReading(NamedTuple):
    """What a histogram had counted at one moment."""

    bounds: tuple[float, ...]  # of the buckets, each included in its own; behind the last is one without a bound
    counts: tuple[int, ...]  # of each bucket alone, one more than `bounds`
    sum: float


class Histogram:
    """Counts of values, for one thread that adds."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        """`bounds`: the upper bounds of the buckets, ascending."""
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        """Count a value. O(log buckets)."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def reading(self) -> HistogramReading:
        """What was counted until now. From any thread."""
        return HistogramReading(self._bounds, tuple(self._counts), self._sum)
