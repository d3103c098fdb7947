"""The percentiles of latencies."""

from __future__ import annotations

import random

from hdrh.histogram import HdrHistogram

from api.market.latency import MAX_US, PERCENTILES, Latencies


def test_latencies_are_given_in_milliseconds_within_a_thousandth() -> None:
    latencies = Latencies()
    for microseconds in range(1, 1001):
        latencies.record(microseconds * 10, 1)
    shown = latencies.percentiles_ms()
    for name, exact in (("p50", 5.0), ("p90", 9.0), ("p99", 9.9), ("p99.9", 9.99), ("max", 10.0)):
        assert abs(shown[name] - exact) <= exact * 0.002
    latencies = Latencies()  # figures are kept for a second
    latencies.record(0, 1)
    latencies.record(10 * MAX_US, 1)
    assert latencies.percentiles_ms()["max"] >= MAX_US / 1000


def test_latencies_are_counted_where_the_histogram_itself_counts_them() -> None:
    rng, latencies, reference = random.Random(1), Latencies(), HdrHistogram(1, MAX_US, 3)
    edges = [value + by for value in (2**bits for bits in range(1, 26)) for by in (-1, 0, 1)]
    for microseconds in [*edges, MAX_US, *(int(rng.lognormvariate(9, 3)) + 1 for _ in range(2_000))]:
        orders = rng.randint(1, 100)
        latencies.record(microseconds, orders)
        reference.record_value(min(microseconds, MAX_US), orders)
    expected = reference.get_percentile_to_value_dict(list(PERCENTILES.values()))
    shown = latencies.percentiles_ms()
    assert {name: shown[name] for name in PERCENTILES} == {
        name: expected[at] / 1000 for name, at in PERCENTILES.items()
    }
    assert shown["max"] == reference.get_max_value() / 1000
    assert list(latencies._microseconds.counts) == list(reference.counts)
