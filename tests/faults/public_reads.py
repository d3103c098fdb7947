"""Everything public that is expensive, asked for in a loop by many at once, while a trader enters orders.

Books of every level, candles, trades, statistics, the description of the API, previews: each from a keep-alive
connection that asks again as soon as it is answered, at a venue with a deep book: with the limits that it has when
nothing is set, and without any.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from tests.attacks.raw import ATTACKER, connect, request
from tests.faults.attacked import Limits, Venue, venue
from tests.faults.report import Report, program
from tests.server import Http

READS = (
    "/book/BTC-USDT?levels=all",
    "/book/BTC-USDT?levels=1000",
    "/candles/BTC-USDT?interval=1m&limit=1000",
    "/candles/BTC-USDT?interval=1s&limit=1000",
    "/trades/BTC-USDT?limit=1000",
    "/statistics",
    "/symbols",
    "/ticker",
    "/openapi.json",
    "/health?digest=true",
    "/book/BTC-USDT/orders",
    "/explain/order/1",
)
CONNECTIONS = 24
SECONDS = 10.0
LEVELS = 2_000
BATCH = 500
TRADES = 20
UNLIMITED = ("--rate-limit", "off")
BOUNDS = Limits(memory_mb=150, p50_ms=150.0, p99_ms=1_500.0, descriptors=24, rate_per_s=20.0)


def deepen(attacked: Venue, levels: int) -> None:
    """Have orders rest at so many prices, and some trade."""
    http = Http(attacked.url)
    order = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.001"}
    for first in range(0, levels, BATCH):
        bids = [order | {"price": f"{price}.00"} for price in range(29_000 - first - BATCH, 29_000 - first)]
        http.call("POST", "/orders/batch", {"orders": bids}, attacked.headers).granted()
    for _ in range(TRADES if not attacked.headers else 0):  # who is somebody does not trade with themselves
        for side in ("buy", "sell"):
            http.post("/order", order | {"side": side, "price": "30100.00"}).granted()
    http.close()


def asked_in_a_loop(url: str, seconds: float, connections: int = CONNECTIONS) -> str:
    """So many connections, each with one of `READS` at a time, in turn."""
    deadline, statuses = time.monotonic() + seconds, Counter[int]()

    def ask(first: int) -> None:
        with contextlib.suppress(OSError, EOFError), connect(url, source=ATTACKER, timeout_s=30) as connection:
            number = first
            while time.monotonic() < deadline:
                connection.send(request("GET", READS[number % len(READS)]))
                statuses[connection.answer(30).status] += 1
                number += 1

    threads = [threading.Thread(target=ask, args=(number,), daemon=True) for number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    broken = sum(n for status, n in statuses.items() if status >= 500 and status != 503)
    assert not broken, f"{broken} reads were answered with a fault of the server"
    return f"{sum(statuses.values()) / seconds:,.0f} reads a second: {dict(sorted(statuses.items()))}"


def judge(report: Report, folder: Path, seconds: float, *, limited: bool, timed: bool, levels: int = LEVELS) -> None:
    """A deep book, and all who ask; `limited`: with the limits that a secured venue has when nothing is set."""
    options = ("--profile", "secured") if limited else UNLIMITED
    with venue(report, folder, *options, timed=timed) as attacked:
        deepen(attacked, levels)
        attacked.attack(
            f"{CONNECTIONS} connections that ask for what is expensive, {'with' if limited else 'without'} limits",
            lambda: asked_in_a_loop(attacked.url, seconds),
            BOUNDS,
        )


def full(report: Report) -> None:
    """At a book of some thousand levels."""
    with tempfile.TemporaryDirectory() as folder:
        judge(report, Path(folder) / "with", SECONDS, limited=True, timed=True)
        judge(report, Path(folder) / "without", SECONDS, limited=False, timed=True)


if __name__ == "__main__":
    program(full)
