"""Redis Streams as a broker: each message is there once, however often and by how many it is published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest

from publish import redis_streams
from publish.broker import BEGINNING, Batch, BrokerAway, BrokerPosition, BrokerRefused, behind
from publish.messages import Message
from publish.redis_streams import RedisStreams
from publish.target import Topic, target_of
from tests.journal.mixed_records import RECORDS
from tests.publish.reading import made
from tests.redis_server import client, needs_redis, running_redis

pytestmark = needs_redis
MESSAGES = made(RECORDS)
MIDDLE = RECORDS[19]
EARLIER = [each for each in MESSAGES if each.seq <= MIDDLE.last_seq]
LATER = [each for each in MESSAGES if each.seq > MIDDLE.last_seq]
AT_MIDDLE, AT_END = behind(MIDDLE, 0), behind(RECORDS[-1], 0)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
def redis(url: str) -> Iterator[Any]:
    with client(url) as redis:
        redis.flushall()
        yield redis


@pytest.fixture
def broker(url: str, redis: Any) -> Iterator[RedisStreams]:
    with closing(RedisStreams(target_of(f"{url}?maxlen=0"))) as broker:
        yield broker


def in_streams(redis: Any, prefix: str = "openbell") -> list[tuple[str, str, str, bytes]]:
    """Topic, id, key and data of all that is there."""
    return [
        (topic.value, entry_id.decode(), fields[b"key"].decode(), fields[b"data"])
        for topic in Topic
        for entry_id, fields in redis.xrange(f"{prefix}:{topic}")
    ]


def as_entries(messages: Sequence[Message]) -> list[tuple[str, str, str, bytes]]:
    return [
        (topic.value, f"{each.seq}-{each.number}", each.key, each.body)
        for topic in Topic
        for each in messages
        if each.topic is topic
    ]


def test_the_streams_have_the_messages_and_the_position(broker: RedisStreams, redis: Any) -> None:
    assert broker.position() is None
    broker.prepare(is_new=True)
    assert broker.publish(Batch((), None, BEGINNING)) == BEGINNING
    assert broker.publish(Batch(EARLIER, BEGINNING, AT_MIDDLE)) == AT_MIDDLE
    assert broker.position() == AT_MIDDLE
    assert broker.publish(Batch(LATER, AT_MIDDLE, AT_END)) == AT_END
    assert in_streams(redis) == as_entries(MESSAGES)


def test_what_is_published_again_adds_nothing(broker: RedisStreams, redis: Any) -> None:
    for _ in range(3):  # an answer that was lost, twice
        assert broker.publish(Batch(EARLIER, None, AT_MIDDLE)) == AT_MIDDLE
    assert broker.publish(Batch(MESSAGES, AT_MIDDLE, AT_END)) == AT_END
    assert in_streams(redis) == as_entries(MESSAGES)


def test_a_batch_that_was_cut_off_is_made_whole(
    broker: RedisStreams, redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_streams, "MESSAGES_MAX", 7)
    call, calls = broker._call, list[int]()

    def cut_off(expected: bytes, wanted: bytes, messages: Sequence[Message]) -> bytes:
        calls.append(len(messages))
        if len(calls) == 5:
            raise BrokerAway("cut off")
        return call(expected, wanted, messages)

    monkeypatch.setattr(broker, "_call", cut_off)
    with pytest.raises(BrokerAway):
        broker.publish(Batch(MESSAGES, None, AT_END))
    assert broker.position() is None
    assert len(in_streams(redis)) == 28
    assert broker.publish(Batch(MESSAGES, None, AT_END)) == AT_END
    assert max(calls) == 7
    assert in_streams(redis) == as_entries(MESSAGES)


def test_who_expects_another_position_is_told_it_and_adds_nothing(broker: RedisStreams, redis: Any) -> None:
    broker.publish(Batch(EARLIER, None, AT_MIDDLE))
    for expected in (None, BEGINNING, AT_END):
        assert broker.publish(Batch(LATER, expected, AT_END)) == AT_MIDDLE
    assert in_streams(redis) == as_entries(EARLIER)


def test_streams_without_a_position_are_not_ours(broker: RedisStreams, redis: Any) -> None:
    redis.xadd("openbell:trades", {"a": "b"})
    with pytest.raises(BrokerRefused, match="openbell:trades and no openbell:position"):
        broker.prepare(is_new=True)
    broker.prepare(is_new=False)


@pytest.mark.parametrize("kept", ["no JSON", '{"n":1}', '{"n":1,"seq":1,"chain":"","gaps":0,"format":2}'])
def test_what_is_no_position_is_refused(broker: RedisStreams, redis: Any, kept: str) -> None:
    redis.set("openbell:position", kept)
    with pytest.raises(BrokerRefused):
        broker.position()


def test_a_stream_keeps_about_as_many_as_it_is_to(url: str, redis: Any) -> None:
    with closing(RedisStreams(target_of(f"{url}?maxlen=100&prefix=short"))) as broker:
        broker.publish(Batch(MESSAGES, None, AT_END))
    kept = redis.xlen("short:orders")
    assert 100 <= kept < 250
    assert in_streams(redis, "short")[-1] == as_entries(MESSAGES)[-1]


def test_a_stream_that_takes_nothing_is_not_taken_for_one_that_has_it(broker: RedisStreams, redis: Any) -> None:
    redis.set("openbell:trades", "no stream")
    with pytest.raises(BrokerAway, match="WRONGTYPE"):
        broker.publish(Batch(MESSAGES, None, AT_END))
    assert broker.position() is None


def test_an_error_of_redis_says_no_password() -> None:
    away_url = "redis://:secret@127.0.0.1:1/0"
    with closing(RedisStreams(target_of(away_url))) as broker, pytest.raises(BrokerAway) as away:
        broker.position()
    assert "secret" not in str(away.value)


def test_a_position_is_kept_as_it_is(broker: RedisStreams) -> None:
    position = BrokerPosition(7, 70, "ab" * 32, gaps=2)
    assert broker.publish(Batch((), None, position)) == broker.position() == position
