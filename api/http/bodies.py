"""The body of every JSON answer over HTTP: one line, with its end, so that a terminal's prompt begins on the next.

Layer: api.http.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import msgspec

from api.http.answer_headers import NO_SNIFFING, NOT_STORED
from loop.turns import in_turns

PIECE: Final = 500  # items encoded at once: less than two milliseconds

HEADERS: Final = {  # headers of every JSON answer: most are private, the others stale at once
    "Content-Type": "application/json",
    **dict((NO_SNIFFING, NOT_STORED)),
}

_encode = msgspec.json.Encoder().encode


def body_of(value: Any) -> bytes:
    """`value`, a struct or plain values, as a body."""
    return _encode(value) + b"\n"


def long_body(value: msgspec.Struct) -> bytes:
    """`value`, a struct whose lists and dicts may be as long as the venue is large, as a body: encoded in turns.

    Cooperative. They are emptied on the way: to free a hundred thousand orders at once takes milliseconds, too.
    """
    names = _names(type(value))
    items = [getattr(value, name) for name, _ in names]
    if not any(map(_is_long, items)):
        return body_of(value)
    parts = [b"{"]
    for (_, written), item in zip(names, items, strict=True):
        if item is msgspec.UNSET:
            continue
        parts.append((b"" if len(parts) == 1 else b",") + written)
        parts.extend(_long_value(item))
    return b"".join([*parts, b"}\n"])


def long_list_body(items: list[Any]) -> bytes:
    """A list that may be as long as the venue is large, as a body: encoded in turns, and emptied on the way.

    Cooperative.
    """
    return body_of(items) if len(items) <= PIECE else b"".join([*_long_list(items), b"\n"])


@cache
def _names(kind: type[msgspec.Struct]) -> list[tuple[str, bytes]]:
    """The fields of a struct, each as an attribute and as it is written."""
    return [(field.name, _encode(field.encode_name) + b":") for field in msgspec.structs.fields(kind)]


def _is_long(item: Any) -> bool:
    return (type(item) is list and len(item) > PIECE) or (type(item) is dict and len(item) > PIECE // 10)


def _long_value(item: Any) -> Iterator[bytes]:
    if not _is_long(item):
        yield _encode(item)
    elif isinstance(item, list):
        yield from _long_list(item)
    else:
        lead = b"{"
        for name in in_turns(list(item)):
            yield lead + _encode(name) + b":" + _encode(item.pop(name))
            lead = b","
        yield b"}"


def _long_list(items: list[Any]) -> Iterator[bytes]:
    lead = b"["
    items.reverse()
    for _ in in_turns(range(0, len(items), PIECE), every=1):
        piece = items[: -PIECE - 1 : -1]
        del items[-PIECE:]
        yield lead + _encode(piece)[1:-1]
        lead = b","
    yield b"]"


def body_of_encoded(document: bytes) -> bytes:
    """JSON that is encoded already, as a body."""
    return document + b"\n"
