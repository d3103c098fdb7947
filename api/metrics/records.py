"""Figures of the records: how fast they become durable, what waits, and how far behind who follows them is.

Layer: api.metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from api.metrics.text import Family, histogram
from engine.exchange import Exchange
from history.access import HistoryAccess
from publish.host import PublisherState
from replica.record_log import RecordLog
from sequencer.port import Sequencing

HISTORIAN = "historian"
PUBLISHER = "publish"  # before the name of its broker


class RecordFamilies:
    """The figures of one journal and its followers."""

    def __init__(
        self,
        exchange: Exchange,
        sequencer: Sequencing,
        records: RecordLog,
        history: HistoryAccess,
        followers: Callable[[], list[int]],
        waiting_max: int,
        publishers: Callable[[], list[PublisherState]],
    ) -> None:
        """`followers`: the last record that each follower at the socket has applied; `waiting_max`: commands.

        `publishers`: how far each of them is.
        """
        self._publishers = publishers
        self._exchange = exchange
        self._sequencer = sequencer
        self._records = records
        self._history = history
        self._followers = followers
        self._waiting_max = waiting_max

    def families(self) -> Iterator[Family]:
        """All of them. O(followers)."""
        records = self._records
        yield CounterMetricFamily("openbell_journal_records", "Durable records since the first.", value=records.last_n)
        yield histogram(
            "openbell_journal_commit_seconds",
            "How long a record took to be written and flushed.",
            records.commit_seconds.reading(),
        )
        yield histogram("openbell_journal_batch_commands", "Commands in a record.", records.batch_commands.reading())
        yield GaugeMetricFamily(
            "openbell_sequencer_waiting_commands",
            "Commands that wait to be journaled.",
            value=self._sequencer.waiting_commands,
        )
        yield GaugeMetricFamily(
            "openbell_sequencer_waiting_commands_max",
            "So many may wait; above it the answer is 503.",
            value=self._waiting_max,
        )
        yield from self._lags()

    def _lags(self) -> Iterator[Family]:
        """How far behind the historian and whoever follows at the socket are."""
        positions = {HISTORIAN: self._history.record_n}
        positions |= {f"socket-{number}": n for number, n in enumerate(self._followers(), 1)}
        publishers = {f"{PUBLISHER}-{state.broker}": state for state in self._publishers()}
        positions |= {follower: state.n for follower, state in publishers.items()}
        records = GaugeMetricFamily(
            "openbell_follower_lag_records", "Durable records that a follower has not applied.", labels=["follower"]
        )
        seconds = GaugeMetricFamily(
            "openbell_follower_lag_seconds",
            "How old the first record is that a follower has not applied; at least, where it is far behind.",
            labels=["follower"],
        )
        last_n, now_ns = self._records.last_n, self._sequencer.now_ns()  # records have the venue's time
        for follower, n in positions.items():
            since_ns = self._records.waiting_since_ns(n)
            records.add_metric([follower], max(0, last_n - n))
            seconds.add_metric([follower], 0.0 if since_ns is None else max(0.0, (now_ns - since_ns) / 1e9))
        yield records
        yield seconds
        yield GaugeMetricFamily(
            "openbell_history_lag_commands",
            "Commands that cannot be found in the history yet.",
            value=self._history.lag(self._exchange.seq),
        )
        yield GaugeMetricFamily(
            "openbell_history_failing",
            "Whether the history cannot be written just now: 1 or 0.",
            value=int(self._history.failure is not None),
        )
        failing = GaugeMetricFamily(
            "openbell_publisher_failing",
            "Whether nothing can be published just now: 1 or 0.",
            labels=["follower"],
        )
        for follower, state in publishers.items():
            failing.add_metric([follower], int(state.failure is not None))
        yield failing
