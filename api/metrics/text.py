"""Figures -> the text that Prometheus reads, in turns.

What has few samples is written by `prometheus_client`. What has one for each symbol or route is written here, at a
tenth of the time: the library takes 5.5 us a sample, and a venue of a thousand symbols has five thousand of them.
Layer: api.metrics.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final, NamedTuple

from prometheus_client import generate_latest
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from loop.histogram import HistogramReading
from loop.turns import Turn, in_turns

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Wide(NamedTuple):
    """A family with a sample for each symbol or route."""

    name: str
    kind: str  # counter, gauge or histogram
    documentation: str
    samples: Iterable[tuple[str, float]]  # name with labels, and value


Family = Metric | Wide


class _One(Collector):
    """A registry of one family."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        """The family."""
        return (self._family,)


def rendered(families: Iterable[Family]) -> bytes:
    """The text of `families`. O(samples). Cooperative."""
    pieces: list[str] = []
    turn = Turn()
    for family in families:
        if isinstance(family, Wide):
            pieces.append(f"# HELP {family.name} {family.documentation}\n# TYPE {family.name} {family.kind}\n")
            pieces += [f"{sample} {value}\n" for sample, value in in_turns(family.samples)]
        else:
            pieces.append(generate_latest(_One(family)).decode())
        turn.pause_if_over()
    return "".join(pieces).encode()


def labels_of(**labels: str) -> str:
    """Labels as they stand behind a name."""
    inner = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{inner}}}"


def histogram(name: str, documentation: str, reading: HistogramReading) -> HistogramMetricFamily:
    """A family of one histogram."""
    buckets = [(str(bound), count) for bound, count in _cumulative(reading)]
    return HistogramMetricFamily(name, documentation, buckets=buckets, sum_value=reading.sum)


def wide_histogram(name: str, documentation: str, readings: Iterable[tuple[dict[str, str], HistogramReading]]) -> Wide:
    """A family of histograms, each with its labels."""
    return Wide(name, "histogram", documentation, _samples(name, readings))


def _samples(name: str, readings: Iterable[tuple[dict[str, str], HistogramReading]]) -> Iterator[tuple[str, float]]:
    for labels, reading in readings:
        inside = labels_of(**labels)[:-1]
        total = 0.0
        for bound, total in _cumulative(reading):
            yield f'{name}_bucket{inside},le="{bound}"}}', total
        yield f"{name}_sum{inside}}}", reading.sum
        yield f"{name}_count{inside}}}", total


def _cumulative(reading: HistogramReading) -> Iterator[tuple[str | float, float]]:
    return zip((*reading.bounds, "+Inf"), accumulate(reading.counts), strict=True)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
