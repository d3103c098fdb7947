"""Figures of the front door: how long requests and events took, who is connected, what waits, how late the loop is.

Layer: api.metrics.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from api.auth.credentials import Credentials
from api.faults.injector import FaultInjector
from api.faults.plan import KINDS
from api.feed.feed import Feed
from api.http.front.server import Front
from api.metrics.text import Family, histogram, wide_histogram
from loop.delay import LoopDelay
from loop.turns import in_turns
from sequencer.venue_clock import ClockReading


class ServingFamilies:
    """The figures of one server's front door."""

    def __init__(
        self, feed: Feed, faults: FaultInjector, credentials: Credentials, delay: LoopDelay, clock: ClockReading
    ) -> None:
        self.front: Front | None = None  # once there is one: a server is opened before its front
        self._feed = feed
        self._faults = faults
        self._credentials = credentials
        self._delay = delay
        self._clock = clock

    def families(self) -> Iterator[Family]:
        """All of them. O(connections). Cooperative."""
        if self.front is not None:
            yield from _front(self.front)
        yield from self._of_feed(self._feed)
        yield from _faults(self._faults)
        yield GaugeMetricFamily(
            "openbell_login_sessions", "Sessions of users that have not ended.", value=self._credentials.session_count
        )
        yield histogram(
            "openbell_loop_delay_seconds",
            "How late the event loop came to what was due, ten times a second.",
            self._delay.seconds.reading(),
        )
        held = self._clock.held
        yield GaugeMetricFamily(
            "openbell_clock_held_seconds",
            "How far ahead of the venue's time the machine's clock is that is not followed; 0 while it is followed.",
            value=0.0 if held is None else held.away_ns / 1e9,
        )

    @staticmethod
    def _of_feed(feed: Feed) -> Iterator[Family]:
        sessions = GaugeMetricFamily("openbell_feed_sessions", "Feed clients, by transport.", labels=["transport"])
        for transport, count in feed.transports.items():
            sessions.add_metric([transport], count)
        yield sessions
        waiting = [client.waiting_bytes for client in in_turns(list(feed.subscribers.clients.values()))]
        yield GaugeMetricFamily(
            "openbell_feed_waiting_bytes", "What waits for all feed clients to read it.", value=sum(waiting)
        )
        yield GaugeMetricFamily(
            "openbell_feed_waiting_bytes_max", "The most that waits for one feed client.", value=max(waiting, default=0)
        )
        yield CounterMetricFamily(
            "openbell_feed_states_skipped",
            "States that a slow feed client was not sent; it got the latest instead.",
            value=feed.subscribers.states_skipped,
        )
        yield CounterMetricFamily(
            "openbell_feed_gaps",
            "Streams that ended for a feed client that read too slowly.",
            value=feed.subscribers.streams_ended,
        )
        yield CounterMetricFamily(
            "openbell_feed_resyncs", "Messages that tell a feed client of such a gap.", value=feed.resyncs
        )
        yield wide_histogram(
            "openbell_feed_event_duration_seconds",
            "From when an event of a feed client came to its acknowledgement.",
            (({"event": name}, reading) for name, reading in feed.event_latencies),
        )


def _faults(faults: FaultInjector) -> Iterator[Family]:
    (active, injected), held = faults.counts(), faults.held
    yield GaugeMetricFamily("openbell_faults_active", "Plans of faults on demand that are set.", value=active)
    yield GaugeMetricFamily("openbell_faults_held_requests", "Requests that a fault delays just now.", value=held.count)
    yield CounterMetricFamily(
        "openbell_faults_not_held", "Requests that were not delayed, since too many were.", value=held.refused
    )
    counted = CounterMetricFamily("openbell_faults_injected", "Faults that were injected, by kind.", labels=["kind"])
    for kind in KINDS:
        counted.add_metric([kind], injected.get(kind, 0))
    yield counted


def _front(front: Front) -> Iterator[Family]:
    connections = GaugeMetricFamily("openbell_connections", "Open connections, by kind.", labels=["kind"])
    for kind, count in front.connections_by_kind.items():
        connections.add_metric([kind], count)
    yield connections
    yield GaugeMetricFamily(
        "openbell_connections_max", "So many connections are served at once.", value=front.connections_max
    )
    refused = CounterMetricFamily(
        "openbell_malformed_requests", "What came and was no request, or too large or slow a one.", labels=["code"]
    )
    for code, count in sorted(front.refused.items()):
        refused.add_metric([code], count)
    yield refused
    yield wide_histogram(
        "openbell_http_request_duration_seconds",
        "From the first byte of a request to the last of its answer.",
        ((asked._asdict(), reading) for asked, reading in front.latencies),
    )
