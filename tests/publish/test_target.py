"""What `--publish` may say, and that no refusal repeats a password."""

from __future__ import annotations

import click
import pytest

from api.options import settings_from
from publish.target import LENGTH_MAX, Target, Topic, target_of


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("redis://127.0.0.1", Target(kind="redis", address="redis://127.0.0.1")),
        (
            "rediss://:secret@redis.example:6380/2?ssl_ca_certs=/ca.pem&maxlen=0&topics=book,trades",
            Target(
                kind="redis",
                address="rediss://:secret@redis.example:6380/2?ssl_ca_certs=%2Fca.pem",
                topics=(Topic.TRADES, Topic.BOOK),
                length_max=0,
            ),
        ),
        (
            "kafka://a:9092,b:9092,[::1]:9092?prefix=desk-1&from=now&config=/etc/kafka.conf",
            Target(
                kind="kafka", address="a:9092,b:9092,[::1]:9092", prefix="desk-1", from_start=False,
                config="/etc/kafka.conf",
            ),
        ),
    ],
)  # fmt: skip
def test_a_target_is_read_as_it_is_written(text: str, target: Target) -> None:
    assert target_of(text) == target


def test_redis_and_kafka_name_topics_as_each_is_used_to() -> None:
    assert target_of("redis://h").name_of("trades") == "openbell:trades"
    assert target_of("kafka://h?prefix=x").name_of("trades") == "x.trades"
    assert target_of("redis://h").length_max == LENGTH_MAX


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("127.0.0.1:6379", "write redis://"),
        ("amqp://:secret@h", "write redis://"),
        ("redis://:secret@", "write redis://HOST"),
        ("redis://:secret@h/words", "write redis://HOST"),
        ("redis://:secret@h:port/0", "no URL"),
        ("redis://:secret@h?topics=trades,deals", "its topics are some of trades, book, orders, records"),
        ("redis://:secret@h?topics=trades,trades", "each once"),
        ("redis://:secret@h?topics=", "its topics are"),
        ("redis://:secret@h?maxlen=many", "maxlen"),
        ("redis://:secret@h?maxlen=-1", "maxlen"),
        ("redis://:secret@h?prefix=a:b", "prefix"),
        ("redis://:secret@h?from=yesterday", "from=start or from=now"),
        ("redis://:secret@h?ssl_ca_certs=/x", "a parameter that there is not: ssl_ca_certs"),
        ("redis://:secret@h?prefix=a&prefix=b", "twice"),
        ("kafka://user:secret@h", "belong in the file"),
        ("kafka://h:9092,", "write kafka://"),
        ("kafka://h:9092/topic", "write kafka://"),
        ("kafka://h?maxlen=1", "a parameter that there is not: maxlen"),
    ],
)
def test_what_is_no_target_is_refused_without_its_password(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refusal:
        target_of(text)
    assert "secret" not in str(refusal.value)


def test_the_option_says_what_is_wrong_and_no_password() -> None:
    with pytest.raises(click.UsageError, match="--publish: write redis://") as refusal:
        settings_from({"publish": ("amqp://:secret@h",)})
    assert "secret" not in str(refusal.value)


def test_a_file_of_settings_that_is_not_there_is_said_at_the_start() -> None:
    with pytest.raises(click.UsageError, match=r"--publish: /nowhere/kafka\.conf is no file"):
        settings_from({"publish": ("kafka://h:9092?config=/nowhere/kafka.conf",)})
