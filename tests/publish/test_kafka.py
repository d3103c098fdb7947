"""Kafka as a broker, by its protocol: killed, hung and begun anew, nothing is left out and readers can drop the rest.

The other side is librdkafka's mock cluster. `OPENBELL_TEST_KAFKA=HOST:PORT` has the same asked of a real one as well.
"""

from __future__ import annotations

import os
import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from publish.broker import BEGINNING, Batch, BrokerRefused, behind
from publish.kafka_topics import KafkaTopics
from publish.publisher import AWAY
from publish.target import Topic, target_of
from tests.journal.mixed_records import RECORDS
from tests.publish.hosted import (
    WITHIN_S,
    Read,
    append,
    is_complete,
    is_published,
    journal,
    kill,
    publisher,
    save_snapshot,
)
from tests.publish.mock_kafka import messages_in, mock_kafka
from tests.publish.reading import made
from tests.server import eventually

ALL = len(RECORDS)
REAL = os.environ.get("OPENBELL_TEST_KAFKA")
MOCK = "mock"


@pytest.fixture(scope="module")
def mock() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    with mock_kafka() as running:
        yield running


@pytest.fixture(params=[MOCK, *([REAL] if REAL else [])])
def address(request: pytest.FixtureRequest, mock: tuple[str, subprocess.Popen[str]]) -> str:
    return mock[0] if request.param == MOCK else str(request.param)


@pytest.fixture
def prefix() -> str:
    """Another one for each test, and for each run against a real broker."""
    return f"test-{uuid.uuid4().hex[:12]}"


def reading(address: str, prefix: str) -> Read:
    return lambda topic: messages_in(address, f"{prefix}.{topic}")


def test_the_topics_have_the_messages_and_the_position(
    address: str, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    messages, at_end = made(RECORDS), behind(RECORDS[-1], 0)
    target = target_of(f"kafka://{address}?prefix={prefix}")
    with closing(KafkaTopics(target)) as broker:
        assert broker.position() is None
        broker.prepare(is_new=True)
        assert broker.publish(Batch((), None, BEGINNING)) == BEGINNING
        assert broker.publish(Batch(messages, BEGINNING, at_end)) == at_end
    with closing(KafkaTopics(target)) as another:
        assert another.position() == at_end
        another.prepare(is_new=False)  # they are there
    asked = [line for line in caplog.messages if "could not be made" in line or "cannot be made" in line]
    assert all("not supported by broker" in line for line in asked), "the mock's answer was not waited for"
    assert len(asked) == (address != REAL)
    read = reading(address, prefix)
    is_complete(read, exactly_once=True)
    assert read(Topic.RECORDS) == [(each.key, each.body) for each in messages if each.topic is Topic.RECORDS]


def test_publishers_that_are_killed_leave_nothing_out(tmp_path: Path, address: str, prefix: str) -> None:
    save_snapshot(tmp_path, 16)  # some begin with it
    with journal(tmp_path) as log, publisher(log, tmp_path, f"kafka://{address}?prefix={prefix}") as host:
        append(log, 12)
        is_published(host, 12)
        for until_n in (20, 30):
            append(log, until_n)
            kill(host)
        append(log, ALL)
        is_published(host, ALL)
    is_complete(reading(address, prefix), exactly_once=False)


def test_a_cluster_that_hangs_is_told_and_given_what_waits_when_it_is_back(tmp_path: Path, prefix: str) -> None:
    with mock_kafka() as (address, process), journal(tmp_path) as log:
        with publisher(log, tmp_path, f"kafka://{address}?prefix={prefix}") as host:
            append(log, 5)
            is_published(host, 5)
            process.send_signal(signal.SIGSTOP)
            append(log, ALL)  # returns, though nothing is taken
            eventually(lambda: host.state.failure == AWAY, WITHIN_S)
            assert host.state.n == 5
            process.send_signal(signal.SIGCONT)
            is_published(host, ALL)
        is_complete(reading(address, prefix), exactly_once=True)


def test_settings_of_a_file_are_taken_and_those_that_there_are_not_are_refused(tmp_path: Path, address: str) -> None:
    config = tmp_path / "kafka.properties"
    config.write_text("# of the client\n\nlinger.ms = 1\ncompression.type=zstd\n")
    with closing(KafkaTopics(target_of(f"kafka://{address}?config={config}&prefix=none"))) as broker:
        assert broker.position() is None
    for text, why in (("sasl.passwort=x\n", "sasl.passwort"), ("linger.ms\n", "line 1: write name=value")):
        config.write_text(text)
        with pytest.raises(BrokerRefused, match=why):
            KafkaTopics(target_of(f"kafka://{address}?config={config}"))
    config.unlink()
    with pytest.raises(BrokerRefused, match="cannot be read"):
        KafkaTopics(target_of(f"kafka://{address}?config={config}"))
