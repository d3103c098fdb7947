"""Requests by which servers and proxies were seen to disagree, and the right answer to each (RFC 9110, RFC 9112).

`SMUGGLED` stands behind each of them: an order that a server must not enter which gave up on what came before it.
"""

from __future__ import annotations

from typing import NamedTuple

BODY = b'{"symbol":"BTC-USDT","side":"buy","order_type":"limit","quantity":"1","price":"1"}'
SMUGGLED = (
    b"POST /order HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    + b"Content-Length: %d\r\n\r\n" % len(BODY)
    + BODY
)
ORDINARY = b"GET /bbo/BTC-USDT HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


class Refused(NamedTuple):
    """A message after which the connection ends: one answer with one of these statuses, and nothing more is read."""

    name: str
    content: bytes
    statuses: tuple[int, ...] = (400,)


class Accepted(NamedTuple):
    """A message with one answer, of one of these statuses, after which the connection goes on."""

    name: str
    content: bytes
    statuses: tuple[int, ...] = (200,)


def get(*headers: bytes, target: bytes = b"/bbo/BTC-USDT", host: bytes | None = b"Host: 127.0.0.1") -> bytes:
    """A GET with these further header lines."""
    lines = [b"GET " + target + b" HTTP/1.1", *([] if host is None else [host]), *headers]
    return b"\r\n".join([*lines, b"", b""])


def post(*headers: bytes, body: bytes = b"") -> bytes:
    """A POST /order/test with these further header lines, and `body` as it is."""
    lines = [b"POST /order/test HTTP/1.1", b"Host: 127.0.0.1", b"Content-Type: application/json", *headers]
    return b"\r\n".join([*lines, b"", b""]) + body


def chunked(body: bytes, *headers: bytes) -> bytes:
    """A POST with `body` as it is, which should be chunks."""
    return post(b"Transfer-Encoding: chunked", *headers, body=body)


def one_chunk(body: bytes = BODY) -> bytes:
    """The chunks of `body`, all of them."""
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def _upgrade(protocol: bytes) -> tuple[bytes, bytes]:
    return b"Connection: Upgrade", b"Upgrade: " + protocol


def _sized(value: bytes) -> bytes:
    return post(b"Content-Length:" + value, body=BODY)


_LENGTH = b"%d" % len(BODY)

LENGTHS: list[Refused | Accepted] = [
    Refused("differing Content-Lengths", post(b"Content-Length: " + _LENGTH, b"Content-Length: 5", body=BODY)),
    Refused("differing Content-Lengths, the small one first", post(b"Content-Length: 0", b"Content-Length: 82")),
    Refused("equal Content-Lengths", post(b"Content-Length: " + _LENGTH, b"Content-Length: " + _LENGTH, body=BODY)),
    Refused("equal Content-Lengths in a list", _sized(b" " + _LENGTH + b"," + _LENGTH)),
    *(
        Refused(f"Content-Length {value!r}", _sized(value))
        for value in (
            b" +" + _LENGTH,
            b" -1",
            b" 0x52",
            b" 8 2",
            b" 8_2",
            b" 82.0",
            b" 82;",
            b' "82"',
            b"",
            b" ",
            b" \xb2",
            b" \x0b82",
            b" 82\x0b",
            b" 82\x00",
            b" 1e2",
        )
    ),
    Refused("Content-Length of 30 digits", _sized(b" " + b"9" * 30), (400, 413)),
    Refused("Content-Length beyond 64 bits by the length of the body", _sized(b" 18446744073709551698"), (400, 413)),
    Refused("Content-Length beyond the limit", _sized(b" 1048577"), (413,)),
    Refused("Content-Length, space before the colon", post(b"Content-Length : " + _LENGTH, body=BODY)),
    Refused("Content-Length, tab before the colon", post(b"Content-Length\t: " + _LENGTH, body=BODY)),
]
CODINGS: list[Refused | Accepted] = [
    Refused("length and chunks", post(b"Content-Length: " + _LENGTH, b"Transfer-Encoding: chunked", body=one_chunk())),
    Refused("chunks and length", post(b"Transfer-Encoding: chunked", b"Content-Length: 3", body=one_chunk())),
    *(
        Refused(f"Transfer-Encoding {value!r}", post(b"Transfer-Encoding:" + value, body=one_chunk()), (400, 501))
        for value in (
            b" xchunked",
            b" chunkedx",
            b" identity",
            b" gzip",
            b" gzip, chunked",
            b" chunked, gzip",
            b" chunked, identity",
            b" identity, chunked",
            b" chunked, chunked",
            b" chunked,",
            b" ,chunked",
            b" chunked;q=1",
            b' "chunked"',
            b" 'chunked'",
            b" chun ked",
            b" chunked\x0b",
            b" \x0bchunked",
            b" chunked\x00",
            b" \xa0chunked",
            b"",
            b" ",
            b" \r\n chunked",
        )
    ),
    Refused(
        "two Transfer-Encodings",
        post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=one_chunk()),
        (400, 501),
    ),
    Refused(
        "two Transfer-Encodings, the same",
        post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=one_chunk()),
        (400, 501),
    ),
    Refused(
        "an unknown and a known Transfer-Encoding",
        post(b"Transfer-Encoding: cow", b"Transfer-Encoding: chunked", body=one_chunk()),
        (400, 501),
    ),
    Refused("Transfer-Encoding, space before the colon", post(b"Transfer-Encoding : chunked", body=one_chunk())),
    Refused("Transfer-Encoding, tab before the colon", post(b"Transfer-Encoding\t: chunked", body=one_chunk())),
    Refused("Transfer-Encoding behind a space", post(b" Transfer-Encoding: chunked", body=one_chunk())),
    Refused("Transfer-Encoding behind a bare LF", post(b"X: y\nTransfer-Encoding: chunked", body=one_chunk())),
    Refused("Transfer-Encoding behind a bare CR", post(b"X: y\rTransfer-Encoding: chunked", body=one_chunk())),
    Refused(
        "chunks in HTTP/1.0",
        chunked(one_chunk()).replace(b"HTTP/1.1", b"HTTP/1.0"),
    ),
    Accepted("CHUNKED in capitals", post(b"Transfer-Encoding: CHUNKED", body=one_chunk())),
    Accepted("chunked among spaces", post(b"Transfer-Encoding: \t chunked", body=one_chunk())),
    Accepted("length among spaces", _sized(b" \t " + _LENGTH + b" \t ")),
    Accepted("length without a space", _sized(_LENGTH)),
    Accepted("length with zeros before it", _sized(b" 00" + _LENGTH)),
]
CHUNKS: list[Refused | Accepted] = [
    *(
        Refused(f"chunk size {size!r}", chunked(size + b"\r\n" + BODY + b"\r\n0\r\n\r\n"), (400, 413))
        for size in (
            b"-52",
            b"+52",
            b"0x52",
            b" 52",
            b"52 ",
            b"5_2",
            b"5 2",
            b"g",
            b"",
            b";a=b",
            b"52\x00",
            b"\xb2",
            b"10000000000000052",
            b"-0",
            b"52\rX",
        )
    ),
    Refused("a chunk of 16 exabytes", chunked(b"FFFFFFFFFFFFFFFF\r\n" + b" " * 0x100001), (400, 413)),
    Refused("more data than the chunk's size", chunked(b"3\r\nabcd\r\n0\r\n\r\n")),
    Refused("a longer body than the chunk's size", chunked(b"51\r\n" + BODY + b"\r\n0\r\n\r\n")),
    Refused("no CRLF behind the data", chunked(b"52\r\n" + BODY + b"0\r\n\r\n")),
    Refused("LF alone behind the size", chunked(b"52\n" + BODY + b"\r\n0\r\n\r\n")),
    Refused("LF alone behind the data", chunked(b"52\r\n" + BODY + b"\n0\r\n\r\n")),
    Refused("CR alone behind the size", chunked(b"52\r" + BODY + b"\r\n0\r\n\r\n")),
    Refused("LF alone in an extension", chunked(b"52;a\n" + BODY + b"\r\n0\r\n\r\n")),
    Refused("NUL in an extension", chunked(b"52;a\x00\r\n" + BODY + b"\r\n0\r\n\r\n")),
    Refused(
        "an extension of 100 KB",
        chunked(b"52;a=" + b"x" * 100_000 + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
        (400, 413, 431),
    ),
    Refused("a trailer that is none", chunked(one_chunk()[:-2] + b"no colon\r\n\r\n")),
    Refused("space before a trailer's colon", chunked(one_chunk()[:-2] + b"X : y\r\n\r\n")),
    Refused("trailers of 100 KB", chunked(one_chunk()[:-2] + b"X: y\r\n" * 17_000 + b"\r\n"), (400, 413, 431)),
    Refused("chunks beyond the limit", chunked(b"100001\r\n" + b" " * 0x100001 + b"\r\n0\r\n\r\n"), (413,)),
    Refused(
        "many chunks beyond the limit", chunked((b"8000\r\n" + b" " * 0x8000 + b"\r\n") * 33 + b"0\r\n\r\n"), (413,)
    ),
    Accepted("one chunk", chunked(one_chunk())),
    Accepted("two chunks", chunked(b"2\r\n" + BODY[:2] + b"\r\n50\r\n" + BODY[2:] + b"\r\n0\r\n\r\n")),
    Accepted("a size with zeros before it, a last one of several", chunked(b"0052\r\n" + BODY + b"\r\n000\r\n\r\n")),
    Accepted("an extension", chunked(b'52;a=b;c="d"\r\n' + BODY + b"\r\n0;e=f\r\n\r\n")),
    Accepted("a trailer", chunked(one_chunk()[:-2] + b"X-Sum: 1\r\n\r\n")),
]
FIELDS: list[Refused | Accepted] = [
    *(
        Refused(f"header line {line!r}", get(line))
        for line in (
            b"no colon",
            b": no name",
            b" X: y",
            b"\tX: y",
            b"X y: z",
            b"X : y",
            b"X\x00: y",
            b"X: y\x00z",
            b"X: y\rz",
            b"X: y\x01",
            b"X: y\x7f",
            b"X: y\r\n folded",
            b"X(y): z",
            b"X\xc3\xa9: y",
            b'"X": y',
            b"X: y\nZ: a",
            b"\r: x",
        )
    ),
    Refused("LF alone everywhere", get(b"X: y").replace(b"\r\n", b"\n")),
    Refused("LF alone at the end of the head", get(b"X: y")[:-2] + b"\n"),
    Refused("CR alone everywhere", get(b"X: y").replace(b"\r\n", b"\r"), (400, 408)),
    Refused("no Host", get(host=None)),
    Refused("two Hosts", get(b"Host: 127.0.0.1")),
    Refused("two Hosts, one foreign", get(b"Host: evil.example")),
    Accepted("Host with a path", get(host=b"Host: 127.0.0.1/x"), (400, 421)),
    Accepted("Host with a user", get(host=b"Host: evil@127.0.0.1"), (400, 421)),
    Accepted("Host with a comma", get(host=b"Host: 127.0.0.1, evil.example"), (400, 421)),
    Refused("Host with a space before the colon", get(host=b"Host : 127.0.0.1")),
    Refused("101 headers", get(*(b"X-%d: y" % number for number in range(101))), (431,)),
    Refused("a head of 40 KB", get(b"X: " + b"y" * 40_000), (431,)),
    Refused("a header's name of 40 KB", get(b"X" * 40_000 + b": y"), (431,)),
    Refused("an Expect that nobody knows", post(b"Expect: 200-ok", b"Content-Length: 2", body=b"{}"), (417,)),
    *(
        Refused(f"a body behind an Upgrade to {protocol.decode()}", content)
        for protocol in (b"h2c", b"websocket", b"x")
        for content in (
            post(*_upgrade(protocol), b"Content-Length: %d" % len(SMUGGLED), body=SMUGGLED),
            chunked(one_chunk(), *_upgrade(protocol)),
            get(*_upgrade(protocol), b"Content-Length: %d" % len(SMUGGLED)) + SMUGGLED,
        )
    ),
    Accepted(
        "Upgrade to h2c", get(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk")
    ),
    Accepted("bytes beyond ASCII in a value", get(b"X-Name: caf\xc3\xa9")),
    Accepted("a header without a value", get(b"X-Empty:")),
    Refused("a length with an underscore", get(b"Content_Length: 500")),
    Accepted("a body of a GET that nobody reads", get(b"Content-Length: 5") + b"GET /", (200, 400)),
]
LINES: list[Refused | Accepted] = [
    *(
        Refused(f"request line {line!r}", line + b"\r\nHost: 127.0.0.1\r\n\r\n", statuses)
        for line, statuses in (
            (b"GET /bbo/BTC-USDT", (400, 505)),
            (b"GET /bbo/BTC-USDT HTTP/0.9", (400, 505)),
            (b"GET /bbo/BTC-USDT HTTP/1.2", (400, 505)),
            (b"GET /bbo/BTC-USDT HTTP/2.0", (400, 505)),
            (b"GET /bbo/BTC-USDT HTTP/3.0", (400, 505)),
            (b"GET /bbo/BTC-USDT HTTP/11.1", (400, 505)),
            (b"GET /bbo/BTC-USDT HTTP/1.10", (400, 505)),
            (b"GET /bbo/BTC-USDT HTTP/1", (400, 505)),
            (b"GET /bbo/BTC-USDT HTTP/1.1 ", (400,)),
            (b"GET /bbo/BTC-USDT http/1.1", (400,)),
            (b"GET /bbo/BTC-USDT HTTP /1.1", (400,)),
            (b"GET /bbo/BTC-USDT ICE/1.0", (400,)),
            (b"GET\t/bbo/BTC-USDT\tHTTP/1.1", (400,)),
            (b" GET /bbo/BTC-USDT HTTP/1.1", (400,)),
            (b"GET /bbo/BTC USDT HTTP/1.1", (400,)),
            (b"GET /bbo/BTC-USDT\x00 HTTP/1.1", (400,)),
            (b"GET /bbo/BTC-USDT\x0b HTTP/1.1", (400,)),
            (b"GET /bbo/BTC-USDT\x7f HTTP/1.1", (400,)),
            (b"GET /bbo/BTC-USDT#x HTTP/1.1", (400,)),
            (b"GET /bbo/\xc3\xa9 HTTP/1.1", (400,)),
            (b"GET bbo/BTC-USDT HTTP/1.1", (400,)),
            (b"GET 127.0.0.1:80 HTTP/1.1", (400,)),
            (b"GET ftp://127.0.0.1/ HTTP/1.1", (400,)),
            (b"GET http:///bbo/BTC-USDT HTTP/1.1", (400, 421)),
            (b"GET http://evil@127.0.0.1/bbo/BTC-USDT HTTP/1.1", (400, 421)),
            (b"GET", (400,)),
            (b"CONNECT 127.0.0.1:80 HTTP/1.1", (400, 405, 501)),
            (b"get /bbo/BTC-USDT HTTP/1.1", (400, 405, 501)),
            (b"G\xc3\x89T /bbo/BTC-USDT HTTP/1.1", (400, 405, 501)),
            (b"G(T /bbo/BTC-USDT HTTP/1.1", (400, 405, 501)),
            (b"GETGETGET /bbo/BTC-USDT HTTP/1.1", (400, 405, 501)),
        )
    ),
    Refused("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)),
    Refused("a TLS hello", bytes.fromhex("16030100f4010000f00303") + b"\x00" * 200, (400,)),
    Refused("a target of 40 KB", get(target=b"/" + b"a" * 40_000), (414,)),
    Accepted("absolute form", get(target=b"http://127.0.0.1/bbo/BTC-USDT")),
    Accepted(
        "absolute form counts before a foreign Host",
        get(target=b"http://127.0.0.1/bbo/BTC-USDT", host=b"Host: evil.example"),
    ),
    Accepted("absolute form of a foreign name", get(target=b"http://evil.example/bbo/BTC-USDT"), (421,)),
    Accepted("absolute form with a port", get(target=b"http://127.0.0.1:5000/bbo/BTC-USDT")),
    Accepted("absolute form, capitals", get(target=b"HTTP://LOCALHOST/bbo/BTC-USDT")),
    Accepted("several spaces in the request line", get().replace(b" ", b"  ", 2), (200, 400)),
    Accepted("asterisk form of GET", get(target=b"*"), (400, 404)),
    Accepted("asterisk form of OPTIONS", get(target=b"*").replace(b"GET", b"OPTIONS"), (200, 204, 404)),
    Accepted("an empty line before the request", b"\r\n" + get()),
    Accepted("TRACE", get(b"X-Secret: 1").replace(b"GET", b"TRACE"), (405, 501)),
    Accepted("a method of others", get().replace(b"GET", b"PROPFIND"), (405, 501)),
]
MESSAGES: list[Refused | Accepted] = [*LENGTHS, *CODINGS, *CHUNKS, *FIELDS, *LINES]
