"""The percentiles of latencies."""

from __future__ import annotations

from api.market.latency import MAX_US, Latencies


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
