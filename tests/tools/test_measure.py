"""Latencies, rates and how a summary is printed."""

import io

import msgspec
import pytest

from tools.measure import Latency, Measurements, Mode, Summary, plain_lines, show


def measured() -> Measurements:
    run = Measurements()
    run.counts["orders"] += 20
    run.rejects["BAD_TICK"] += 3
    run.took("limit", 2_000_000)
    run.notes.append("a note")
    run.lasted(10)
    return run


def test_percentiles_are_those_of_the_recorded_durations() -> None:
    latency = Latency()
    for microseconds in range(1, 1_001):
        latency.record(microseconds * 1_000)
    row = latency.row()
    assert row.count == 1_000
    assert row.p50_ms == pytest.approx(0.5, rel=0.002)
    assert row.p99_ms == pytest.approx(0.99, rel=0.002)
    assert row.p999_ms == pytest.approx(0.999, rel=0.002)
    assert row.max_ms == 1.0


def test_no_recorded_duration_is_a_row_of_zeros() -> None:
    assert Latency().row().max_ms == 0


def test_a_duration_beyond_the_range_counts_and_keeps_its_value_as_the_largest() -> None:
    latency = Latency()
    latency.record(10**15)
    assert latency.row().max_ms == 10**9


def test_rates_are_counts_over_the_seconds() -> None:
    assert measured().summary("run").rates == {"orders": 2.0}


@pytest.mark.parametrize("mode", ["table", "plain", "json"])
def test_every_way_to_print_shows_counts_percentiles_rejects_and_notes(mode: Mode) -> None:
    out = io.StringIO()
    show(measured().summary("run"), mode, out)
    for fact in ("orders", "20", "limit", "BAD_TICK", "3", "a note"):
        assert fact in out.getvalue()


@pytest.mark.parametrize("mode", ["table", "plain"])
def test_a_title_longer_than_its_table_stays_on_one_line(mode: Mode) -> None:
    out = io.StringIO()
    show(measured().summary("replay of bitstamp into BTC-USD, [all]"), mode, out)
    assert "replay of bitstamp into BTC-USD, [all]: 10.0 s\n" in out.getvalue()


def test_json_reads_back_as_the_summary() -> None:
    out = io.StringIO()
    summary = measured().summary("run")
    show(summary, "json", out)
    assert msgspec.json.decode(out.getvalue(), type=Summary) == summary


def test_no_reject_is_said_in_words() -> None:
    assert "  rejects: none" in plain_lines(Measurements().summary("run"))
