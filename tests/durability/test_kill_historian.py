"""The historian killed at random under load, and the server between a durable record and its answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.__main__ import CLEAN
from audit.__main__ import main as audit
from tests.durability.client import Client
from tests.durability.historian_kills import ORDERS_A_KILL, campaign
from tests.durability.load import Body
from tests.server import RunningServer, eventually

KILLS = 5  # `python -m tests.durability.historian_kills 30` for more
ORDER: Body = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.1", "price": "30000.00"}


@pytest.mark.timeout(600)
def test_kills_of_the_historian_lose_nothing_of_the_history_and_put_nothing_in_twice(tmp_path: Path) -> None:
    promises, wrong = campaign(tmp_path, KILLS)
    assert wrong == []
    assert len(promises.orders) > ORDERS_A_KILL * KILLS
    assert len(promises.trades) > KILLS
    assert len(promises.cancelled) > KILLS


class DyingServer(RunningServer):
    program = ("-m", "tests.durability.dying_server")


@pytest.mark.timeout(180)
def test_a_server_that_dies_between_record_and_answer_has_the_order_once_and_so_has_the_history(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with RunningServer(data) as server:  # lists the symbols and funds the account
        first = server.http.get("/health")["history"]
        eventually(lambda: server.http.get("/health")["history"]["lag"] == 0)
        records = server.http.get("/health")["history"]["record"]
    assert first["failure"] is None
    with DyingServer(data, environment={"DIES_AT": str(records + 3)}) as server:
        client = Client(server.port)
        for number in range(2):
            assert client.call("POST", "/order", ORDER | {"client_order_id": f"a{number}"}).status == 200
        with pytest.raises(ConnectionError):
            client.call("POST", "/order", ORDER | {"side": "sell", "client_order_id": "a2"})
        client.close()
    with RunningServer(data) as server:
        client = Client(server.port)
        again = client.call("POST", "/order", ORDER | {"side": "sell", "client_order_id": "a2"})
        assert (again.status, again.body["repeated"], again.body["status"]) == (200, True, "filled")
        order = client.get(f"/order/{again.body['order_id']}")
        assert [fill["trade_id"] for fill in order["fills"]] == ["1"]
        assert len(client.get("/orders?limit=100")["orders"]) == 3
        assert len(client.get("/trades/BTC-USDT?limit=100")["trades"]) == 1
        client.close()
        server.stop()
    assert audit([str(data), "--quiet"]) == CLEAN
