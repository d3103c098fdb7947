"""Where to publish: what one `--publish` says.

    redis://HOST:PORT/N?topics=trades,book&prefix=openbell&maxlen=100000&from=start
    kafka://HOST:PORT,HOST:PORT?topics=trades,book&prefix=openbell&config=FILE&from=start

Imports no client of a broker: the server reads its options by this.
Layer: publish. Pure.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, Literal
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

import msgspec
from msgspec import structs

LENGTH_MAX: Final = 100_000  # messages that a stream of Redis keeps, about: it holds them in memory
PREFIX: Final = "openbell"
LENGTH_DIGITS_MAX: Final = 15
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?")
_PREFIX: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_REDIS_TLS: Final = "ssl_"  # parameters that begin so are for the client of Redis


class Topic(StrEnum):
    """What is published."""

    TRADES = "trades"
    BOOK = "book"
    ORDERS = "orders"
    RECORDS = "records"


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One broker, and what is published there."""

    kind: Literal["redis", "kafka"]
    address: str  # redis: a URL, with its password; kafka: HOST:PORT,HOST:PORT
    prefix: str = PREFIX
    topics: tuple[Topic, ...] = tuple(Topic)
    from_start: bool = True  # the first time: everything from the first record on; else what comes from now on
    length_max: int = LENGTH_MAX  # redis: messages that a stream keeps; 0: all
    config: str | None = None  # kafka: file of further settings of its client

    def name_of(self, topic: str) -> str:
        """What the broker calls a topic."""
        return f"{self.prefix}{':' if self.kind == 'redis' else '.'}{topic}"


def target_of(text: str) -> Target:
    """Read what `--publish` says. Raises ValueError with a sentence, in which no password is."""
    try:
        url = urlsplit(text)
        _ = url.port if "," not in url.netloc else None
    except ValueError:
        raise ValueError("it is no URL") from None
    if url.scheme not in ("redis", "rediss", "kafka"):
        raise ValueError("write redis://HOST:PORT/N, rediss://HOST:PORT/N or kafka://HOST:PORT")
    pairs = parse_qsl(url.query, keep_blank_values=True)
    asked = dict(pairs)
    if len(asked) < len(pairs):
        raise ValueError("it has a parameter twice")
    topics, prefix, begin = _topics(asked.pop("topics", None)), asked.pop("prefix", PREFIX), asked.pop("from", "start")
    if not _PREFIX.fullmatch(prefix):
        raise ValueError("its prefix is up to 64 letters, digits and . _ -")
    if begin not in ("start", "now"):
        raise ValueError("write from=start or from=now")
    target = Target(kind="redis", address="", prefix=prefix, topics=topics, from_start=begin == "start")
    target = _kafka(url, asked, target) if url.scheme == "kafka" else _redis(url, asked, target)
    if asked:
        raise ValueError(f"it has a parameter that there is not: {sorted(asked)[0]}")
    return target


def _redis(url: SplitResult, asked: dict[str, str], target: Target) -> Target:
    """Takes what it knows out of `asked`."""
    length = asked.pop("maxlen", str(LENGTH_MAX))
    if not (length.isascii() and length.isdecimal() and len(length) <= LENGTH_DIGITS_MAX):
        raise ValueError("its maxlen is a whole number of messages; 0 keeps all")
    tls = {name: asked.pop(name) for name in list(asked) if url.scheme == "rediss" and name.startswith(_REDIS_TLS)}
    if not url.hostname or not re.fullmatch(r"/?\d{0,6}", url.path):
        raise ValueError("write redis://HOST:PORT/N")
    address = url._replace(query=urlencode(tls), fragment="").geturl()
    return structs.replace(target, address=address, length_max=int(length))


def _kafka(url: SplitResult, asked: dict[str, str], target: Target) -> Target:
    """Takes what it knows out of `asked`."""
    if "@" in url.netloc:
        raise ValueError("user and password of Kafka belong in the file that config= names")
    if url.path.strip("/") or not all(_HOST.fullmatch(host) for host in url.netloc.split(",")):
        raise ValueError("write kafka://HOST:PORT,HOST:PORT")
    return structs.replace(target, kind="kafka", address=url.netloc, config=asked.pop("config", None))


def _topics(text: str | None) -> tuple[Topic, ...]:
    if text is None:
        return tuple(Topic)
    names = text.split(",")
    unknown = [name for name in names if name not in set(Topic)]
    if unknown or len(set(names)) < len(names):
        raise ValueError(f"its topics are some of {', '.join(Topic)}, each once")
    return tuple(topic for topic in Topic if topic in names)
