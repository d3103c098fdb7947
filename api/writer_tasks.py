"""What the writer of a cluster does beside sequencing: it keeps the time and the schedules, and lists instruments.

Each term begins as a start of a server alone does: with what fell due while nobody did it.
Layer: api. For the event loop's thread.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import eventlet
import msgspec

from api.accounts.service import AccountService
from engine.commands import AdoptRulebook
from engine.exchange import Exchange
from engine.rulebook import CURRENT_EDITION
from listings.instruments_file import VenueFile
from listings.listing_commands import list_instruments, newly_scheduled
from listings.schedule_file import ScheduleError
from listings.schedule_runner import ScheduleRunner
from listings.schedule_store import ScheduleStore
from loop.errors import StoreError
from loop.workers import Workers
from sequencer.clock import Clock
from sequencer.port import NotAccepting, OutcomeUnknown, Sequencing

log = logging.getLogger(__name__)

RELOAD_S: Final = 2.0  # between two looks at the schedules that nodes share


class NodeTasks:
    """The tasks of one node: it knows what schedules say all the time, and carries them out while it is the writer."""

    def __init__(
        self,
        file: VenueFile,
        schedules: ScheduleStore,
        exchange: Exchange,
        sequencer: Sequencing,
        accounts: AccountService,
        runner: ScheduleRunner,
    ) -> None:
        self._file, self._schedules = file, schedules
        self._exchange, self._sequencer = exchange, sequencer
        self._accounts, self._runner = accounts, runner
        self._clock = Clock(exchange, sequencer, sequencer.now_ns)
        self._workers = Workers("shared-schedules", 1, 4)
        self._following: Any = None

    def start(self) -> None:
        """Follow what other nodes change."""
        self._following = eventlet.spawn(self._follow)

    def close(self) -> None:
        """End. Idempotent."""
        self.end()
        if self._following is not None:
            self._following.kill()
            self._following = None
        self._workers.close()

    def check_again(self) -> None:
        """The venue's time was set forward: what is due by now happens at once."""
        self._clock.check_again()
        self._runner.check_again()

    def begin(self) -> None:
        """Be the writer. Cooperative. Raises NotAccepting, OutcomeUnknown, ListingError."""
        self._clock.start()
        if self._exchange.rulebook < CURRENT_EDITION:
            self._sequencer.submit(AdoptRulebook(CURRENT_EDITION))
        self._reload()
        instruments = self._schedules.over(self._file, self._exchange).instruments
        scheduled = newly_scheduled(instruments, self._exchange)
        list_instruments(instruments, self._exchange, self._sequencer)
        self._accounts.resume_resets()
        self._accounts.fund_sandbox()
        self._runner.start(scheduled)

    def end(self) -> None:
        """Be the writer no more. Idempotent."""
        self._clock.stop()
        self._runner.stop()

    def _follow(self) -> None:
        while True:
            eventlet.sleep(RELOAD_S)
            try:
                self._reload()
            except (NotAccepting, OutcomeUnknown) as problem:
                log.warning("a schedule that was changed is not followed yet: %s", problem)
            except Exception:
                log.exception("the shared schedules could not be followed")

    def _reload(self) -> None:
        """Take what other nodes have changed. Raises NotAccepting, OutcomeUnknown."""
        try:
            changed = self._workers.run(self._schedules.reload)
        except (OSError, msgspec.DecodeError, ScheduleError, StoreError) as problem:
            log.debug("the shared schedules cannot be read just now: %s", problem)
            return
        for symbol, schedule in changed.items():
            if symbol in self._exchange.books:
                self._runner.put(symbol, schedule, self._schedules.by_symbol[symbol].since_ns)
