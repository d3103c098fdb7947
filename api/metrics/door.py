"""What measures one front door: its own figures for the writer, whose page has all, and whether it lives and is ready.

Layer: api.metrics.
"""

from __future__ import annotations

from flask import Blueprint

from api.auth.credentials import Credentials
from api.faults.injector import FaultInjector
from api.feed.feed import Feed
from api.http.front.server import Front
from api.metrics import routes
from api.metrics.serving import ServingFamilies
from api.metrics.text import rendered
from loop.delay import LoopDelay
from sequencer.port import Sequencing
from sequencer.venue_clock import ClockReading


class DoorMonitoring:
    """Measures until the process ends. For the event loop's thread."""

    def __init__(
        self,
        feed: Feed,
        faults: FaultInjector,
        credentials: Credentials,
        clock: ClockReading,
        sequencer: Sequencing,
    ) -> None:
        self._delay = LoopDelay()
        self._serving = ServingFamilies(feed, faults, credentials, self._delay, clock)
        self.blueprint: Blueprint = routes.blueprint(bytes, lambda: sequencer.refusal, lambda: None)
        self._delay.start()

    def observe(self, front: Front) -> None:
        """Show what `front` has counted as well: a door is made before its front."""
        self._serving.front = front

    def figures(self) -> bytes:
        """The text of this door's figures. Cooperative."""
        return rendered(self._serving.families())
