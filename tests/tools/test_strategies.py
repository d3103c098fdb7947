"""Strategies on a running server: what becomes of their orders when events of them are missing."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any, cast

from openbell_client import AsyncFeed, Gap, NotFound
from openbell_client.errors import ErrorBody
from tools.strategies import Market, Strategy
from tools.strategies.live import LiveRun


class Feed:
    """A feed whose venue has cancelled the first order already."""

    def __init__(self) -> None:
        self.cancelled: list[str] = []

    async def cancel_order(self, *, client_order_id: str, symbol: str) -> None:
        self.cancelled.append(client_order_id)
        if client_order_id == "a-1":
            raise NotFound(404, ErrorBody("No such order.", "UNKNOWN_ORDER"))


def test_orders_whose_events_are_missing_are_cancelled_and_forgotten(capsys: Any) -> None:
    feed, strategy = Feed(), Strategy()
    strategy.begin(Market("X", Decimal(1), Decimal(1), Decimal(100)), seed=1, number=0, prefix="a-")
    for known_as in ("a-1", "a-2"):
        strategy.see_rest(known_as, "buy", Decimal(99), Decimal(5))
    live = LiveRun(cast(AsyncFeed, feed), [strategy], tick_s=1)
    asyncio.run(live._take(Gap("reconnected")))
    assert (feed.cancelled, strategy.orders) == (["a-1", "a-2"], {})
    assert live.rejects == {"UNKNOWN_ORDER": 1}
    assert "positions may be wrong" in capsys.readouterr().err
