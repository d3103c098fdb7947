"""What measures one server, and the routes that show it: the parts of this room put together.

Layer: api.metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from flask import Blueprint

from api.auth.credentials import Credentials
from api.faults.injector import FaultInjector
from api.feed.feed import Feed
from api.http.front.server import Front
from api.metrics import routes
from api.metrics.access import MetricsAccess
from api.metrics.page import MetricsText
from api.metrics.records import RecordFamilies
from api.metrics.serving import ServingFamilies
from api.metrics.system import SystemReadings
from api.metrics.text import Family, rendered
from api.metrics.venue import EndCounts, VenueFamilies
from api.settings import Settings
from engine.exchange import Exchange
from history.access import HistoryAccess
from journal.snapshots import SnapshotFolder
from loop.delay import LoopDelay
from projections.activity import Activity
from replica.record_log import RecordLog
from replica.record_server import RecordServer
from sequencer.port import Sequencing
from sequencer.venue_clock import ClockReading


class Monitoring:
    """Measures until it is closed. For the event loop's thread."""

    def __init__(
        self,
        settings: Settings,
        exchange: Exchange,
        activity: Activity,
        sequencer: Sequencing,
        records: RecordLog,
        record_server: RecordServer | None,
        history: HistoryAccess,
        snapshots: SnapshotFolder,
        feed: Feed,
        faults: FaultInjector,
        credentials: Credentials,
        clock: ClockReading,
        children: Mapping[str, Callable[[], int | None]],
        of_doors: Callable[[Callable[[], bytes]], Iterable[Family] | None] = lambda _own: None,
    ) -> None:
        """`children`: the process id of each, None while there is none. Raises OSError as `MetricsAccess`.

        `of_doors`: the figures of front doors, with those that its argument gives; None where there are no doors.
        """
        access = MetricsAccess(settings.metrics_token_file, sandbox=settings.sandbox)
        self._delay, ends = LoopDelay(), EndCounts()
        sequencer.listen_behind(ends.on_applied)
        self._system = SystemReadings(settings.data, snapshots.files, children)
        self._serving = ServingFamilies(feed, faults, credentials, self._delay, clock)
        followers = list if record_server is None else record_server.applied_ns
        of_records = RecordFamilies(exchange, sequencer, records, history, followers, settings.max_waiting)
        venue = VenueFamilies(exchange, activity, ends, lambda: sequencer.refusal)
        self._of_doors = of_doors
        self.further: Callable[[], Iterable[Family]] = tuple  # of what only some servers are
        page = MetricsText(
            venue.families, of_records.families, self._serving_families, self._system.families, self._further_families
        )
        self.blueprint: Blueprint = routes.blueprint(page.text, lambda: sequencer.refusal, access.require)
        self._delay.start()

    def _serving_families(self) -> Iterable[Family]:
        """The figures of whoever serves clients. Cooperative."""
        of_doors = self._of_doors(lambda: rendered(self._serving.families()))
        return self._serving.families() if of_doors is None else of_doors

    def _further_families(self) -> Iterable[Family]:
        return self.further()

    def observe(self, front: Front) -> None:
        """Show what `front` has counted as well: a server is opened before its front."""
        self._serving.front = front

    def close(self) -> None:
        """Measure no more. Idempotent."""
        self._delay.stop()
        self._system.close()
