"""What doors are sent of the writer's state, beside records: all of it to a new one, and each change to every one.

Layer: api.doors. For the event loop's thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import eventlet

from api.auth.credentials import Credentials
from api.doors.messages import (
    FaultsSet,
    HistoryAt,
    ListenKeyAt,
    Planned,
    ToDoor,
    VenueChanged,
    VenueTime,
)
from api.faults.injector import FaultInjector
from api.faults.profile import Profile
from api.market.flow_sources import FlowSource
from api.market.status_views import NextChangeOf
from engine.exchange import Exchange
from engine.types import AccountId
from history.access import HistoryAccess
from sequencer.venue_clock import ClockReading, steady_ns

HISTORY_S: Final = 0.25  # between two looks how far the history is
HURRIED_S: Final = 0.02  # while somebody waits for it
HURRIED_FOR: Final = 250  # such looks, behind the last who began to wait
TIME_EVERY: Final = 4  # looks, between two times that the venue's time is sent


class Mirroring:
    """Sends what changes, while it runs."""

    def __init__(
        self,
        exchange: Exchange,
        credentials: Credentials,
        access: HistoryAccess,
        clock: ClockReading,
        next_change: NextChangeOf,
        injector: FaultInjector,
        listen_keys: Callable[[], list[tuple[str, str, float]]],
        publish: Callable[[ToDoor], object],
    ) -> None:
        """`listen_keys`: text, key that made it and for how long it is good, of each. `publish` sends to every door."""
        self._exchange = exchange
        self._credentials = credentials
        self._access = access
        self._clock = clock
        self._next_change = next_change
        self._injector = injector
        self._listen_keys = listen_keys
        self._publish = publish
        self._profiles: dict[AccountId | None, Profile] = {}  # as doors have them
        self._history: HistoryAt | None = None
        self._hurried = 0
        self._symbols_seq = 0
        self.sources: Callable[[], list[FlowSource]] = list
        self._ticking: eventlet.greenthread.GreenThread | None = None
        credentials.mirror(publish)
        injector.listen(self._faults_changed)

    def start(self) -> None:
        """Begin to look how far the history is, and to send the time."""
        self._ticking = eventlet.spawn(self._tick)

    def close(self) -> None:
        """Look no more. Idempotent."""
        if self._ticking is not None:
            self._ticking.kill()
            self._ticking = None

    def introduction(self) -> Iterator[ToDoor]:
        """Everything that a door begins with."""
        yield self._credentials.all_good()
        yield self._time()
        yield self._history_now()
        for symbol in self._exchange.books:
            if self._next_change(symbol) is not None:
                yield self._planned(symbol)
        yield self._venue(self._symbols_seq, symbols=bool(self._symbols_seq))
        for profile in self._injector.profiles():
            yield _faults_of(profile)
        for text, key_id, valid_s in self._listen_keys():
            yield ListenKeyAt(text, key_id, valid_s)

    # -- what changes

    def hurry(self) -> None:
        """Somebody waits for the history: look more often for a while."""
        self._hurried = HURRIED_FOR

    def plan_changed(self, symbol: str) -> None:
        """What is planned for a symbol has changed."""
        self._publish(self._planned(symbol))

    def symbols_changed(self, seq: int) -> None:
        """The symbols have changed by command `seq`."""
        self._symbols_seq = seq
        self._publish(self._venue(seq, symbols=True))

    def venue_changed(self) -> None:
        """Whatever else clients are told of the venue as a whole has changed."""
        self._publish(self._time())
        self._publish(self._venue(self._exchange.seq, symbols=False))

    def listen_key_changed(self, text: str, key_id: str, valid_s: float) -> None:
        """A listen key is good for so long; with 0 it is over."""
        self._publish(ListenKeyAt(text, key_id, valid_s))

    def _faults_changed(self, account: AccountId | None) -> None:
        profile = self._injector.of(account)
        if profile is self._profiles.get(account):
            return  # a step of it began or ended, which doors see by themselves
        if profile is None:
            self._profiles.pop(account, None)
            self._publish(FaultsSet(account, None, 0.0))
        else:
            self._profiles[account] = profile
            self._publish(_faults_of(profile))

    def _tick(self) -> None:
        number = 0
        while True:
            eventlet.sleep(HURRIED_S if self._hurried else HISTORY_S)
            if self._hurried:
                self._hurried -= 1
            history = self._history_now()
            if history != self._history:
                self._history = history
                self._publish(history)
            number += 1
            if number % TIME_EVERY == 0:
                self._publish(self._time())

    # -- what is

    def _history_now(self) -> HistoryAt:
        return HistoryAt(self._access.record_n, self._access.stored_seq, self._access.failure)

    def _planned(self, symbol: str) -> Planned:
        change = self._next_change(symbol)
        status, at_ns = (None, 0) if change is None else (change.status, change.at_ns)
        return Planned(self._exchange.seq, symbol, status, at_ns)

    def _venue(self, seq: int, *, symbols: bool) -> VenueChanged:
        return VenueChanged(seq, symbols, self.sources())

    def _time(self) -> VenueTime:
        venue_ns, held = self._clock(), self._clock.held
        return VenueTime(
            venue_ns, steady_ns(), None if held is None else (held.ahead_ns, held.since_ns, held.kept_ahead_ns)
        )


def _faults_of(profile: Profile) -> FaultsSet:
    return FaultsSet(profile.account, profile.plan, profile.elapsed_s)
