"""The figures of a running server in a few lines, for a person: `openbell health --figures`.

Layer: tools.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

ORDER = {"method": "POST", "route": "/order"}
COMMIT, LOOP = "openbell_journal_commit_seconds", "openbell_loop_delay_seconds"
REQUEST = "openbell_http_request_duration_seconds"


class Figures:
    """What `GET /metrics` said."""

    def __init__(self, text: str) -> None:
        """Raises ValueError for what is no text of Prometheus' format."""
        self._samples: dict[str, list[Sample]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self._samples.setdefault(sample.name, []).append(sample)

    def total(self, name: str, **labels: str) -> float:
        """The sum of a figure over all that have these labels."""
        return sum(each.value for each in self._samples.get(name, ()) if labels.items() <= each.labels.items())

    def by(self, name: str, label: str) -> dict[str, float]:
        """A figure for each value of a label."""
        return {each.labels[label]: each.value for each in self._samples.get(name, ())}

    def at_most_s(self, name: str, share: float, **labels: str) -> float | None:
        """The least bound, in seconds, that a share of all did not exceed; None before the first, or without one."""
        counts: dict[float, float] = {}
        for each in self._samples.get(f"{name}_bucket", ()):
            if labels.items() <= each.labels.items():
                bound = float(each.labels["le"])
                counts[bound] = counts.get(bound, 0.0) + each.value
        whole = counts.get(float("inf"), 0.0)
        within = [bound for bound, count in sorted(counts.items()) if whole and count >= share * whole]
        return within[0] if within and within[0] != float("inf") else None


def lines(figures: Figures) -> Iterator[tuple[str, str]]:
    """What is shown: a name, and its value in words."""
    total = figures.total
    yield "commands", f"{total('openbell_commands_total'):,.0f}"
    yield "orders, trades", f"{total('openbell_orders_total'):,.0f}, {total('openbell_trades_total'):,.0f}"
    yield "open orders", f"{total('openbell_open_orders'):,.0f}"
    yield "POST /order", _within(figures, REQUEST, **ORDER)
    yield "commit", _within(figures, COMMIT)
    yield "event loop late", _within(figures, LOOP)
    waiting, room = total("openbell_sequencer_waiting_commands"), total("openbell_sequencer_waiting_commands_max")
    yield "waiting commands", f"{waiting:,.0f} of {room:,.0f}"
    for follower, records in figures.by("openbell_follower_lag_records", "follower").items():
        seconds = total("openbell_follower_lag_seconds", follower=follower)
        yield f"behind: {follower}", f"{records:,.0f} records, {seconds:,.1f} s"
    gaps, bytes_waiting = total("openbell_feed_gaps_total"), total("openbell_feed_waiting_bytes")
    yield "feed clients", f"{total('openbell_feed_sessions'):,.0f}, {gaps:,.0f} gaps, {_size(bytes_waiting)} wait"
    memory = {"server": total("process_resident_memory_bytes")}
    memory |= figures.by("openbell_child_resident_memory_bytes", "process")
    yield "memory", ", ".join(f"{name} {_size(count)}" for name, count in memory.items())
    free, size = total("openbell_data_free_bytes"), total("openbell_data_filesystem_bytes")
    yield "data", f"{_size(total('openbell_data_bytes'))}, {free / max(1.0, size):.0%} of the disk is free"


def _within(figures: Figures, name: str, **labels: str) -> str:
    """How long half and almost all took since the start, as the buckets tell."""
    half, most = (figures.at_most_s(name, share, **labels) for share in (0.5, 0.99))
    if not figures.total(f"{name}_count", **labels):
        return "none yet"
    return f"half within {_milliseconds(half)}, 99 % within {_milliseconds(most)}"


def _milliseconds(seconds: float | None) -> str:
    return "more than is told apart" if seconds is None else f"{seconds * 1000:g} ms"


def _size(count: float) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count / 1e3:,.1f} kB"
