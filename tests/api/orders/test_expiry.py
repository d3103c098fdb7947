"""Orders that the clock ends, on a real server: on time, and over a kill and a restart."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

from tests.access.cast import operator, with_operator
from tests.server import Http, RunningServer, eventually

ORDER = {"symbol": "AAPL-USD", "side": "buy", "order_type": "limit", "quantity": "1", "price": "100.00"}
SOON_S = 3  # longer than a busy machine takes to enter it


def enter(http: Http, seconds: float) -> str:
    """Enter an order that is good for so long; its id."""
    expire = f"{time.time() + seconds:.3f}"
    answer: dict[str, Any] = http.post("/order", ORDER | {"time_in_force": "gtd", "expire_time": expire}).granted()
    assert answer["status"] == "resting"
    order_id: str = answer["order_id"]
    return order_id


def test_an_order_expires_on_time_and_what_expired_while_the_server_was_down_is_gone_at_its_start(
    tmp_path: Path,
) -> None:
    with RunningServer(tmp_path / "data") as server:
        began, soon = time.time(), enter(server.http, SOON_S)
        eventually(lambda: server.http.get(f"/order/{soon}")["status"] == "expired")
        expired = server.http.get(f"/order/{soon}")
        assert began + SOON_S <= time.time()
        assert (expired["remaining"], expired["reason"]) == ("1", None)
        last = enter(server.http, 600)
        entered, later = time.time(), enter(server.http, SOON_S)
        server.stop(signal.SIGKILL)
        time.sleep(max(0.0, entered + SOON_S + 0.1 - time.time()))
        server.start()
        assert [level[:2] for level in server.http.depth("AAPL-USD")[0]] == [["100.00", "1"]]
        taken = server.http.enter("AAPL-USD", "sell", "2", "100.00")
        assert [trade["maker_order_id"] for trade in taken["trades"]] == [last]
        assert {order_id: server.http.get(f"/order/{order_id}")["status"] for order_id in (soon, later, last)} == {
            soon: "expired",
            later: "expired",
            last: "filled",
        }
        digest = server.http.get("/health?digest=true")["digest"]
        server.stop(signal.SIGKILL)
        server.start()
        assert server.http.get("/health?digest=true")["digest"] == digest


def test_an_auction_for_a_time_ends_by_itself_though_the_server_was_killed_meanwhile(tmp_path: Path) -> None:
    with with_operator(tmp_path / "data") as server:
        bearer = operator(server.http).bearer
        answer = server.http.call("POST", "/admin/symbols/AAPL-USD/auction?seconds=2", headers=bearer).granted()
        server.stop(signal.SIGKILL)
        server.start()
        view = server.http.get("/status/AAPL-USD")
        if view["status"] != "trading":  # a machine so slow that the two seconds are over
            assert view["next_change"] == {"status": "trading", "at": answer["opens_at"]}
        eventually(lambda: server.http.get("/status/AAPL-USD")["status"] == "trading")
        assert time.time() >= answer["opens_at"]
