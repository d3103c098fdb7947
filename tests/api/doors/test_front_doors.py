"""Front doors: several processes on one port, each of which answers as the one process does."""

from __future__ import annotations

import itertools
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.api.clients import FeedClient
from tests.api.doors.mixture import Asked, mixture
from tests.api.doors.serving import each_door, first_port, server_with_doors
from tests.deploy.proxies import DOORS, proxy
from tests.server import Answer, Http, RunningServer, eventually, self_signed

PASSING = re.compile(
    rb'"(timestamp|ts_ns|ts_ns_text|processing_time_ms|time|serverTime|start_time|uptime_seconds|transactTime|'
    rb'updateTime|openTime|closeTime|at|created_ns|request_id|E|since)":("[^"]*"|[0-9.e+-]+)'
)
WRITTEN_TIME = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+")
PASSING_HEADERS = ("Date", "Content-Length", "X-Request-Id")
REQUESTS = 450
SAME_SETS = {"PYTHONHASHSEED": "0"}  # what Flask says of the methods of a path is in the order of a set


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that this module has alone."""
    with server_with_doors(tmp_path_factory.mktemp("doors") / "data", environment=SAME_SETS) as server:
        yield server


def lasting(answer: Answer) -> tuple[int, list[tuple[str, str]], bytes]:
    """What of an answer does not depend on when it was given."""
    headers = [(name, value) for name, value in answer.headers.items() if name not in PASSING_HEADERS]
    given = answer.headers["X-Request-Id"]
    if given is not None and given.startswith("given-"):
        headers.append(("X-Request-Id", given))
    return answer.status, headers, WRITTEN_TIME.sub(b"", PASSING.sub(rb'"\1":0', answer.content))


def answer_to(http: Http, asked: Asked) -> Answer:
    """What is answered, of a read when what it is read from (history, explanations) is as far."""
    until = time.monotonic() + 60
    while (answer := http.call(*asked)).status == 503 and asked.method == "GET":
        assert time.monotonic() < until, answer
        time.sleep(0.05)
    return answer


def processes(http: Http) -> list[int]:
    """The process of each door that serves."""
    return [door["process"] for door in http.get("/health")["doors"] if door["status"] == "serving"]


def test_two_doors_by_turns_answer_byte_for_byte_what_one_process_answers(doors: RunningServer, tmp_path: Path) -> None:
    compared = 0
    with RunningServer(tmp_path / "data", environment=SAME_SETS) as one, each_door(doors) as both:
        at_doors = itertools.cycle(both)
        known: list[str] = []
        for asked in mixture(15, REQUESTS, known):
            expected = answer_to(one.http, asked)
            answered = answer_to(next(at_doors), asked)
            assert lasting(answered) == lasting(expected), asked
            compared += 1
            if expected.status == 200 and asked.path == "/order":
                known.append(expected.json["order_id"])
        assert compared == REQUESTS
        assert len(known) > 50
        assert doors.http.get("/health")["seq"] == one.http.get("/health")["seq"]


def test_an_order_that_one_door_answered_is_there_at_the_other_at_once(doors: RunningServer) -> None:
    with each_door(doors) as (one, other):
        for number in range(50):
            here, there = (one, other) if number % 2 else (other, one)
            entered = here.enter("ETH-USDT", "buy", "0.01", "1.00", client_order_id=f"seen-{number}")
            assert there.get(f"/order/{entered['order_id']}")["status"] == "resting"
            assert there.call("DELETE", f"/order/{entered['order_id']}").granted()["success"] is True
            assert here.get(f"/order/{entered['order_id']}")["status"] == "cancelled"


def test_the_port_that_doors_share_is_refused_to_every_other_server(doors: RunningServer, tmp_path: Path) -> None:
    for options in ((), ("--front-doors", "2")):
        status, printed = RunningServer(tmp_path / "data", *options).fails_to_start(doors.port)
        assert status == 1
        assert printed == ""
    assert "another server has that port" in (tmp_path / "data.log").read_text()


def test_a_client_of_long_polling_reads_what_to_do_and_at_a_door_of_its_own_is_served(doors: RunningServer) -> None:
    refused = doors.http.call("GET", "/socket.io/?EIO=4&transport=polling")
    refused.refused(400, "POLLING_NEEDS_ONE_DOOR")
    assert "transports=['websocket']" in refused.json["error"]
    assert "deploy/haproxy-doors.cfg" in refused.json["error"]
    own_url = f"http://127.0.0.1:{first_port(doors) + 1}"
    for url, transport in ((doors.url, "websocket"), (own_url, "polling")):
        client = FeedClient(url, transport=transport)
        assert client.events("connected"), transport
        client.close()


def test_behind_haproxy_as_shipped_clients_of_long_polling_stay_at_one_door(
    doors: RunningServer, tmp_path: Path
) -> None:
    with proxy(DOORS, first_port(doors), tmp_path, self_signed(tmp_path)) as url:
        for transport in ("polling", "websocket", "polling"):
            client = FeedClient(url, transport=transport, ssl_verify=False)
            assert client.events("connected"), transport
            assert client.call("subscribe", {"type": "bbo", "symbol": "ETH-USDT"})["symbol"] == "ETH-USDT"
            client.close()


def test_every_door_publishes_what_any_of_them_entered(doors: RunningServer) -> None:
    with each_door(doors) as (one, other):
        client = FeedClient(one.url)
        client.call("subscribe", {"type": "orders"})
        entered = other.enter("ETH-USDT", "buy", "0.01", "1.25")
        eventually(lambda: entered["order_id"] in [said["order_id"] for said in client.events("order_event")])
        client.close()
        other.call("DELETE", f"/order/{entered['order_id']}").granted()


def test_under_a_key_a_batch_and_a_mass_cancel_are_done_once_at_whichever_door(doors: RunningServer) -> None:
    order = {"symbol": "ETH-USDT", "side": "buy", "order_type": "limit", "quantity": "0.01", "price": "1.25"}
    with each_door(doors) as (one, other):
        token = one.call("POST", "/auth/guest").json["token"]
        shown = {"Authorization": f"Bearer {token}", "Idempotency-Key": "of-this-test"}
        batch = ("POST", "/orders/batch", {"orders": [order] * 120})
        first = one.call(*batch, shown).granted()
        again = other.call(*batch, shown).granted()
        entered = [result["body"]["order_id"] for result in first["results"]]
        assert (again["repeated"], [result["body"]["order_id"] for result in again["results"]]) == (True, entered)
        other.call("POST", "/orders/batch", {"orders": [order]}, shown).refused(409, "KEY_REUSED")
        shown["Idempotency-Key"] = "another"
        first = other.call("DELETE", "/orders", None, shown).granted()
        assert first["cancelled"] == entered
        assert one.call("DELETE", "/orders", None, shown).granted() == first | {"repeated": True}


def test_health_and_metrics_of_any_door_are_those_of_all(doors: RunningServer) -> None:
    with each_door(doors) as both:
        for http in both:
            health = http.get("/health")
            assert [(door["door"], door["status"]) for door in health["doors"]] == [(1, "serving"), (2, "serving")]
            text = http.call("GET", "/metrics").content.decode()
            for door in ("writer", "1", "2"):
                assert f'openbell_loop_delay_seconds_count{{door="{door}"}}' in text
            assert text.count("# TYPE openbell_connections ") == 1
            assert http.call("GET", "/health/ready").granted() == {"status": "ready"}


def test_clients_of_other_doors_notice_nothing_of_a_door_that_is_killed_and_it_comes_again(
    doors: RunningServer,
) -> None:
    with each_door(doors) as (dying, survivor):
        victim, kept = processes(survivor)
        feed = FeedClient(dying.url, {"cancel_on_disconnect": True})
        order = {"symbol": "ETH-USDT", "side": "buy", "order_type": "limit", "quantity": "0.01", "price": "1.00"}
        promised = feed.call("order", order)["order_id"]
        assert survivor.get(f"/order/{promised}")["status"] == "resting"
        survivor.enter("ETH-USDT", "buy", "0.01", "1.00", client_order_id="before")
        psutil.Process(victim).send_signal(signal.SIGKILL)
        for number in range(100):  # over the one connection that was open before
            survivor.enter("ETH-USDT", "buy", "0.01", "1.00", client_order_id=f"meanwhile-{number}")

        def comes_again() -> bool:
            serving = processes(survivor)
            return len(serving) == 2 and kept in serving and victim not in serving

        eventually(lambda: survivor.get(f"/order/{promised}")["status"] == "cancelled")
        feed.close()
        eventually(comes_again, within_s=60)
    with each_door(doors) as (again, _):
        assert again.get("/orders?limit=1&symbol=ETH-USDT")["orders"][0]["client_order_id"] == "meanwhile-99"
        again.call("DELETE", "/orders").granted()


def test_a_door_that_hangs_is_ended_and_comes_again(doors: RunningServer) -> None:
    with each_door(doors) as (other, _):
        kept, hanging = processes(other)
        psutil.Process(hanging).suspend()

        def is_another() -> bool:
            serving = processes(other)
            return len(serving) == 2 and kept in serving and hanging not in serving

        eventually(is_another, within_s=120)
    with each_door(doors) as (_, again):
        assert again.get("/health/live") == {"status": "live"}
    assert "front door 2 has said nothing for 15 s: it is ended" in doors.log
