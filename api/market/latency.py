"""How long orders take on their way through the server: percentiles since the start.

Layer: api.market.
"""

from __future__ import annotations

import time
from typing import Final

from hdrh.histogram import HdrHistogram

MAX_US: Final = 60_000_000
_EXACT_BITS: Final = 11  # of a value: with so many three significant digits differ
PERCENTILES: Final = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99.9": 99.9}
KEPT_S: Final = 1.0  # that figures are kept: to find them takes milliseconds


class Latencies:
    """All latencies since the start, in a histogram of bounded size."""

    def __init__(self) -> None:
        self._microseconds = HdrHistogram(1, MAX_US, 3)
        self._sum_us = 0
        self._figures: dict[str, float] = {}
        self._figures_until = 0.0  # monotonic seconds

    def record(self, microseconds: int, orders: int) -> None:
        """Count the way of orders that came together through the server. O(1)."""
        counted = max(1, min(microseconds, MAX_US))
        self._sum_us += counted * orders
        # as `record_value`, which takes four times as long to find the count; but for the least, which nobody reads
        histogram, finer = self._microseconds, max(0, counted.bit_length() - _EXACT_BITS)
        histogram.counts[(finer << _EXACT_BITS - 1) + (counted >> finer)] += orders
        histogram.total_count += orders
        histogram.max_value = max(histogram.max_value, counted)

    def percentiles_ms(self) -> dict[str, float]:
        """Percentiles of all, in milliseconds: of this second or the last."""
        now = time.monotonic()
        if now >= self._figures_until:
            histogram = self._microseconds
            found = histogram.get_percentile_to_value_dict(list(PERCENTILES.values()))
            figures = {name: found.get(point, 0) / 1000 for name, point in PERCENTILES.items()}
            self._figures = figures | {"max": histogram.get_max_value() / 1000}
            self._figures_until = now + KEPT_S
        return self._figures

    def average_ms(self) -> float:
        """The mean of all, in milliseconds; 0 before the first."""
        count: int = self._microseconds.get_total_count()
        return self._sum_us / count / 1000 if count else 0.0
