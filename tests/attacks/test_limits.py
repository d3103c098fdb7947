"""Rate limits under attack: everything counts, by what it costs, and a storage that hangs or dies holds nobody."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.api.clients import bearer, sign_up
from tests.attacks.bystander import assert_fair, quiet
from tests.attacks.raw import RawAnswer, connect, request
from tests.redis_server import needs_redis, redis_process
from tests.server import RunningServer, eventually

RATE = 20
SECURED = ("--profile", "secured", "--login-rate", "off")
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with few requests an hour for each of its clients."""
    with RunningServer(
        tmp_path_factory.mktemp("limited") / "data", *SECURED, "--rate-limit", f"{RATE}/hour"
    ) as running:
        yield running


def answers(server: RunningServer, source: str, content: bytes, count: int) -> list[RawAnswer]:
    """What so many equal requests from one address are answered, each on a connection of its own."""
    found = []
    for _ in range(count):
        with connect(server.url, source=source) as connection:
            connection.send(content)
            found.append(connection.answer())
    return found


@pytest.mark.parametrize(
    ("number", "content", "status"),
    [
        (11, request("GET", "/no/such/path"), 404),
        (12, request("PUT", "/symbols"), 405),
        (13, request("GET", "/symbols").replace(b"127.0.0.1", b"venue.example"), 421),
        (14, request("POST", "/order", b"{}", headers=JSON | {"Origin": "https://page.example"}), 403),
        (15, request("GET", "/order/1", headers={"Authorization": "Bearer no"}), 401),
        (16, request("GET", "/socket.io/?EIO=4&transport=polling"), 200),
        (17, request("POST", "/socket.io/?EIO=4&transport=polling&sid=none", b"40/market,"), 400),
        (18, request("POST", "/order", b'{"symbol":', headers=JSON), 401),
    ],
    ids=["unknown path", "method", "host", "origin", "credentials", "handshake", "polling", "malformed"],
)
def test_what_is_refused_or_is_no_route_counts_as_well(
    server: RunningServer, number: int, content: bytes, status: int
) -> None:
    found = answers(server, f"127.0.0.{number}", content, RATE + 2)
    assert [answer.status for answer in found] == [status] * RATE + [429] * 2
    body = msgspec.json.decode(found[-1].body)
    assert (body["error_code"], int(found[-1].headers["retry-after"]) > 0) == ("TOO_MANY_REQUESTS", True)


def test_a_batch_counts_its_elements_and_a_long_body_its_bytes(server: RunningServer) -> None:
    ann = bearer(sign_up(server.http))

    def left(size: int) -> int:
        orders = msgspec.json.encode({"orders": [{}] * size})
        answer = server.http.call("POST", "/orders/batch", orders, ann | JSON)
        return int(answer.headers["X-RateLimit-Remaining"])

    assert [left(size) for size in (1, 5, 3)] == [RATE - 1, RATE - 6, RATE - 9]
    long = b'{"orders":[' + b" " * 40_000 + b"{}]}"
    answer = server.http.call("POST", "/orders/batch", long, ann | JSON)
    assert int(answer.headers["X-RateLimit-Remaining"]) == RATE - 12
    server.http.call("POST", "/orders/batch", {"orders": [{}] * 10}, ann | JSON).refused(429, "TOO_MANY_REQUESTS")


@needs_redis
def test_a_redis_that_hangs_or_dies_holds_nobody(tmp_path: Path) -> None:
    with redis_process(tmp_path) as (url, redis):
        options = (*SECURED, "--rate-limit", "1000000/hour", "--rate-limit-storage", url)
        with RunningServer(tmp_path / "data", *options) as server:
            before = quiet(server.url)
            for ending in (signal.SIGSTOP, signal.SIGKILL):
                redis.send_signal(ending)
                assert_fair(server.url, lambda: time.sleep(2.5), before)
            assert server.log.count("storage is away") == 1


@needs_redis
def test_what_was_counted_while_redis_was_away_is_added_when_it_is_back(tmp_path: Path) -> None:
    with redis_process(tmp_path) as (url, redis):
        options = (*SECURED, "--rate-limit", f"{RATE}/hour", "--rate-limit-storage", url)
        with RunningServer(tmp_path / "data", *options) as server:
            redis.send_signal(signal.SIGSTOP)
            assert {server.http.call("GET", "/symbols").status for _ in range(RATE)} == {200}
            server.http.call("GET", "/symbols").refused(429, "TOO_MANY_REQUESTS")
            eventually(lambda: "storage is away" in server.log)
            redis.send_signal(signal.SIGCONT)
            eventually(lambda: "storage is back" in server.log)
        with RunningServer(tmp_path / "other", *options) as other:
            assert other.http.call("GET", "/symbols").status == 200  # its first, which tells it of the others'
            eventually(lambda: other.http.call("GET", "/symbols").status == 429)
