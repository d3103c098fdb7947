"""JSON from outside as plain values: fractions exact, and no key of an object given twice.

msgspec takes the last of two equal keys without a word, so keys are counted: as many colons in the text as keys were
read means that none came twice, for every key has its colon. Only where there are more (times, addresses, a repeated
key) each object is examined. O(length) always.
Layer: api.json.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec

from listings.numbers import exactly

decode_plainly: Final = msgspec.json.Decoder(float_hook=exactly).decode
"""The values of a JSON text, of a key that an object has twice the last. Raises as `decode_exactly`."""

_strings = re.compile(rb'"(?:[^"\\]++|\\.)*+"(\s*:)?', re.DOTALL).findall  # each with its colon, if it is a key
_after_a_key = re.compile(rb'"\s*:').findall  # behind each key, and seldom within a text


class RepeatedKey(msgspec.Struct, frozen=True):
    """Stands for an object that has a key twice, itself or an object within it."""

    name: str  # the path of the key, such as schedule.trading


def decode_exactly(body: bytes) -> Any:
    """The values of a JSON text; `RepeatedKey` in place of each object that has a key twice.

    In a list each element is judged for itself. Raises msgspec.DecodeError, ValueError or RecursionError for what is
    no JSON, or cannot be read.
    """
    value = decode_plainly(body)
    colons = body.count(b":")
    if type(value) is dict:
        if len(value) == colons:  # an object of plain values, as nearly all are
            return value
    elif type(value) is list and len(value) == 2 and type(value[1]) is dict and len(value[1]) == colons:
        return value  # an event of the feed: its name, and such an object
    keys = _keys(value)
    if colons == keys or len(_after_a_key(body)) == keys or _keys_written(body) == keys:
        return value
    return json.loads(body, object_pairs_hook=_object, parse_float=exactly)


def _keys_written(body: bytes) -> int:
    """How many keys stand in a JSON text, repeated ones as often as they come."""
    return sum(map(bool, _strings(body)))


def _keys(value: Any) -> int:
    """How many keys the objects in a value have."""
    if type(value) is dict:
        return len(value) + sum([_keys(item) for item in value.values() if type(item) in (dict, list)])
    if type(value) is list:
        return sum([_keys(item) for item in value])
    return 0


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | RepeatedKey:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            return RepeatedKey(name)
        if isinstance(value, RepeatedKey):
            return RepeatedKey(f"{name}.{value.name}")
        found[name] = value
    return found
