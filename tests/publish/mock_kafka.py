"""`python -m tests.publish.mock_kafka`: librdkafka's own mock of a cluster, a process that may be stopped and killed.

It speaks Kafka's protocol over TCP and keeps what it is given in memory. Prints where it is, and ends with its input.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import confluent_kafka
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from tests.server import ROOT

BROKERS = 1
PRODUCER = 0  # of rd_kafka_new


@contextmanager
def mock_kafka() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address of a cluster of its own, and its process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.publish.mock_kafka"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process
    finally:
        process.kill()
        process.communicate()


def messages_in(address: str, topic: str) -> list[tuple[str, bytes]]:
    """Key and value of every message of a topic, those of a partition in order."""
    consumer = Consumer(
        {
            "bootstrap.servers": address,
            "group.id": "tests",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "log_level": 0,
        }
    )
    try:
        there = consumer.list_topics(timeout=20).topics
        if topic not in there:
            return []
        partitions = there[topic].partitions
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
        found: list[tuple[str, bytes]] = []
        ends = 0
        while ends < len(partitions):
            message = consumer.poll(20)
            assert message is not None, f"the mock cluster gives no more of {topic}"
            error = message.error()
            if error is None:
                found.append(((message.key() or b"").decode(), message.value() or b""))
            else:
                assert error.code() == KafkaError._PARTITION_EOF, error
                ends += 1
        return found
    finally:
        consumer.close()


def main() -> None:
    """Run until the input ends."""
    folder = Path(confluent_kafka.__file__).parent.with_name("confluent_kafka.libs")
    library = ctypes.CDLL(str(next(folder.glob("librdkafka*"))))
    library.rd_kafka_new.restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_new.restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    client = ctypes.c_void_p(library.rd_kafka_new(PRODUCER, None, ctypes.create_string_buffer(512), 512))
    cluster = ctypes.c_void_p(library.rd_kafka_mock_cluster_new(client, BROKERS))
    library.rd_kafka_mock_set_controller_id(cluster, 1)  # so that it says at once that it makes no topics
    print(library.rd_kafka_mock_cluster_bootstraps(cluster).decode(), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
