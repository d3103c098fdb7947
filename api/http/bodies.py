"""The body of every JSON answer over HTTP: one line, with its end, so that a terminal's prompt begins on the next.

Layer: api.http.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

HEADERS: Final = {  # headers of every JSON answer: most are private, the others stale at once
    "Content-Type": "application/json",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

_encode = msgspec.json.Encoder().encode


def body_of(value: Any) -> bytes:
    """`value`, a struct or plain values, as a body."""
    return _encode(value) + b"\n"


def body_of_encoded(document: bytes) -> bytes:
    """JSON that is encoded already, as a body."""
    return document + b"\n"
