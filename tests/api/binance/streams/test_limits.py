"""What is asked over the ws-api counts as much as the same asked over REST; what cannot be read counts, too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from api.http.limits import charge_read, reading
from tests.api.binance.streams.socket_client import SocketClient
from tests.server import Http, RunningServer

RATE = 60
OPTIONS = ("--profile", "secured", "--rate-limit", f"{RATE}/hour", "--read-limit", "9/hour")
LONG_READ = {"symbol": "BTCUSDT", "interval": "1m", "limit": 900}  # three units


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("limits") / "data", *OPTIONS) as running:
        yield running


def status_of(answer: dict[str, Any]) -> tuple[int, int | None]:
    return answer["status"], answer.get("error", {}).get("code")


def test_long_reads_of_who_is_not_signed_in_share_the_limit_of_rest(venue: RunningServer) -> None:
    with SocketClient(venue.url, "/ws-api/v3", source_address=("127.0.0.8", 0)) as client:
        asked = [status_of(client.ask("klines", LONG_READ)) for _ in range(4)]
        assert asked == [(200, None)] * 3 + [(429, -1003)]
        assert status_of(client.ask("klines", LONG_READ | {"limit": 100})) == (200, None)
    http = Http(venue.url, source="127.0.0.8")
    assert http.call("GET", "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=900").status == 429
    http.close()


def test_what_is_no_request_is_counted(venue: RunningServer) -> None:
    with SocketClient(venue.url, "/ws-api/v3", source_address=("127.0.0.9", 0)) as client:
        answers = []
        for text in ("x", "[]", '{"id":{}}') * (RATE // 3):
            client.send(text)
            answers.append(status_of(client.receive()))
        assert answers[0] == (400, -1135)
        assert answers[-1] == (429, -1003)


def test_what_a_read_reads_of_the_history_is_counted_where_it_is_read() -> None:
    counted: list[int] = []
    charge_read(900, 300)
    with reading(counted.append):
        charge_read(900, 300)
        charge_read(299, 300)
    charge_read(900, 300)
    assert counted == [3]
