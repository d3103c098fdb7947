"""Bytes -> requests: llhttp decides what a request is, strictly (RFC 9112), and this module how large it may be.

Layer: api.http.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Final

import httptools

from api.http.front.bounds import (
    CODING_BYTES_FREE,
    CODING_BYTES_PER_BYTE,
    HEAD_BYTES_MAX,
    HEADERS_MAX,
    SMALL_BODY_BYTES,
    TARGET_BYTES_MAX,
)
from api.http.front.large_bodies import LargeBodies
from api.json.errors import ApiError, Malformed

CONTINUE: Final = b"100-continue"
_MALFORMED: Final = "MALFORMED_REQUEST"
_NAMES_KEPT: Final = 1_000  # of headers, of 64 bytes at most
_NAME_KEPT_MAX: Final = 64
# what a header is to the parser, by its name
_PLAIN, _HOST, _LENGTH, _CODING, _EXPECT, _UNDERSCORE = "plain", "host", "length", "coding", "expect", "underscore"
_NAMED: Final = {b"host": _HOST, b"content-length": _LENGTH, b"transfer-encoding": _CODING, b"expect": _EXPECT}
_KINDS: Final[dict[bytes, str]] = {}  # of names as they are written


class Request:
    """One request as it came. `large`: whose share of the large bodies it holds."""

    __slots__ = (
        "body",
        "headers",
        "keep_alive",
        "large",
        "method",
        "pieces",
        "received",
        "size",
        "target",
        "upgrade",
        "version",
    )

    def __init__(self) -> None:
        self.received = time.perf_counter()  # its first byte
        self.method = ""
        self.target = b""
        self.version = ""
        self.headers: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []
        self.size = 0
        self.body = b""
        self.keep_alive = False
        self.upgrade = False  # to a WebSocket
        self.large: str | None = None

    def header(self, name: bytes) -> bytes | None:
        """The value of the first header of that lower-case name."""
        return next((value for given, value in self.headers if given.lower() == name), None)


class RequestParser:
    """What one connection sends. Requests that are whole wait in `requests`.

    A refusal ends it: nobody knows where a next request would begin.
    """

    __slots__ = (
        "_address",
        "_body_max",
        "_coding",
        "_current",
        "_head",
        "_headers",
        "_http",
        "_large_bodies",
        "_refusal",
        "_small",
        "asks_to_continue",
        "in_body",
        "known_length",
        "requests",
        "rest",
    )

    def __init__(self, body_max: int, large_bodies: LargeBodies, address: str) -> None:
        """`address`: under which name its large bodies are counted."""
        self._body_max = body_max
        self._small = min(body_max, SMALL_BODY_BYTES)  # a body of so many bytes needs no room of its own
        self._large_bodies = large_bodies
        self._address = address
        self.requests: deque[Request] = deque()
        self.rest: bytes | None = None  # what came behind a request for another protocol
        self.asks_to_continue = False  # before it sends the body
        self.in_body = False
        self.known_length = False
        self._refusal: ApiError | None = None
        self._current: Request | None = None
        self._headers: list[tuple[bytes, bytes]] = []  # of the head that comes
        self._head = self._coding = 0  # bytes of the unfinished head, and of a body that are not data
        self._http = httptools.HttpRequestParser(self)

    @property
    def begun(self) -> bool:
        """Whether a part of a request is here."""
        return self._current is not None or self._head > 0

    @property
    def current(self) -> Request | None:
        """The request of which a part is here, or which was refused."""
        return self._current

    def feed(self, data: memoryview) -> None:
        """Take what came. Raises ApiError for what is no request, or too large a one; then it is of no use any more."""
        while True:
            self._head += len(data)
            self._coding += len(data)
            try:
                self._http.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                behind = data[_end_of(upgrade) :]
                if self.requests[-1].upgrade:
                    self.rest = bytes(behind)
                    return
                self._http = httptools.HttpRequestParser(self)  # a protocol that we do not speak: HTTP goes on
                if not behind:
                    return
                self._head = self._coding = 0
                data = behind
                continue
            except httptools.HttpParserError as problem:
                raise self._refusal or _unreadable(problem) from None
            break
        if not self.in_body:
            if self._head > HEAD_BYTES_MAX:
                raise _too_large_a_head()
        elif self._current is not None and (
            self._coding > CODING_BYTES_FREE + CODING_BYTES_PER_BYTE * self._current.size
        ):
            raise Malformed(_MALFORMED, "The body is more chunk headers than data.")

    def close(self) -> None:
        """Free what it holds at once; nothing may be fed to it any more."""
        for request in (*self.requests, *(() if self._current is None else (self._current,))):
            self.release(request)
        self.requests.clear()
        self._current = self._refusal = None
        del self._http  # which refers to us in turn

    def release(self, request: Request) -> None:
        """Give back the share of the large bodies that a request held."""
        if request.large is not None:
            self._large_bodies.give_back(request.large)
            request.large = None

    # -- events of llhttp

    def on_message_begin(self) -> None:
        """A request line begins."""
        self._current = Request()
        self._headers = []

    def on_url(self, piece: bytes) -> None:
        """A part of the target."""
        request = self._current or self._request()
        request.target += piece
        if len(request.target) > TARGET_BYTES_MAX:
            self._refuse(ApiError(414, "TARGET_TOO_LONG", f"Path and query have at most {TARGET_BYTES_MAX} bytes."))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, of which we have no use."""
        if self.in_body:
            return
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole: judge what can be judged before the body comes."""
        request = self._current or self._request()
        request.method = self._http.get_method().decode("ascii")
        request.version = self._http.get_http_version()
        if self._head > HEAD_BYTES_MAX and not self.requests:
            self._refuse(_too_large_a_head())
        self._head = self._coding = 0
        self.in_body, self.known_length = True, False
        if request.version not in ("1.0", "1.1"):
            self._refuse(_another_version())
        headers = request.headers = self._headers
        self._headers = []
        if len(headers) > HEADERS_MAX:
            self._refuse(ApiError(431, "TOO_MANY_HEADERS", f"At most {HEADERS_MAX} headers are read."))
        hosts = 0
        for name, value in headers:
            kind = _KINDS.get(name) or _kind_of(name)
            if kind != _PLAIN:
                if kind == _HOST:
                    hosts += 1
                else:
                    self._judge(kind, value, request)
        if b"#" in request.target:
            self._refuse(Malformed(_MALFORMED, "A fragment (#) is the client's own: leave it out."))
        if hosts != 1 and (hosts or request.version != "1.0"):
            self._refuse(_headers("Give the header Host, once."))
        if self._http.should_upgrade() and any(_announces_body(name.lower(), value) for name, value in request.headers):
            # llhttp would take the body for what is said in the other protocol, and we for the next request
            self._refuse(Malformed(_MALFORMED, "A request that asks for another protocol has no body."))
        if request.method == "CONNECT":
            self._refuse(Malformed(_MALFORMED, "This is no proxy."))

    def _judge(self, kind: str, value: bytes, request: Request) -> None:
        """Refuse a header that says what comes and how, or take note of it."""
        if kind == _LENGTH:
            self.known_length = True
            if (size := int(value)) > self._small:
                self._make_room(size)
        elif kind == _CODING:
            if value.strip().lower() != b"chunked" or request.version != "1.1":
                self._refuse(_coding())
        elif kind == _EXPECT:
            if value.strip().lower() != CONTINUE:
                self._refuse(ApiError(417, "EXPECTATION_FAILED", "Only Expect: 100-continue is understood."))
            self.asks_to_continue = request.version == "1.1"
        else:
            self._refuse(_headers("No name of a header has an underscore: it would pass for another one's."))

    def on_body(self, piece: bytes) -> None:
        """A part of the body."""
        request = self._current or self._request()
        request.size += len(piece)
        if request.size > self._small:
            self._make_room(request.size)
        request.pieces.append(piece)

    def on_message_complete(self) -> None:
        """A request is whole."""
        request = self._current or self._request()
        pieces = request.pieces
        request.body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        request.pieces = []
        request.keep_alive = self._http.should_keep_alive()
        if self._http.should_upgrade():
            protocols = (request.header(b"upgrade") or b"").lower().split(b",")
            request.upgrade = request.method == "GET" and b"websocket" in (each.strip() for each in protocols)
        self._current = None
        self.in_body = self.asks_to_continue = False
        self._head = self._coding = 0
        self.requests.append(request)

    # --

    def _request(self) -> Request:
        if self._current is None:
            raise RuntimeError("an event of no request")
        return self._current

    def _make_room(self, size: int) -> None:
        """Have room for a body of `size` bytes, or refuse it."""
        request = self._request()
        if size > self._body_max:
            self._refuse(_too_large_a_body(self._body_max))
        if size > SMALL_BODY_BYTES and request.large is None:
            if not self._large_bodies.take(self._address):
                self._refuse(ApiError(503, "BUSY", "Too many large bodies are on their way; try again.", None, 1))
            request.large = self._address

    def _refuse(self, refusal: ApiError) -> None:
        self._refusal = refusal
        raise refusal


def _kind_of(name: bytes) -> str:
    """What a header of this name is to the parser."""
    kind = _NAMED.get(name.lower()) or (_UNDERSCORE if b"_" in name else _PLAIN)
    if len(_KINDS) < _NAMES_KEPT and len(name) <= _NAME_KEPT_MAX:
        _KINDS[name] = kind
    return kind


def _end_of(request: httptools.HttpParserUpgrade) -> int:
    """How many bytes of what was fed last belong to a request for another protocol."""
    return int(request.args[0])


# What llhttp says of bytes that are no request -> where the fault is, and what to do. The first that fits counts.
_FAULTS: Final = (
    ("Content-Length", "Content-Length", "Content-Length must be one whole number, and not beside Transfer-Encoding."),
    ("Transfer-Encoding", "Transfer-Encoding", "Transfer-Encoding must be chunked, or left out."),
    ("whitespace after header", "headers", "A header must be a line of its own; one that is folded is not read."),
    ("header", "headers", "Each header must be a line of its own, written as Name: value."),
    ("LF after CR", "headers", "Each line of the head ends with a carriage return and a line feed."),
    ("chunk", "body", "The body is not in the chunks that Transfer-Encoding announces."),
    ("url", "target", "The target has characters that must be written as %XX."),
    ("method", "method", "This is no HTTP request: it begins with no method that is known here."),
)


def _unreadable(problem: httptools.HttpParserError) -> ApiError:
    """The refusal of bytes that are no request."""
    said = str(problem)
    if said.startswith("Invalid") and said.endswith("version"):
        return _another_version()
    for word, field, sentence in _FAULTS:
        if word in said:
            code = "MALFORMED_HEADERS" if field in ("Content-Length", "Transfer-Encoding", "headers") else _MALFORMED
            return Malformed(code, sentence, field=field)
    return Malformed(_MALFORMED, "This is no request of HTTP/1.1: a method, a target and the version in one line.")


def _announces_body(name: bytes, value: bytes) -> bool:
    """Whether a header says that a body comes."""
    return name == b"transfer-encoding" or (name == b"content-length" and int(value) > 0)


def _another_version() -> ApiError:
    return ApiError(505, "HTTP_VERSION_NOT_SUPPORTED", "This server speaks HTTP/1.1, and HTTP/1.0 to older clients.")


def _headers(sentence: str) -> ApiError:
    return Malformed("MALFORMED_HEADERS", sentence, field="headers")


def _coding() -> ApiError:
    sentence = "Transfer-Encoding must be chunked, or left out; HTTP/1.0 has none."
    return Malformed("MALFORMED_HEADERS", sentence, field="Transfer-Encoding")


def _too_large_a_head() -> ApiError:
    return ApiError(431, "HEAD_TOO_LARGE", f"Request line and headers have at most {HEAD_BYTES_MAX} bytes.")


def _too_large_a_body(body_max: int) -> ApiError:
    return ApiError(413, "REQUEST_ENTITY_TOO_LARGE", f"A body has at most {body_max} bytes; see --max-body-bytes.")
