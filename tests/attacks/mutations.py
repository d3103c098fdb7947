"""Bytes that are almost requests: good ones, cut, spliced, doubled and sprinkled with what parsers disagree about."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

from tests.attacks.messages import BODY, MESSAGES, ORDINARY, chunked, get, one_chunk, post

LONG = 400  # messages that are longer are no seeds: their bulk is all that they say
GOOD: tuple[bytes, ...] = (
    get(),
    get(b"Accept: */*", b"User-Agent: fuzz/1", b"Connection: keep-alive"),
    post(b"Content-Length: %d" % len(BODY), body=BODY),
    chunked(one_chunk()),
    chunked(b"2;a=b\r\n{}\r\n0\r\nX-T: y\r\n\r\n"),
    ORDINARY,
)
SEEDS: tuple[bytes, ...] = (
    *GOOD,
    *(case.content for case in MESSAGES if len(case.content) < LONG),
)
TOKENS: tuple[bytes, ...] = (
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\x00", b" ", b"  ", b"\t", b":", b",", b";", b"#", b"?", b"*", b"\x0b"),
    *(b"\x7f", b"\x80", b"\xff", b"0", b"-", b"+", b"0x", b"0\r\n\r\n", b"1\r\na\r\n", b"_", b'"', b"%", b"/", b"@"),
    *(b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: "),
    *(b"Host: 127.0.0.1\r\n", b"Connection: close\r\n", b"Expect: 100-continue\r\n", b"HTTP/1.0", b"HTTP/1.1", b"GET "),
    *(b"Connection: Upgrade\r\nUpgrade: websocket\r\n", b" chunked", b"chunked", b"identity", b"X: y\r\n", b" : "),
    *(b"http://127.0.0.1", b"ffffffffffffffff", b"HTTP/2.0", b"CONNECT ", b"OPTIONS * ", b"POST ", b"HEAD ", b"\r\n "),
)

Mutation = Callable[[random.Random, bytes], bytes]


def _place(rng: random.Random, content: bytes) -> int:
    """A place, where lines meet as often as anywhere."""
    if rng.random() < 0.5:
        marks = [at for at, byte in enumerate(content) if byte in b"\r\n: "]
        if marks:
            return rng.choice(marks) + rng.randint(0, 1)
    return rng.randint(0, len(content))


def _insert(rng: random.Random, content: bytes) -> bytes:
    at = _place(rng, content)
    return content[:at] + rng.choice(TOKENS) + content[at:]


def _delete(rng: random.Random, content: bytes) -> bytes:
    at = _place(rng, content)
    return content[:at] + content[at + rng.choice((1, 1, 2, 5, 20)) :]


def _change(rng: random.Random, content: bytes) -> bytes:
    if not content:
        return content
    at = min(_place(rng, content), len(content) - 1)
    return content[:at] + bytes((rng.randrange(256),)) + content[at + 1 :]


def _double(rng: random.Random, content: bytes) -> bytes:
    lines = content.split(b"\r\n")
    at = rng.randrange(len(lines))
    return b"\r\n".join([*lines[: at + 1], *lines[at:]])


def _exchange(rng: random.Random, content: bytes) -> bytes:
    lines = content.split(b"\r\n")
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\r\n".join(lines)


def _splice(rng: random.Random, content: bytes) -> bytes:
    other = rng.choice(SEEDS)
    return content[: _place(rng, content)] + other[_place(rng, other) :]


def _follow(rng: random.Random, content: bytes) -> bytes:
    return content + rng.choice(SEEDS)


MUTATIONS: tuple[Mutation, ...] = (_insert, _insert, _insert, _delete, _change, _double, _exchange, _splice, _follow)


def mutated(rng: random.Random) -> bytes:
    """Something that is almost a request, or several; or is one."""
    content = rng.choice(SEEDS if rng.random() < 0.5 else GOOD)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 5, 8))):
        content = rng.choice(MUTATIONS)(rng, content)
    return content[:8_000]


def cut(rng: random.Random, content: bytes) -> list[bytes]:
    """The same bytes in some pieces."""
    places = sorted(rng.randint(0, len(content)) for _ in range(rng.choice((0, 0, 1, 2, 5))))
    if rng.random() < 0.02:
        places = list(range(len(content)))
    edges = [0, *places, len(content)]
    return [content[start:end] for start, end in pairwise(edges) if end > start]
