"""Answers as they are written: JSON that is made once, and put as it is into whatever encloses it.

An answer to an order is as long as a page of a book, and the order itself is matched in a tenth of the time that it
takes to make a struct of thirty fields and encode it. So what is answered most is written at once, of pieces that are
kept (`api.market.live_texts`), and travels as `msgspec.Raw`, which every encoder of ours takes for what it is.
Layer: api.json.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import msgspec

from api.json.views import seconds
from listings.texts import nanos_text

MOMENTS_KEPT: Final = 256  # a batch has one moment, or a few

Encoded = msgspec.Raw  # the JSON of a value whose struct is the document's

_encode = msgspec.json.Encoder().encode


def encoded(value: Any) -> Encoded:
    """`value`, a struct or plain values, as JSON."""
    return msgspec.Raw(_encode(value))


def json_text(value: Any) -> str:
    """`value` as JSON, to be a part of a larger text."""
    return _encode(value).decode()


@lru_cache(MOMENTS_KEPT)
def seconds_text(ts_ns: int) -> str:
    """`seconds` as JSON."""
    return json_text(seconds(ts_ns))


@lru_cache(MOMENTS_KEPT)
def moment_text(ts_ns: int) -> str:
    """The three fields that say when something happened, as JSON without the braces."""
    return f'"timestamp":{seconds_text(ts_ns)},"ts_ns":{ts_ns},"ts_ns_text":"{nanos_text(ts_ns)}"'
