"""What a run did and how long it took: counts, rates, rejects by reason, latency percentiles.

Latencies are recorded in nanoseconds and shown in milliseconds, to three significant
figures (HdrHistogram): p50, p90, p99, p99.9 and the largest.
Layer: tools.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import Final, Literal, TextIO

import msgspec
from hdrh.histogram import HdrHistogram
from rich.console import Console
from rich.table import Table

Mode = Literal["table", "plain", "json"]
PERCENTILES: Final = (50.0, 90.0, 99.0, 99.9)
LONGEST_NS: Final = 600_000_000_000  # ten minutes; what took longer is recorded as this


class LatencyRow(msgspec.Struct, frozen=True):
    """Percentiles of one kind of request, in milliseconds."""

    count: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float


class Summary(msgspec.Struct, frozen=True):
    """One run, ready to be shown."""

    title: str
    seconds: float
    counts: dict[str, int]
    rates: dict[str, float]  # per second
    latency: dict[str, LatencyRow]
    rejects: dict[str, int]
    notes: list[str]


class Latency:
    """A histogram of durations. Recording is O(1) and takes constant memory."""

    def __init__(self) -> None:
        self._histogram = HdrHistogram(1_000, LONGEST_NS, 3)
        self._max_ns = 0

    def record(self, elapsed_ns: int) -> None:
        """Count one duration; below a microsecond is a microsecond."""
        self._histogram.record_value(min(max(elapsed_ns, 1_000), LONGEST_NS))
        self._max_ns = max(self._max_ns, elapsed_ns)

    @property
    def count(self) -> int:
        """How many were recorded."""
        return int(self._histogram.get_total_count())

    def percentile_ms(self, percentile: float) -> float:
        """The duration that `percentile` of a hundred did not exceed, in ms; 0 when none was recorded."""
        if self.count == 0:
            return 0.0
        value_ns = int(self._histogram.get_value_at_percentile(percentile))
        return round(min(value_ns, self._max_ns) / 1e6, 3)

    def row(self) -> LatencyRow:
        """The percentiles that are always shown."""
        p50, p90, p99, p999 = (self.percentile_ms(percentile) for percentile in PERCENTILES)
        return LatencyRow(self.count, p50, p90, p99, p999, round(self._max_ns / 1e6, 3))


class Measurements:
    """Counts and durations of one run, gathered while it goes on."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.rejects: Counter[str] = Counter()
        self.latency: dict[str, Latency] = {}
        self.notes: list[str] = []
        self._started_ns = time.perf_counter_ns()
        self._stopped_ns: int | None = None

    def lasted(self, seconds: float) -> None:
        """Let the rates be over this many seconds."""
        self._stopped_ns = self._started_ns + int(seconds * 1e9)

    def restart(self) -> None:
        """Let the clock of the rates begin now."""
        self._started_ns = time.perf_counter_ns()

    def stop(self) -> None:
        """Let the clock of the rates end now; later calls change nothing."""
        if self._stopped_ns is None:
            self._stopped_ns = time.perf_counter_ns()

    @property
    def seconds(self) -> float:
        """How long the run took, or takes so far."""
        end = self._stopped_ns if self._stopped_ns is not None else time.perf_counter_ns()
        return (end - self._started_ns) / 1e9

    def took(self, kind: str, elapsed_ns: int) -> None:
        """One request of `kind` was answered after so long."""
        latency = self.latency.get(kind)
        if latency is None:
            latency = self.latency[kind] = Latency()
        latency.record(elapsed_ns)

    def summary(self, title: str) -> Summary:
        """Everything so far."""
        seconds = self.seconds
        rates = {name: round(count / seconds, 1) if seconds > 0 else 0.0 for name, count in self.counts.items()}
        return Summary(
            title=title,
            seconds=round(seconds, 3),
            counts=dict(self.counts),
            rates=rates,
            latency={kind: latency.row() for kind, latency in self.latency.items()},
            rejects=dict(self.rejects.most_common()),
            notes=list(self.notes),
        )


def show(summary: Summary, mode: Mode = "table", file: TextIO | None = None) -> None:
    """Print a summary: as tables for a person, as plain lines, or as one line of JSON."""
    out = file if file is not None else sys.stdout
    if mode == "json":
        out.write(msgspec.json.encode(summary).decode() + "\n")
    elif mode == "plain":
        out.write("\n".join(plain_lines(summary)) + "\n")
    else:
        console = Console(file=out)
        # Not as the first table's title, which would be broken at the width of that table.
        console.print(f"{summary.title}: {summary.seconds:.1f} s", style="italic", markup=False, highlight=False)
        for table in _tables(summary):
            console.print(table)
        for note in summary.notes:
            console.print(note, markup=False, highlight=False)
    out.flush()


def plain_lines(summary: Summary) -> list[str]:
    """A summary as lines of text, one fact each."""
    lines = [f"{summary.title}: {summary.seconds:.1f} s"]
    lines += [f"  {name}: {count} ({summary.rates.get(name, 0.0):.1f}/s)" for name, count in summary.counts.items()]
    for kind, row in summary.latency.items():
        lines.append(
            f"  latency {kind}: n={row.count} p50={row.p50_ms:.2f} p90={row.p90_ms:.2f} p99={row.p99_ms:.2f} "
            f"p99.9={row.p999_ms:.2f} max={row.max_ms:.2f} ms"
        )
    rejects = ", ".join(f"{reason} {count}" for reason, count in summary.rejects.items())
    lines.append(f"  rejects: {rejects or 'none'}")
    lines += [f"  {note}" for note in summary.notes]
    return lines


def _tables(summary: Summary) -> list[Table]:
    counts = Table()
    counts.add_column("")
    counts.add_column("count", justify="right")
    counts.add_column("per second", justify="right")
    for name, count in summary.counts.items():
        counts.add_row(name, f"{count:,}", f"{summary.rates.get(name, 0.0):,.1f}")
    tables = [counts]
    if summary.latency:
        latency = Table(title="latency, ms", title_justify="left")
        for column in ("", "count", "p50", "p90", "p99", "p99.9", "max"):
            latency.add_column(column, justify="left" if column == "" else "right")
        for kind, row in summary.latency.items():
            shares = (row.p50_ms, row.p90_ms, row.p99_ms, row.p999_ms, row.max_ms)
            latency.add_row(kind, f"{row.count:,}", *(f"{share:.2f}" for share in shares))
        tables.append(latency)
    rejects = Table(title="rejects by reason", title_justify="left")
    rejects.add_column("reason")
    rejects.add_column("count", justify="right")
    for reason, count in summary.rejects.items():
        rejects.add_row(reason, f"{count:,}")
    if not summary.rejects:
        rejects.add_row("none", "0")
    tables.append(rejects)
    return tables
