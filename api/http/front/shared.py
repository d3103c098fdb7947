"""What all connections of one server share: who answers, in which turn, by which bounds, and what is counted.

Layer: api.http.
"""

from __future__ import annotations

import logging
from collections import Counter

from api.http.front.bounds import Bounds
from api.http.front.environ import Environs
from api.http.front.forwarded import Believed
from api.http.front.large_bodies import LargeBodies
from api.http.front.turns import Turns
from api.http.latencies import RequestLatencies
from api.http.wsgi import Shortcut, WsgiApp
from api.json.errors import ApiError
from logs.limit import limited
from loop.greenlets import Greenlets

log = logging.getLogger(__name__)


class Shared:
    """What the connections of one server have in common. For the event loop's thread."""

    def __init__(self, app: WsgiApp, bounds: Bounds, forwarded: Believed, lane: Shortcut | None = None) -> None:
        self.app = app
        self.lane = lane
        self.bounds = bounds
        self.environs = Environs(forwarded)
        self.large_bodies = LargeBodies(bounds.large_bodies)
        self.turns = Turns()
        self.greenlets = Greenlets()
        self.latencies = RequestLatencies()
        self.refused: Counter[str] = Counter()  # what was no request, or too large or slow a one, by error code
        self.closing = False  # no connection is kept for a further request

    def note_refusal(self, address: str, refusal: ApiError) -> None:
        """Something came from `address` that is no request, or too large or slow a one."""
        self.refused[refusal.code] += 1
        limited(log, refusal.code).info(
            "refused %s from %s: %s",
            refusal.code,
            address,
            refusal.sentence,
            extra={"request_id": refusal.identify(), "error_code": refusal.code, "address": address},
        )
