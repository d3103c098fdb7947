"""Order entry over Socket.IO: the same answers as over REST, as acknowledgements.

Layer: api.
"""

from __future__ import annotations

import time
from typing import Any

from api import answers, wire
from api.auth import requesting_account
from api.desk import Desk
from api.feed import Feed
from engine.exchange import Exchange


class AmendMessage(wire.AmendRequest, frozen=True, kw_only=True):
    """`amend`: the body of PATCH /order/{order_id}, and which order."""

    order_id: str | int


def install(feed: Feed, desk: Desk, exchange: Exchange) -> None:
    """Have `feed` answer `order`, `cancel` and `amend`."""

    def order(_sid: str, data: Any) -> answers.OrderAnswer:
        started = time.perf_counter()
        request = wire.converted(data, wire.OrderRequest)
        return desk.enter(wire.order_command(request, requesting_account(), exchange), started)

    def cancel(_sid: str, data: Any) -> answers.CancelAnswer:
        started = time.perf_counter()
        request = wire.converted(data, wire.CancelRequest)
        return desk.cancel(wire.cancel_command(request, requesting_account()), started)

    def amend(_sid: str, data: Any) -> answers.OrderView:
        request = wire.converted(data, AmendMessage)
        return desk.amend(wire.amend_command(request, request.order_id, requesting_account(), exchange))

    feed.on("order", order)
    feed.on("cancel", cancel)
    feed.on("amend", amend)
