"""What is a request, and which are too large: however the bytes are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.front.bounds import HEAD_BYTES_MAX, SMALL_BODY_BYTES
from api.http.front.large_bodies import LargeBodies
from api.http.front.parser import RequestParser
from api.json.errors import ApiError

HOST = b"Host: localhost\r\n"
MANY = (
    b"GET /a?b=c HTTP/1.1\r\n" + HOST + b"X-A: 1\r\nX-A: 2\r\n\r\n"
    b"POST /order HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello"
    b"POST /order HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n"
    b"GET /up HTTP/1.1\r\n" + HOST + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\n"
    b"GET /last HTTP/1.0\r\n\r\n"
)
WANTED = [
    ("GET", b"/a?b=c", b"", True),
    ("POST", b"/order", b"hello", True),
    ("POST", b"/order", b"abcde", True),
    ("GET", b"/up", b"", True),
    ("GET", b"/last", b"", False),
]


def parser(body_max: int = 100_000, places: int = 4) -> RequestParser:
    """One that takes bodies up to `body_max`."""
    return RequestParser(body_max, LargeBodies(places), "somebody")


def fed(reader: RequestParser, *pieces: bytes) -> tuple[int, str] | None:
    """Status and code of the refusal, if there is one."""
    try:
        for piece in pieces:
            reader.feed(memoryview(piece))
    except ApiError as refusal:
        return refusal.status, refusal.code
    return None


@given(st.lists(st.integers(0, len(MANY)), max_size=8))
def test_however_the_bytes_are_cut_the_same_requests_come_out(cuts: list[int]) -> None:
    reader, edges = parser(), sorted({0, *cuts, len(MANY)})
    assert fed(reader, *(MANY[start:end] for start, end in pairwise(edges))) is None
    assert [(each.method, each.target, each.body, each.keep_alive) for each in reader.requests] == WANTED
    assert not reader.begun


def test_byte_by_byte_it_is_the_same() -> None:
    reader = parser()
    assert fed(reader, *(MANY[at : at + 1] for at in range(len(MANY)))) is None
    assert [(each.method, each.target, each.body, each.keep_alive) for each in reader.requests] == WANTED


def test_what_comes_behind_a_request_for_a_websocket_is_kept_for_it() -> None:
    reader = parser()
    head = b"GET /ws HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    assert fed(reader, head + b"\x81\x80rest") is None
    assert reader.requests[0].upgrade
    assert reader.rest == b"\x81\x80rest"


REFUSED = [
    (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * HEAD_BYTES_MAX, (431, "HEAD_TOO_LARGE")),
    (b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n" * 101 + b"\r\n", (431, "TOO_MANY_HEADERS")),
    (b"GET /" + b"a" * 9_000, (414, "TARGET_TOO_LONG")),
    (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 100001\r\n\r\n", (413, "REQUEST_ENTITY_TOO_LARGE")),
    (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", (505, "HTTP_VERSION_NOT_SUPPORTED")),
    (b"GET /\r\n\r\n", (505, "HTTP_VERSION_NOT_SUPPORTED")),
    (b"GET / HTTP/1.1\r\n\r\n", (400, "MALFORMED_HEADERS")),
    (b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n", (400, "MALFORMED_HEADERS")),
    (b"POST / HTTP/1.1\r\n" + HOST + b"Content_Length: 5\r\n\r\n", (400, "MALFORMED_HEADERS")),
    (b"POST / HTTP/1.1\r\n" + HOST + b"Expect: a miracle\r\n\r\n", (417, "EXPECTATION_FAILED")),
    (b"CONNECT a:1 HTTP/1.1\r\n" + HOST + b"\r\n", (400, "MALFORMED_REQUEST")),
    (b"GET /a#b HTTP/1.1\r\n" + HOST + b"\r\n", (400, "MALFORMED_REQUEST")),
    (b"\x16\x03\x01\x02\x00\x01", (400, "MALFORMED_REQUEST")),
    (b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400, "MALFORMED_HEADERS")),
]


@pytest.mark.parametrize(("sent", "refusal"), REFUSED)
def test_what_is_no_request_or_too_large_is_refused(sent: bytes, refusal: tuple[int, str]) -> None:
    assert fed(parser(), sent) == refusal
    assert fed(parser(), *(sent[at : at + 1_000] for at in range(0, len(sent), 1_000))) == refusal


def test_a_chunked_body_beyond_the_limit_is_refused_and_never_cut() -> None:
    reader = parser()
    head = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    assert fed(reader, head, *[b"7530\r\n" + b"x" * 30_000 + b"\r\n"] * 4) == (413, "REQUEST_ENTITY_TOO_LARGE")
    assert not reader.requests


@pytest.mark.parametrize("endless", [b"1;" + b"x" * 1_000, b"0\r\n" + b"T: 1\r\n" * 200])
def test_chunk_extensions_and_trailers_without_end_are_refused(endless: bytes) -> None:
    reader = parser()
    head = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    more = endless[2:] if endless.startswith(b"1;") else b"T: 1\r\n" * 200
    assert fed(reader, head, endless, *[more] * 80) == (400, "MALFORMED_REQUEST")


def test_a_body_in_chunks_of_one_byte_is_read() -> None:
    reader = parser()
    head = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    assert fed(reader, head, *[b"1\r\nx\r\n" * 500] * 100, b"0\r\n\r\n") is None
    assert reader.requests[0].body == b"x" * 50_000


def test_nobody_holds_more_than_a_part_of_the_large_bodies() -> None:
    places = LargeBodies(8)
    head = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % (SMALL_BODY_BYTES + 1)
    mine = [RequestParser(100_000, places, "me") for _ in range(3)]
    assert [fed(each, head) for each in mine] == [None, None, (503, "BUSY")]
    assert fed(RequestParser(100_000, places, "you"), head) is None
    mine[0].close()
    assert fed(RequestParser(100_000, places, "me"), head) is None
