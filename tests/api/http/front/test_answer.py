"""The head of an answer is the same however its headers are given, and no header is more than one line."""

from __future__ import annotations

import re

import pytest

from api.http.front.answer import head_of

OWN = (("Content-Type", "application/json"), ("Content-Length", "2"))
FURTHER = (("X-RateLimit-Remaining", "7"), ("X-Request-Id", "a"))
DATED = (("Date", "Thu, 01 Jan 1970 00:00:00 GMT"), *OWN)
_DATE = re.compile(rb"Date: \w{3}, [^\r]+ GMT\r\n")


@pytest.mark.parametrize("own", [OWN, DATED, OWN + DATED[:1]])
@pytest.mark.parametrize("further", [(), FURTHER])
@pytest.mark.parametrize(("close", "old"), [(False, False), (True, False), (False, True), (True, True)])
def test_a_head_is_the_same_however_its_headers_are_given(
    own: tuple[tuple[str, str], ...], further: tuple[tuple[str, str], ...], close: bool, old: bool
) -> None:
    written = "".join(f"{name}: {value}\r\n" for name, value in (*own, *further)).encode()
    end = b"Connection: close\r\n" if close else b"Connection: keep-alive\r\n" if old else b""
    heads = [
        head_of("200 OK", own, close=close, old=old, further=further),
        head_of("200 OK", own, close=close, old=old, further=further),
        head_of("200 OK", list(own), close=close, old=old, further=list(further)),
        head_of("200 OK", [*own, *further], close=close, old=old),
    ]
    for head in heads:
        assert len(_DATE.findall(head)) == 1
        if own is OWN:
            assert _DATE.sub(b"", head) == b"HTTP/1.1 200 OK\r\n" + written + end + b"\r\n"
        else:
            assert head == b"HTTP/1.1 200 OK\r\n" + written + end + b"\r\n"


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\rb"])
def test_a_header_with_a_line_break_is_no_header(value: str) -> None:
    broken = (("X-A", value),)
    for own, further in ((broken, ()), (list(broken), ()), (OWN, broken), (DATED, broken)):
        with pytest.raises(ValueError, match="line break"):
            head_of("200 OK", own, close=False, old=False, further=further)
