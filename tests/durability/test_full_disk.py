"""A disk that fills up while the exchange runs: 503 from then on, and nothing acknowledged is lost."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.durability.checks import all_orders, all_trades, broken_promises, replay_copy
from tests.durability.client import Client
from tests.durability.load import Promises, ask_again, order_body
from tests.server import RunningServer

ROOM_BYTES = 100_000  # left for the journal's log when the disk begins to fill


def trade_until_refused(client: Client, promises: Promises) -> int:
    """Enter orders until one is answered with 503; return how many were taken."""
    rng = random.Random(5)
    for number in range(5_000):
        name = f"full-{number}"
        promises.sent[name] = order_body(name, rng)
        answer = client.call("POST", "/order", promises.sent[name])
        if answer.status == 503:
            promises.unknown.append(("/order", name))
            return number
        promises.note_order(name, answer.status, answer.body)
    raise AssertionError("the disk never filled up")


@pytest.mark.timeout(180)
def test_a_full_disk_stops_the_taking_of_orders_and_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    data, promises = tmp_path / "data", Promises()
    with RunningServer(data, "--snapshot-every", "50") as server:
        client = Client(server.port)
        server.limit_files((data / "journal.sqlite-wal").stat().st_size + ROOM_BYTES)
        assert trade_until_refused(client, promises) > 5
        server.limit_files(2**40)  # room again: what failed once is not trusted until a restart
        for path, body in (
            ("/order", order_body("late-1", random.Random(6))),
            ("/cancel", {"client_order_id": "full-0"}),
        ):
            refused = client.call("POST", path, body)
            assert refused.status == 503
            assert refused.body["error_code"] == "NOT_ACCEPTING"
            assert refused.body["details"]["why"] == "the journal failed"
        health = client.get("/health?digest=true")
        assert health["accepting"] is False
        promises.digests[health["seq"]] = health["digest"]
        for path in ("/book/BTC-USDT", "/bbo/ETH-USDT", "/symbols", "/ticker", "/statistics", "/trades/BTC-USDT"):
            client.get(path)
        log = server.log
        assert "could not be written" in log
        assert "no more orders are taken" in log
        assert "Traceback" not in log
        client.close()
        server.kill()
    _, differing = replay_copy(data, tmp_path / "scratch", promises.digests)
    assert differing == []
    with RunningServer(data) as server:
        client = Client(server.port)
        ask_again(client, promises, random.Random(7), repeats=10)
        assert broken_promises(promises, all_orders(client), all_trades(client)) == []
        client.close()
