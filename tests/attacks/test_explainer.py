"""The process that explains, asked without pause by one account: others are answered in their turn."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from tests.api.clients import bearer, sign_up
from tests.server import Http, RunningServer

FLOOD = 24  # connections of one account
ORDER = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.001", "price": "29000.00"}


def test_one_account_that_floods_the_explainer_keeps_no_other_waiting(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data", "--profile", "secured", "--login-rate", "off") as server:
        cat, dog = bearer(sign_up(server.http)), bearer(sign_up(server.http))
        paths = []
        for who in (cat, dog):
            for asset in ("USDT", "BTC"):
                server.http.call("POST", "/account/deposit", {"asset": asset, "amount": "1000"}, who).granted()
            paths.append(f"/order/{server.http.call('POST', '/order', ORDER, who).granted()['order_id']}/explain")
        server.http.call("GET", paths[1], None, dog).granted()  # the process has started
        ends, statuses = threading.Event(), list[int]()

        def flood() -> None:
            http = Http(server.url)
            while not ends.is_set():
                statuses.append(http.call("GET", paths[0], None, cat).status)
            http.close()

        flooding = [threading.Thread(target=flood) for _ in range(FLOOD)]
        for thread in flooding:
            thread.start()
        try:
            waits = []
            for _ in range(10):
                began = time.monotonic()
                server.http.call("GET", paths[1], None, dog).granted()
                waits.append(time.monotonic() - began)
        finally:
            ends.set()
            for thread in flooding:
                thread.join()
    assert sorted(waits)[5] < 3.0, waits  # on a busy machine; in turn it is a tenth of a second
    assert {200, 429} == set(statuses)
