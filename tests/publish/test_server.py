"""A server with three brokers, one of which is away: what it tells of them, what examples read, and how it ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest

from publish.publisher import AWAY
from tests.api.metrics.figures import figure
from tests.ports import free_port
from tests.publish.mock_kafka import messages_in, mock_kafka
from tests.redis_server import client, needs_redis, running_redis
from tests.server import ROOT, RunningServer, environment, eventually

pytestmark = needs_redis
PASSWORD = "a-password-that-nobody-is-to-see"  # noqa: S105


class Venue(NamedTuple):
    server: RunningServer
    redis: str  # URL
    kafka: str  # URL


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    folder = tmp_path_factory.mktemp("published")
    with running_redis(folder) as url, mock_kafka() as (address, _):
        with client(url) as client_of_redis:
            client_of_redis.config_set("requirepass", PASSWORD)
        redis = url.replace("redis://", f"redis://:{PASSWORD}@")
        targets = (redis, f"kafka://{address}", f"redis://127.0.0.1:{free_port()}/0?topics=trades")
        with RunningServer(folder / "data", environment={"OPENBELL_PUBLISH": " ".join(targets)}) as server:
            yield Venue(server, redis, f"kafka://{address}")


def publishers(server: RunningServer) -> dict[str, Any]:
    return {each["broker"]: each for each in server.http.get("/health")["publishers"]}


def trade(server: RunningServer, price: str) -> int:
    """Two orders that meet at a price, above one that rests; the seq of the last."""
    server.http.enter("BTC-USDT", "buy", "0.1", "29000.00")
    server.http.enter("BTC-USDT", "sell", "0.05", price)
    seq: int = server.http.enter("BTC-USDT", "buy", "0.05", price)["seq"]
    return seq


def is_published(server: RunningServer, seq: int) -> None:
    eventually(lambda: all(publishers(server)[name]["seq"] >= seq for name in ("redis", "kafka")), 60)


def test_health_and_metrics_say_how_far_each_is_and_which_is_away(venue: Venue) -> None:
    server = venue.server
    seq = trade(server, "30000.00")
    is_published(server, seq)
    eventually(lambda: publishers(server)["redis-2"]["failure"] == AWAY)
    found = publishers(server)
    assert (found["redis"]["lag"], found["redis"]["failure"], found["kafka"]["lag"]) == (0, None, 0)
    assert found["redis-2"]["lag"] == seq
    assert server.http.get("/health")["status"] == "healthy"
    eventually(lambda: figure(server.http, "openbell_publisher_failing", follower="publish-redis-2") == 1)
    assert figure(server.http, "openbell_publisher_failing", follower="publish-kafka") == 0
    assert figure(server.http, "openbell_follower_lag_records", follower="publish-redis-2") > 0
    eventually(lambda: figure(server.http, "openbell_child_resident_memory_bytes", process="publish-redis") > 0)


@pytest.mark.parametrize("broker", ["redis", "kafka"])
def test_the_example_prints_the_trades_and_the_book_that_the_api_shows(venue: Venue, broker: str) -> None:
    server, price = venue.server, {"redis": "30100.00", "kafka": "30200.00"}[broker]
    is_published(server, trade(server, price))
    url = venue.redis if broker == "redis" else venue.kafka
    command = [sys.executable, "examples/follow_published.py", url, "--idle-s", "3", "--symbol", "BTC-USDT"]
    printed = subprocess.run(
        command, cwd=ROOT, env=environment({}), capture_output=True, text=True, check=True, timeout=120
    ).stdout.splitlines()
    assert any(line.split()[1:] == ["trade", "BTC-USDT", price, "0.05000000"] for line in printed), printed
    assert len(printed) == len(set(printed))
    bids, asks = server.http.depth("BTC-USDT")
    best = f"{bids[0][0] if bids else '-'} / {asks[0][0] if asks else '-'}"
    last = [line for line in printed if line.split()[1] == "book"][-1]
    assert last.endswith(f"book BTC-USDT {best}"), (last, best)


def test_every_topic_is_in_both_and_nobody_sees_the_password(venue: Venue) -> None:
    server = venue.server
    with client(venue.redis) as redis:
        for topic in ("trades", "book", "orders", "records"):
            assert redis.xlen(f"openbell:{topic}") > 0
            assert messages_in(venue.kafka.removeprefix("kafka://"), f"openbell.{topic}")
    processes = [server.process, *server.process.children(recursive=True)]
    assert len([each for each in processes if "publish" in each.cmdline()]) >= 2
    assert PASSWORD not in repr([each.cmdline() for each in processes])
    assert PASSWORD not in server.log
    assert "127.0.0.1" not in repr(publishers(server))


def test_a_restart_goes_on_behind_what_the_brokers_have_and_leaves_no_process(venue: Venue) -> None:
    server = venue.server
    children = server.process.children(recursive=True)
    is_published(server, trade(server, "30300.00"))
    before = publishers(server)["redis"]["seq"]
    server.restart()
    assert psutil.wait_procs(children, 30)[1] == []
    with client(venue.redis) as redis:
        records = redis.xlen("openbell:records")
        is_published(server, trade(server, "30300.00"))
        found = redis.xrange("openbell:records", f"{before + 1}-0")
        assert redis.xlen("openbell:records") == records + len(found)


def test_a_target_that_is_none_ends_the_start_with_a_sentence(tmp_path: Path) -> None:
    server = RunningServer(tmp_path / "data", "--publish", f"amqp://:{PASSWORD}@127.0.0.1")
    assert server.fails_to_start()[0] == 2
    assert "--publish: write redis://" in " ".join(server.log.split())
    assert PASSWORD not in server.log
