"""What tests ask a server of its historian."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import psutil

from tests.server import RunningServer, eventually

ORDER = {"symbol": "BTC-USDT", "order_type": "limit", "quantity": "0.1", "price": "30000.00"}


def historian_of(server: RunningServer) -> psutil.Process:
    """The process, when there is one."""
    found: list[psutil.Process] = []

    def is_there() -> bool:
        found.clear()
        for one in server.process.children():
            with suppress(psutil.NoSuchProcess):  # one that was killed a moment ago
                if "replica.historian" in one.cmdline():
                    found.append(one)
        return len(found) == 1

    eventually(is_there)
    return found[0]


def trade(server: RunningServer) -> str:
    """Two orders that fill each other; the id of the first."""
    sold: str = server.http.post("/order", ORDER | {"side": "sell"}).granted()["order_id"]
    server.http.post("/order", ORDER | {"side": "buy"}).granted()
    return sold


def history_of(server: RunningServer) -> Any:
    return server.http.get("/health")["history"]


def is_in_history(server: RunningServer, order_id: str) -> bool:
    """Whether the history has the order, filled: what memory knows is in no page of done orders."""
    page = server.http.get("/orders?status=filled&limit=100")["orders"]
    return order_id in [order["order_id"] for order in page]


def caught_up(server: RunningServer) -> None:
    eventually(lambda: history_of(server)["lag"] == 0)
