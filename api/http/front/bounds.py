"""How much and how long: every bound of the front in one place.

Layer: api.http.
"""

from __future__ import annotations

from typing import Final

import msgspec

from api.settings import Settings

READ_BYTES: Final = 16_384  # taken from a connection in one turn: some hundred pipelined requests at most
READ_BODY_BYTES: Final = 65_536  # the same inside a body of known length, which is only copied
HEAD_BYTES_MAX: Final = 32_768  # request line and headers
TARGET_BYTES_MAX: Final = 8_192
HEADERS_MAX: Final = 100
CODING_BYTES_FREE: Final = 65_536  # chunk sizes, extensions and trailers, besides what each byte of data may cost
CODING_BYTES_PER_BYTE: Final = 8  # a body in chunks of one byte takes six
SMALL_BODY_BYTES: Final = 65_536  # larger bodies share what follows
LARGE_BODIES_BYTES: Final = 67_108_864  # of all connections together
LARGE_BODIES_SHARE: Final = 4  # of that, one address may hold one part in so many
DISCARD_BYTES_MAX: Final = 262_144  # read and thrown away behind a refusal, so that the client reads it
DISCARD_S: Final = 2.0
RATE_GRACE_S: Final = 5.0  # before the minimum rate is asked of a request or an answer
RATE_CHECK_S: Final = 1.0  # between two looks whether a body keeps its rate
SWEEP_S: Final = 0.5  # between two looks at all deadlines
DESCRIPTORS_KEPT: Final = 64  # for files, databases, pipes and what else is no connection


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings say. Times in seconds."""

    connections: int
    connections_per_address: int
    loopback_capped: bool  # whether this machine's own connections count to the cap of an address
    body_bytes: int
    head_s: float  # for the TLS handshake, and for the head of a request
    request_s: float  # for a whole request, from its first byte
    answer_s: float  # for a client to take a whole answer
    idle_s: float  # between two requests
    bytes_per_s: int  # the least rate of a request's body and of taking an answer
    grace_s: float  # before that rate is asked

    @property
    def large_bodies(self) -> int:
        """How many bodies above `SMALL_BODY_BYTES` may be in memory at once."""
        return max(LARGE_BODIES_SHARE, LARGE_BODIES_BYTES // self.body_bytes)


def bounds_of(settings: Settings, connections: int) -> Bounds:
    """The bounds that the settings ask for, with as many `connections` as the machine lets us have."""
    return Bounds(
        connections=connections,
        connections_per_address=settings.max_connections_per_address,
        loopback_capped=settings.reachable_by_others,
        body_bytes=settings.max_body_bytes,
        head_s=settings.head_timeout_s,
        request_s=settings.request_timeout_s,
        answer_s=settings.request_timeout_s,
        idle_s=settings.idle_timeout_s,
        bytes_per_s=settings.min_bytes_per_s,
        grace_s=RATE_GRACE_S,
    )
