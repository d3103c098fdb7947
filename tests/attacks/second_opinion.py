"""What h11, another strict parser, makes of the same bytes, and where ours takes what it refuses."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

import h11

from api.http.front.large_bodies import LargeBodies
from api.http.front.parser import RequestParser
from api.json.errors import ApiError

BODY_MAX: Final = 1_048_576
HEAD_MAX: Final = 65_536


class Read(NamedTuple):
    """One request as a parser read it."""

    method: bytes
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]  # names in lower case, in their order
    body: bytes


def _read(method: bytes, target: bytes, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> Read:
    """Without the differences that mean nothing: the case of names and of codings, and spaces around values."""
    alike = ((name.lower(), value.strip(b" \t")) for name, value in headers)
    alike = ((name, value.lower() if name == b"transfer-encoding" else value) for name, value in alike)
    return Read(bytes(method), bytes(target), tuple(alike), body)


class Opinion(NamedTuple):
    """The requests that were read, and whether what came behind them was refused."""

    requests: tuple[Read, ...]
    refused: str  # why; empty where more may come


def ours(pieces: list[bytes]) -> Opinion:
    """What the front makes of it, up to a request after which the connection is no longer one for requests."""
    parser = RequestParser(BODY_MAX, LargeBodies(16), "fuzz")
    refused = ""
    try:
        for piece in pieces:
            parser.feed(memoryview(piece))
            if parser.rest is not None:
                break
    except ApiError as refusal:
        refused = f"{refusal.status} {refusal.sentence}"
    found: list[Read] = []
    for request in parser.requests:
        headers = tuple((name.lower(), value.strip(b" \t")) for name, value in request.headers)
        found.append(_read(request.method.encode(), bytes(request.target), headers, request.body))
        if not request.keep_alive or request.upgrade or request.version == "1.0":
            refused = ""
            break
    parser.close()
    return Opinion(tuple(found), refused)


def h11s(content: bytes) -> Opinion:
    """What h11 makes of it, up to the same kind of request."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_MAX)
    connection.receive_data(content.lstrip(b"\r\n"))  # empty lines before a request are nothing (RFC 9112, 2.2)
    found: list[Read] = []
    try:
        while True:
            request = connection.next_event()
            if not isinstance(request, h11.Request):
                return Opinion(tuple(found), "")
            body = b""
            while not isinstance(event := connection.next_event(), h11.EndOfMessage):
                if not isinstance(event, h11.Data):
                    return Opinion(tuple(found), "")
                body += bytes(event.data)
            headers = [(bytes(name), bytes(value)) for name, value in request.headers]
            found.append(_read(request.method, request.target, headers, body))
            if request.http_version != b"1.1" or not _goes_on(connection):
                return Opinion(tuple(found), "")
    except h11.RemoteProtocolError as problem:
        return Opinion(tuple(found), str(problem))


def _goes_on(connection: h11.Connection) -> bool:
    """Answer, and say whether another request may follow on the connection."""
    if connection.their_state is h11.MIGHT_SWITCH_PROTOCOL:  # type: ignore[attr-defined]
        return False
    connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
    connection.send(h11.EndOfMessage())
    if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
        return False
    connection.start_next_cycle()
    return True


# What llhttp takes and h11 does not, with why no harm is in it. Each is searched for in the head of the request.
HARMLESS: Final = {
    "several spaces": re.compile(rb"(^|[\r\n])[A-Z]+ +\S+ +HTTP/1\.[01]\r\n"),  # there is no other reading of the line
    "RTSP": re.compile(rb"(^|[\r\n])[A-Z]+ +\S+ +(RTSP|ICE)/1\.[01]\r\n"),  # read as HTTP of that version
    "empty lines": re.compile(rb"\r\n\r\n[\r\n]+[A-Z]"),  # between two requests, which RFC 9112 2.2 has ignored
}


def difference(content: bytes, pieces: list[bytes]) -> str:
    """What ours takes that h11 refuses or reads in another way, where no harmless reason is known; else nothing."""
    mine, other = ours(pieces), h11s(content)
    for number, request in enumerate(mine.requests):
        if number >= len(other.requests):
            if any(pattern.search(content) for pattern in HARMLESS.values()):
                return ""
            return f"taken: {request}; h11: {other.refused or 'waits for more'}"
        if request != other.requests[number]:
            return f"read as {request}; h11: {other.requests[number]}"
    return ""
