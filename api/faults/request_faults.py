"""What the faults of a plan do to one request: before it is carried out, to the order that it enters, and behind it.

Layer: api.faults.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, Protocol

from api.faults.draws import latency_s
from api.faults.order_faults import OrderFaults
from api.faults.plan import LATENCY_MS_MAX, Kind
from api.faults.profile import Hit, Profile
from api.http.front.serving import ClientGone
from api.json.errors import ApiError
from engine.commands import EnterOrder
from engine.types import AccountId
from logs.limit import limited

log = logging.getLogger(__name__)

HEADER: Final = "X-Openbell-Fault"
_CODES: Final = {
    500: "INTERNAL_ERROR",
    501: "NOT_IMPLEMENTED",
    502: "BAD_GATEWAY",
    503: "SERVICE_UNAVAILABLE",
    504: "GATEWAY_TIMEOUT",
}

Hold = Callable[[Profile, AccountId | None, float, int], bool]  # waits so many seconds; False: it was too many


class Note(Protocol):
    """Counts a fault that was injected."""

    def __call__(self, profile: Profile, kind: Kind) -> None: ...


class RequestFaults:
    """The faults of one request or event. `before` and `after` are cooperative, and raise what it is answered with:
    ApiError, or ClientGone where its connection is dropped."""

    __slots__ = (
        "_account",
        "_delay_left_s",
        "_hits",
        "_hold",
        "_is_refused",
        "_note",
        "_order_hits",
        "_orders",
        "_seeds",
        "_size",
        "is_dropped",
        "route",
        "touched",
    )

    def __init__(
        self,
        hits: list[Hit],
        order_hits: Callable[[], list[Hit]],
        account: AccountId | None,
        route: str,
        size: int,
        hold: Hold,
        note: Note,
        orders: OrderFaults,
    ) -> None:
        """`order_hits`: what touches the next order that it enters. `size`: the bytes that are held while it waits."""
        self._order_hits = order_hits
        self._is_refused = False  # before it was carried out
        self._delay_left_s = LATENCY_MS_MAX / 1e3  # of all steps together
        self.is_dropped = False  # there is no answer, and the connection ends
        self._hits = hits
        self._account = account
        self._size = size
        self._hold = hold
        self._note = note
        self._orders = orders
        self.route = route
        self.touched: list[Kind] = []  # the kinds that it was given, in their order
        self._seeds: dict[int, None] = {}  # of the plans that they are of

    @property
    def header(self) -> tuple[str, str] | None:
        """What its answer says of them; None where it was not touched."""
        if not self.touched:
            return None
        return HEADER, f"{', '.join(dict.fromkeys(self.touched))}; seed={' '.join(map(str, self._seeds))}"

    def before(self) -> None:
        """What happens before the request is carried out."""
        self._is_refused = True
        for hit in self._hits:
            if hit.step.when == "before":
                self._happen(hit)
        self._is_refused = False

    def after(self) -> None:
        """What happens once it was carried out, instead of its answer or before it."""
        for hit in () if self._is_refused else self._hits:
            if hit.step.when == "after":
                self._happen(hit)

    def order(self, command: EnterOrder) -> EnterOrder:
        """The order that is entered in place of one that was asked for. Raises ApiError where it is refused."""
        for hit in self._order_hits():
            if hit.step.kind == "reject" and (refusal := self._orders.refusal(hit.step, command)) is not None:
                self._touch(hit)
                raise refusal
            if hit.step.kind == "partial" and (part := self._orders.part(hit.step, command)) is not None:
                self._touch(hit)
                return part
        return self._orders.as_before(command)

    def _happen(self, hit: Hit) -> None:
        step = hit.step
        match step.kind:
            case "latency":
                seconds = min(latency_s(step, hit.drawn), self._delay_left_s)
                self._delay_left_s -= seconds
                if seconds and self._hold(hit.profile, self._account, seconds, self._size):
                    self._touch(hit)
            case "drop":
                self._touch(hit)
                self.is_dropped = True
                raise ClientGone("a fault that was asked for")
            case "rate_limit":
                self._touch(hit)
                sentence = "Too many requests, by a fault that was asked for; nothing was done."
                raise ApiError(429, "TOO_MANY_REQUESTS", sentence, {"fault": step.kind}, step.retry_after_s)
            case "timestamp":
                self._touch(hit)
                sentence = "The timestamp is outside the window, by a fault that was asked for; nothing was done."
                raise ApiError(401, "TIMESTAMP_OUTSIDE_WINDOW", sentence, {"fault": step.kind})
            case "error":
                self._touch(hit)
                sentence = "A fault that was asked for: whether the request was carried out, this answer does not say."
                retry_after_s = step.retry_after_s if step.status == 503 else None
                raise ApiError(step.status, _CODES[step.status], sentence, {"fault": step.kind}, retry_after_s)

    def _touch(self, hit: Hit) -> None:
        kind = hit.step.kind
        self.touched.append(kind)
        self._seeds[hit.profile.plan.seed] = None
        self._note(hit.profile, kind)
        whose = "the venue" if hit.profile.account is None else f"account {hit.profile.account}"
        limited(log, kind).info("injected %s, as asked for by the faults of %s: %s", kind, whose, self.route)
