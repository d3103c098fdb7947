"""What the application is found of a request, and whose word is believed about who sent it."""

from __future__ import annotations

from typing import Any

import pytest

from api.http.addresses import neighbourhood
from api.http.front.environ import NAME_KEPT_MAX, TARGET, Environs, Peer
from api.http.front.forwarded import Forwarded
from api.http.front.large_bodies import LargeBodies
from api.http.front.parser import RequestParser
from api.json.errors import ApiError


def environ_of(raw: bytes, *, address: str = "10.0.0.1", trusted: tuple[str, ...] = ()) -> dict[str, Any]:
    """The environ of the one request in `raw`."""
    parser = RequestParser(10_000, LargeBodies(4), address)
    parser.feed(memoryview(raw))
    peer = Peer(address, 1234, "http", ("127.0.0.1", 5000))
    return Environs(Forwarded(trusted)).of(parser.requests[0], peer)


def request(target: bytes = b"/", *headers: bytes) -> bytes:
    """A request in bytes."""
    return b"\r\n".join([b"POST " + target + b" HTTP/1.1", b"Host: venue", *headers, b"", b""])


@pytest.mark.parametrize(
    ("target", "path", "query", "signed", "host"),
    [
        (b"/a/b?c=d", "/a/b", "c=d", "/a/b?c=d", "venue"),
        (b"/a%2Fb%20c?", "/a/b c", "", "/a%2Fb%20c?", "venue"),
        (b"//a", "//a", "", "//a", "venue"),
        (b"/%C3%A4", "/\xc3\xa4", "", "/%C3%A4", "venue"),
        (b"http://other:1/a?b", "/a", "b", "/a?b", "other:1"),
        (b"HTTP://other", "/", "", "/", "other"),
        (b"http://other?b", "/", "b", "/?b", "other"),
        (b"*", "*", "", "*", "venue"),
    ],
)
def test_a_target_is_read_in_each_of_its_forms(target: bytes, path: str, query: str, signed: str, host: str) -> None:
    environ = environ_of(request(target))
    found = environ["PATH_INFO"], environ["QUERY_STRING"], environ[TARGET], environ["HTTP_HOST"]
    assert found == (path, query, signed, host)


@pytest.mark.parametrize("target", [b"ftp://a/b", b"http://", b"http://u@a/"])
def test_a_target_that_is_neither_path_nor_url_of_ours_is_refused(target: bytes) -> None:
    with pytest.raises(ApiError) as refusal:
        environ_of(request(target))
    assert refusal.value.status == 400


def test_a_chunked_body_comes_whole_and_with_its_length() -> None:
    environ = environ_of(request(b"/", b"Transfer-Encoding: chunked") + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert (environ["CONTENT_LENGTH"], environ["wsgi.input"].read()) == ("5", b"abcde")
    assert "HTTP_TRANSFER_ENCODING" not in environ


def test_headers_that_are_given_twice_are_joined_but_credentials_refused() -> None:
    assert environ_of(request(b"/", b"Cookie: a=1", b"Cookie: b=2"))["HTTP_COOKIE"] == "a=1; b=2"
    assert environ_of(request(b"/", b"X-A: 1", b"x-a: 2"))["HTTP_X_A"] == "1,2"
    with pytest.raises(ApiError):
        environ_of(request(b"/", b"Authorization: a", b"authorization: b"))


@pytest.mark.parametrize(
    ("trusted", "said", "client"),
    [
        ((), b"1.2.3.4", "10.0.0.1"),
        (("10.0.0.2",), b"1.2.3.4", "10.0.0.1"),
        (("10.0.0.0/8",), b"1.2.3.4", "1.2.3.4"),
        (("10.0.0.0/8",), b"6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (("10.0.0.0/8",), b"1.2.3.4, 10.0.0.9", "1.2.3.4"),
        (("10.0.0.0/8",), b"nonsense", "10.0.0.1"),
        (("10.0.0.0/8",), b"1.2.3.4, nonsense", "10.0.0.1"),
        (("10.0.0.0/8",), b"2001:db8::1", "2001:db8::1"),
        (("10.0.0.0/8",), b"::ffff:1.2.3.4", "1.2.3.4"),
    ],
)
def test_only_a_trusted_proxy_says_who_the_client_is(trusted: tuple[str, ...], said: bytes, client: str) -> None:
    environ = environ_of(request(b"/", b"X-Forwarded-For: " + said, b"X-Forwarded-Proto: https"), trusted=trusted)
    assert environ["REMOTE_ADDR"] == client
    assert environ["wsgi.url_scheme"] == ("https" if "10.0.0.0/8" in trusted else "http")


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("nobody", "nobody"),
    ],
)
def test_addresses_of_one_ipv6_network_are_counted_as_one(address: str, counted: str) -> None:
    assert neighbourhood(address) == counted


def test_long_names_of_headers_are_not_kept() -> None:
    environs = Environs(Forwarded(()))
    for number in range(20):
        parser = RequestParser(10_000, LargeBodies(4), "10.0.0.1")
        parser.feed(memoryview(request(b"/", b"%d%b: 1" % (number, b"A" * 10_000))))
        peer = Peer("10.0.0.1", 1234, "http", ("127.0.0.1", 5000))
        environs.of(parser.requests[0], peer)
    assert max(map(len, environs._keys)) <= NAME_KEPT_MAX
