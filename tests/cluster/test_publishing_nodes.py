"""Every node publishes at the same Redis: each message is there once, also where the node that wrote is killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tests.cluster.nodes import nodes, state_of
from tests.etcd import EtcdCluster, needs_etcd
from tests.redis_server import client, needs_redis, running_redis
from tests.server import RunningServer, eventually

pytestmark = [needs_etcd, needs_redis]


def trade(server: RunningServer, name: str) -> int:
    """Two orders that meet, under names of their own; the seq of the second."""
    server.http.enter("BTC-USDT", "sell", "0.01", "30000.00", client_order_id=f"{name}-sell")
    seq: int = server.http.enter("BTC-USDT", "buy", "0.01", "30000.00", client_order_id=f"{name}-buy")["seq"]
    return seq


def contents(redis: Any, topic: str) -> list[dict[str, Any]]:
    return [msgspec.json.decode(fields[b"data"]) for _, fields in redis.xrange(f"openbell:{topic}")]


def is_published(redis: Any, seq: int) -> None:
    """Wait until the position is at a command."""

    def position_seq() -> int:
        kept = redis.get("openbell:position")
        return 0 if kept is None else int(msgspec.json.decode(kept)["seq"])

    eventually(lambda: position_seq() >= seq, 60)


def test_nodes_publish_each_message_once_whichever_of_them_is_killed(tmp_path: Path, etcd: EtcdCluster) -> None:
    with running_redis(tmp_path) as url, client(url) as redis, nodes(tmp_path, etcd) as venue:
        for name in "ab":
            venue.start(name, "--publish", url)
        writer, other = venue.writer(), venue.follower()
        for number in range(5):
            seq = trade(venue["ab"[number % 2]], f"before-{number}")
        is_published(redis, seq)
        trade(writer, "at-the-end")
        writer.kill_all()
        seq = trade(other, "behind-it")  # it waits for whoever writes next
        is_published(redis, seq)
        writer.start(writer.port)
        eventually(lambda: state_of(writer)["accepting"])
        seq = trade(writer, "again")
        is_published(redis, seq)
        eventually(lambda: all(is_up_to_date(server, seq) for server in (writer, other)), 60)
        records = contents(redis, "records")
        assert [each["n"] for each in records] == list(range(1, len(records) + 1))
        assert [each["prev_chain"] for each in records[1:]] == [each["chain"] for each in records[:-1]]
        assert [each["trade_id"] for each in contents(redis, "trades")] == [str(number) for number in range(1, 9)]


def is_up_to_date(server: RunningServer, seq: int) -> bool:
    """Whether the server knows that everything up to a command is published, by whoever did it."""
    (publisher,) = server.http.get("/health")["publishers"]
    return publisher["seq"] >= seq and publisher["failure"] is None
