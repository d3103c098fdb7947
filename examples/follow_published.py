"""Follows what `--publish` puts into Redis or Kafka: prints each trade, and the best bid and ask behind each change.

    .venv/bin/python examples/follow_published.py redis://127.0.0.1:6379/0
    .venv/bin/python examples/follow_published.py kafka://127.0.0.1:9092 --symbol BTC-USDT

It begins with the oldest message that is there, and knows nothing of the venue but its messages.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

Found = tuple[str, str, bytes]  # topic, key, message


def redis_messages(url: str, topics: list[str], idle_s: float) -> Iterator[Found]:
    """What is in the streams, then what comes; ends when nothing came for so long."""
    from redis import Redis  # noqa: PLC0415 - one of the two is enough

    client = Redis.from_url(url, protocol=2)
    read_until: Any = dict.fromkeys((f"openbell:{topic}" for topic in topics), "0")
    while True:
        found: Any = client.xread(read_until, count=500, block=int(idle_s * 1000))
        if not found:
            return
        for stream, entries in found:
            name = stream.decode()
            for entry_id, fields in entries:
                yield name.partition(":")[2], fields[b"key"].decode(), fields[b"data"]
                read_until[name] = entry_id  # keep it where you keep what you made of the message, and go on from there


def kafka_messages(url: str, topics: list[str], idle_s: float) -> Iterator[Found]:
    """The same from Kafka."""
    from confluent_kafka import Consumer  # noqa: PLC0415

    settings = {"bootstrap.servers": url.removeprefix("kafka://"), "group.id": "follow-published"}
    consumer = Consumer({**settings, "auto.offset.reset": "earliest", "enable.auto.commit": False})
    assigned: list[object] = []
    consumer.subscribe(
        [f"openbell.{topic}" for topic in topics], on_assign=lambda _, partitions: assigned.extend(partitions)
    )
    seen_at = time.monotonic()
    while not assigned or time.monotonic() - seen_at < idle_s:
        if not assigned:
            seen_at = time.monotonic()
        message = consumer.poll(0.5)
        if message is not None and message.error() is None:
            key, value = message.key() or b"", message.value() or b""
            yield (message.topic() or "").partition(".")[2], key.decode(), value
            seen_at = time.monotonic()
    consumer.close()


class Once:
    """Drops what came before: of one topic and key, `seq` and `number` only grow."""

    def __init__(self) -> None:
        self.last: dict[tuple[str, str], tuple[int, int]] = {}

    def is_new(self, topic: str, key: str, message: dict[str, Any]) -> bool:
        place = message["seq"], message["number"]
        if place <= self.last.get((topic, key), (-1, -1)):
            return False
        self.last[topic, key] = place
        return True


class Book:
    """One symbol's levels, which mean something from the first `reset` on."""

    def __init__(self) -> None:
        self.bids: dict[Decimal, Decimal] = {}
        self.asks: dict[Decimal, Decimal] = {}
        self.is_known = False

    def fold(self, message: dict[str, Any]) -> None:
        if message.get("reset"):
            self.bids, self.asks, self.is_known = {}, {}, True
        for side, levels in ((self.bids, message["bids"]), (self.asks, message["asks"])):
            for price, quantity, _orders in levels:
                side[Decimal(price)] = Decimal(quantity)
                if not side[Decimal(price)]:
                    del side[Decimal(price)]

    def best(self) -> str:
        return f"{max(self.bids, default='-')} / {min(self.asks, default='-')}"


def main() -> None:
    arguments = argparse.ArgumentParser(description="Follow what a venue publishes.")
    arguments.add_argument("url", help="redis://HOST:PORT/N or kafka://HOST:PORT")
    arguments.add_argument("--symbol", help="this one alone")
    arguments.add_argument("--idle-s", type=float, default=3600.0, help="end when nothing came for so long")
    asked = arguments.parse_args()
    once, books = Once(), dict[str, Book]()
    messages = kafka_messages if asked.url.startswith("kafka:") else redis_messages
    for topic, key, content in messages(asked.url, ["trades", "book"], asked.idle_s):
        message = json.loads(content)
        if not once.is_new(topic, key, message) or asked.symbol not in (None, key):
            continue
        if topic == "trades":
            print(message["seq"], "trade", key, message["price"], message["quantity"], flush=True)
            continue
        book = books.setdefault(key, Book())
        book.fold(message)
        if book.is_known and not message.get("more"):
            print(message["seq"], "book", key, book.best(), flush=True)


if __name__ == "__main__":
    main()
