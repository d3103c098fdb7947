"""Kafka: a topic each, keyed, by an idempotent producer; the position in a compacted topic of one partition.

The position is written when everything before it is acknowledged by all replicas in sync. Who ends between the two
publishes the last messages again: readers drop them by their `seq` and `number`.
Layer: publish. Blocks; librdkafka has threads of its own.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from publish.broker import Batch, BrokerAway, BrokerPosition, BrokerRefused, decoded_position, encoded_position
from publish.message_maker import RECORDS_KEY
from publish.messages import Message
from publish.target import Target, Topic

log = logging.getLogger(__name__)

PATIENCE_S: Final = 5.0  # for an answer, before it is told that there is none
CREATE_S: Final = 10.0  # for topics to be made
POSITION: Final = "position"  # the topic's name behind the prefix, and the key of its messages
READ_BACK: Final = 16  # of the topic's last messages, one of which is the newest position
MESSAGE_BYTES_MAX: Final = 8 * 2**20  # what the broker takes at most is its own setting: message.max.bytes
WAITING_KBYTES_MAX: Final = 64 * 2**10  # in the memory of the client


class KafkaTopics:
    """The `Broker` port over one Kafka, 2.4 or newer, or what speaks as it does."""

    def __init__(self, target: Target) -> None:
        """Connects with the first call. Raises BrokerRefused where its settings are not understood."""
        self._target = target
        self._settings = {
            **({} if target.config is None else _settings_in(Path(target.config))),
            "bootstrap.servers": target.address,
            "client.id": "openbell",
            "log_level": 3,
            "reconnect.backoff.max.ms": 5_000,
        }
        producing = {
            "enable.idempotence": True,  # acknowledged by all in sync, in order, however often it is tried
            "delivery.timeout.ms": 0,  # never given up: what would be left out is in front of what follows
            "message.max.bytes": MESSAGE_BYTES_MAX,
            "queue.buffering.max.kbytes": WAITING_KBYTES_MAX,
        }
        usual = {"compression.type": "lz4", "partitioner": "murmur2_random"}  # keys as clients in Java place them
        try:
            self._producer = Producer({**usual, **self._settings, **producing}, logger=log)
        except (KafkaException, ValueError, TypeError) as problem:
            raise BrokerRefused(f"the settings of Kafka are not understood: {problem}") from None
        self._batch: Batch | None = None  # under way
        self._produced = 0  # of its messages; one more with the position
        self._failure: KafkaError | None = None

    def position(self) -> BrokerPosition | None:
        """As `Broker.position`."""
        name = self._target.name_of(POSITION)
        reading = {"group.id": "openbell-position", "enable.auto.commit": False, "enable.partition.eof": True}
        consumer = Consumer({**self._settings, **reading}, logger=log)
        try:
            if name not in consumer.list_topics(timeout=PATIENCE_S).topics:
                return None
            return decoded_position(_newest(consumer, name))
        except KafkaException as problem:
            raise _away(problem) from None
        finally:
            consumer.close()

    def prepare(self, *, is_new: bool) -> None:
        """As `Broker.prepare`, but what is in topics without a position is not noticed.

        Where topics cannot be made from here, the broker makes them as it does, or does not.
        """
        try:
            there = self._producer.list_topics(timeout=PATIENCE_S).topics
        except KafkaException as problem:
            raise _away(problem) from None
        records, position = self._target.name_of(Topic.RECORDS), self._target.name_of(POSITION)
        wanted = [NewTopic(self._target.name_of(topic), num_partitions=-1) for topic in self._target.topics]
        wanted = [topic for topic in wanted if topic.topic not in (*there, records)]
        if Topic.RECORDS in self._target.topics and records not in there:
            wanted.append(NewTopic(records, num_partitions=1))
        if position not in there:
            wanted.append(NewTopic(position, num_partitions=1, config={"cleanup.policy": "compact"}))
        if wanted:
            self._make(wanted)

    def publish(self, batch: Batch) -> BrokerPosition:
        """As `Broker.publish`. Somebody else who publishes the same is not noticed: their messages come twice."""
        if batch is not self._batch:
            self._batch, self._produced, self._failure = batch, 0, None
        until = time.monotonic() + PATIENCE_S
        while self._produced < len(batch.messages):
            each = batch.messages[self._produced]
            self._produce(self._target.name_of(each.topic), each.key, each.body, _partition(each), until)
        if self._produced == len(batch.messages):
            self._settle(until)
            self._produce(self._target.name_of(POSITION), POSITION, encoded_position(batch.position), 0, until)
        self._settle(until)
        return batch.position

    def close(self) -> None:
        """As `Broker.close`. What was not acknowledged by now is given up: it is behind the position."""
        self._producer.purge()
        self._producer.poll(0)

    # -- steps

    def _produce(self, topic: str, key: str, body: bytes, partition: int, until: float) -> None:
        """Hand a message to the client, when it has room. Raises BrokerAway, BrokerRefused."""
        while True:
            try:
                self._producer.produce(topic, body, key.encode(), partition, on_delivery=self._on_delivery)
            except BufferError:
                self._producer.poll(0.1)
                self._require(until)
            except KafkaException as problem:
                raise BrokerRefused(f"Kafka: {problem}") from None
            else:
                self._produced += 1
                return

    def _settle(self, until: float) -> None:
        """Wait until everything is acknowledged. Raises BrokerAway, BrokerRefused."""
        while self._producer.flush(min(0.5, max(0.0, until - time.monotonic()))):
            self._require(until)
        if self._failure is not None:
            self._require(until)

    def _require(self, until: float) -> None:
        """Raise BrokerRefused where a message was refused, BrokerAway where it takes too long."""
        if self._failure is not None:
            raise BrokerRefused(f"Kafka does not take a message: {self._failure.str()}")
        if time.monotonic() >= until:
            raise BrokerAway(f"Kafka has not acknowledged everything in {PATIENCE_S:.0f} s")

    def _on_delivery(self, error: KafkaError | None, _message: Any) -> None:
        if error is not None:
            self._failure = self._failure or error

    def _make(self, wanted: list[NewTopic]) -> None:
        client = AdminClient(self._settings, logger=log)  # has to live until the last answer
        made = client.create_topics(wanted, request_timeout=CREATE_S)
        failed: dict[str, str] = {}
        for name, outcome in made.items():
            try:
                outcome.result(CREATE_S + 1)
            except (KafkaException, TimeoutError) as problem:
                failed[name] = str(problem)
        if failed:
            log.warning("topics that cannot be made here come as Kafka makes them, or do not: %s", failed)


def _partition(message: Message) -> int:
    """Where a message goes: the records all to the first partition, as they have one order; -1: by the key."""
    return 0 if message.key == RECORDS_KEY and message.topic is Topic.RECORDS else -1


def _newest(consumer: Consumer, topic: str) -> bytes:
    """The last message of the topic's partition; none where there is none. Raises KafkaException, BrokerAway."""
    first, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=PATIENCE_S)
    if first >= end:
        return b""
    consumer.assign([TopicPartition(topic, 0, max(first, end - READ_BACK))])
    newest, until = b"", time.monotonic() + PATIENCE_S
    while (left := until - time.monotonic()) > 0:
        found = consumer.poll(left)
        if found is None:
            continue
        error = found.error()
        if error is None:
            newest = found.value() or b""
        elif error.code() == KafkaError._PARTITION_EOF:
            return newest
        else:
            raise KafkaException(error)
    raise BrokerAway("Kafka does not give the position")


def _settings_in(path: Path) -> dict[str, str | int | float | bool]:
    """The settings that a file has: `name=value` on a line, as librdkafka calls them. Raises BrokerRefused."""
    found: dict[str, str | int | float | bool] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as problem:
        raise BrokerRefused(f"the settings of Kafka cannot be read: {problem}") from None
    for number, line in enumerate(lines, 1):
        name, equals, value = line.partition("=")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not equals:
            raise BrokerRefused(f"{path}, line {number}: write name=value")
        found[name.strip()] = value.strip()
    return found


def _away(problem: KafkaException) -> BrokerAway:
    return BrokerAway(f"Kafka: {problem}")
