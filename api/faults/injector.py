"""Which faults are active, for which account and for the venue; the one thing that the rim asks.

    if injector.active:                                  # all that it costs while no plan is set
        faults = injector.of_request(environ, account)
        ... faults.before(); the request; faults.after()

A request is touched by the plan of its account first, then by the venue's.
Layer: api.faults.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import eventlet

from api.faults.areas import applies, area_of
from api.faults.feed_faults import FeedFaults
from api.faults.held import HeldRequests
from api.faults.order_faults import OrderFaults
from api.faults.plan import ORDER_KINDS, Area, Kind, Plan, Step
from api.faults.profile import Hit, Profile
from api.faults.request_faults import RequestFaults
from api.http.wsgi import Environ
from api.json.errors import ApiError
from engine.exchange import Exchange
from engine.types import AccountId

PROFILES_MAX: Final = 1_000  # accounts that have a plan at once
OnChange = Callable[["AccountId | None"], None]  # the account whose plan changed; None: the venue's did


class FaultInjector:
    """The plans of one venue. For the event loop's thread. Nothing of it is kept over a restart."""

    def __init__(self, exchange: Exchange, now_ns: Callable[[], int]) -> None:
        """`now_ns`: the venue's time."""
        self.active = False  # whether any plan is set
        self.held = HeldRequests()
        self.injected: Counter[Kind] = Counter()  # since the start
        self._now_ns = now_ns
        self._profiles: dict[AccountId, Profile] = {}
        self._of_venue: Profile | None = None
        self._orders = OrderFaults(exchange)
        self._on_change: list[OnChange] = []
        self._timers: dict[AccountId | None, Any] = {}  # for the next step that begins or ends

    # -- setting and ending

    def listen(self, on_change: OnChange) -> None:
        """Have `on_change` called when a plan was set or ended, and when a step of one began or ended."""
        self._on_change.append(on_change)

    def checked(self, plan: Plan, account: AccountId | None) -> Profile:
        """What `put` would set. Nothing is."""
        return Profile(plan, account, self._now_ns())

    def put(self, plan: Plan, account: AccountId | None, began_ago_s: float = 0.0) -> Profile:
        """Set the plan of an account, or of the venue, in place of the one that it has. Raises ApiError 503.

        `began_ago_s`: it was set so long ago, by another process of the server.
        """
        if account is not None and account not in self._profiles and len(self._profiles) >= PROFILES_MAX:
            sentence = f"At most {PROFILES_MAX} accounts have faults at once; try again when others have ended theirs."
            raise ApiError(503, "TOO_MANY_FAULTS", sentence, None, 60)
        self._drop(account)
        profile = Profile(plan, account, self._now_ns(), began_ago_s)
        if account is None:
            self._of_venue = profile
        else:
            self._profiles[account] = profile
        self._changed(account)
        return profile

    def end(self, account: AccountId | None) -> Profile | None:
        """End the plan of an account, or of the venue; what it delays goes on now. None where there is none."""
        profile = self._drop(account)
        if profile is not None:
            self._changed(account)
        return profile

    def end_all(self) -> int:
        """End every plan; how many there were."""
        profiles = self.profiles()
        for profile in profiles:
            self.end(profile.account)
        return len(profiles)

    def _drop(self, account: AccountId | None) -> Profile | None:
        profile = self.of(account)
        if profile is None:
            return None
        if account is None:
            self._of_venue = None
        else:
            del self._profiles[account]
        profile.ended.send()
        return profile

    def _changed(self, account: AccountId | None) -> None:
        """Tell who listens, and be back when the next step begins or ends."""
        self.active = self._of_venue is not None or bool(self._profiles)
        timer, profile = self._timers.pop(account, None), self.of(account)
        if timer is not None:
            timer.cancel()
        if profile is not None:
            self._timers[account] = eventlet.spawn_after(profile.next_change_s, self._step_on, account)
        for on_change in self._on_change:
            on_change(account)

    def _step_on(self, account: AccountId | None) -> None:
        """A step of a plan begins or ends; behind the last, the plan does."""
        self._timers.pop(account, None)
        profile = self.of(account)
        if profile is not None and profile.ends_in_s <= 0:
            self._drop(account)
        self._changed(account)

    # -- reading

    def of(self, account: AccountId | None) -> Profile | None:
        """The plan that was set for an account; with None, the venue's."""
        return self._of_venue if account is None else self._profiles.get(account)

    def profiles(self) -> list[Profile]:
        """All of them, the venue's first. O(plans)."""
        of_venue = [] if self._of_venue is None else [self._of_venue]
        return [*of_venue, *self._profiles.values()]

    def counts(self) -> tuple[int, dict[str, int]]:
        """How many plans are set, and how often each kind was injected since the start."""
        return len(self._profiles) + (self._of_venue is not None), {
            str(kind): count for kind, count in self.injected.items()
        }

    def concerning(self, account: AccountId | None) -> list[Profile]:
        """The plans that touch an account's requests: its own, then the venue's. None: somebody without an account."""
        own = None if account is None else self._profiles.get(account)
        return [profile for profile in (own, self._of_venue) if profile is not None]

    # -- what the rim asks

    def of_request(self, environ: Environ, account: AccountId | None) -> RequestFaults | None:
        """The faults of a request over REST, of either wire; None where no plan concerns it. O(steps)."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        area = area_of(method, path)
        size = int(environ.get("CONTENT_LENGTH") or 0)
        return None if area is None else self._begin(account, area, f"{method} {path}", size)

    def of_event(self, account: AccountId | None, name: str, size: int = 0) -> RequestFaults | None:
        """As `of_request`, of an order that comes over the feed: `order`, or another of `FEED_EVENTS`."""
        return self._begin(account, "orders", name, size)

    def of_call(self, account: AccountId, method: str, area: Area) -> RequestFaults | None:
        """As `of_request`, of a method that is called over a WebSocket of the second wire: `order.place`."""
        return self._begin(account, area, method, 0)

    def feed(self, account: AccountId | None, cut: Callable[[], object]) -> FeedFaults | None:
        """The faults of one connection that is sent events, until a plan changes; None where no plan concerns it.

        `cut` ends the connection soon. It is called at once where that is due.
        """
        profiles = self.concerning(account)
        return FeedFaults(profiles, cut, self._note) if profiles else None

    def _begin(self, account: AccountId | None, area: Area, route: str, size: int) -> RequestFaults | None:
        profiles = self.concerning(account)
        if not profiles:
            return None

        def of_request(step: Step) -> bool:
            return step.kind not in ORDER_KINDS and (step.on is None or area in step.on) and applies(step.routes, route)

        def of_order(step: Step) -> bool:
            return step.kind in ORDER_KINDS and applies(step.routes, route)

        def order_hits() -> list[Hit]:
            return [hit for profile in profiles for hit in profile.hits(account, of_order)]

        hits = [hit for profile in profiles for hit in profile.hits(account, of_request)]
        return RequestFaults(hits, order_hits, account, route, size, self._hold, self._note, self._orders)

    def _hold(self, profile: Profile, account: AccountId | None, seconds: float, size: int) -> bool:
        return self.held.hold(account, profile.ended, seconds, size)

    def _note(self, profile: Profile, kind: Kind) -> None:
        profile.injected[kind] += 1
        self.injected[kind] += 1
