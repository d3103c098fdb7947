"""HAProxy and nginx with the files in deploy/ before a real server: what clients get, and whom the server sees."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from tests.api.clients import FeedClient, bearer, funded
from tests.attacks.probe import Probe
from tests.attacks.raw import RawAnswer, connect, request
from tests.deploy.proxies import KINDS, proxy
from tests.ports import free_port
from tests.server import RunningServer, eventually, self_signed

RATE = 60  # requests a minute of one address
PROXY = "127.0.0.1"  # where both come from
ORDER = msgspec.json.encode(
    {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.1", "price": "10"}
)


class Proxied(NamedTuple):
    """A server and a proxy before it."""

    server: RunningServer
    url: str
    kind: str


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for loopback and its key."""
    return self_signed(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that trusts a proxy on this machine."""
    options = ("--profile", "secured", "--rate-limit", f"{RATE}/minute", "--login-rate", "off")
    with RunningServer(tmp_path_factory.mktemp("proxied") / "data", *options, "--trusted-proxies", PROXY) as running:
        yield running


@pytest.fixture(scope="module", params=KINDS)
def proxied(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    server: RunningServer,
    certificate: tuple[Path, Path],
) -> Iterator[Proxied]:
    """Each of the proxies."""
    with proxy(request.param, server.port, tmp_path_factory.mktemp(request.param), certificate) as url:
        yield Proxied(server, url, request.param)


def asked(url: str, *contents: bytes, source: str) -> list[RawAnswer]:
    """The answers to requests, one after the other on one connection."""
    found = []
    with connect(url, source=source) as connection:
        for content in contents:
            connection.send(content)
            found.append(connection.answer())
    return found


def test_the_page_and_orders_come_over_one_connection_each_that_is_kept(proxied: Proxied) -> None:
    who = bearer(funded(proxied.server.http))
    own_page = {"Origin": proxied.url}  # the server knows by which scheme and name it was called
    headers = {"Content-Type": "application/json", "Host": proxied.url.removeprefix("https://")} | who | own_page
    order = request("POST", "/order", ORDER, headers=headers).replace(b"Host: 127.0.0.1\r\n", b"", 1)
    with Probe(proxied.server) as probe:
        page, *orders = asked(proxied.url, request("GET", "/"), *[order] * 20, source="127.0.0.5")
        assert probe.more_descriptors <= 1  # the proxy keeps its connection to the server, too
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "strict-transport-security" in page.headers
    assert [answer.status for answer in orders] == [200] * 20
    assert len({msgspec.json.decode(answer.body)["order_id"] for answer in orders}) == 20


def test_the_feed_comes_over_a_websocket_and_by_polling(proxied: Proxied) -> None:
    for transport in ("websocket", "polling"):
        client = FeedClient(proxied.url, transport=transport, ssl_verify=False)
        assert client.events("connected"), transport
        client.close()


def test_each_client_is_counted_by_its_own_address_whatever_it_says_of_itself(proxied: Proxied) -> None:
    first, second = {"haproxy": ("127.0.0.11", "127.0.0.12"), "nginx": ("127.0.0.13", "127.0.0.14")}[proxied.kind]
    forged = [request("GET", "/symbols", headers={"X-Forwarded-For": f"10.0.0.{n}"}) for n in range(RATE + 1)]
    assert [answer.status for answer in asked(proxied.url, *forged, source=first)][-2:] == [200, 429]
    assert asked(proxied.url, request("GET", "/symbols"), source=second)[0].status == 200


def test_who_comes_past_the_proxy_is_not_believed(server: RunningServer) -> None:
    forged = [request("GET", "/symbols", headers={"X-Forwarded-For": f"10.0.0.{n}"}) for n in range(RATE + 1)]
    assert [answer.status for answer in asked(server.url, *forged, source="127.0.0.21")][-2:] == [200, 429]


def test_checks_by_bare_tcp_leave_no_line_and_no_descriptor(
    server: RunningServer, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    with (
        Probe(server) as probe,
        proxy("haproxy", server.port, tmp_path, certificate, bare_checks=True) as url,
    ):
        time.sleep(1)  # ten checks
        assert asked(url, request("GET", "/symbols"), source="127.0.0.31")[0].status == 200
        eventually(lambda: probe.more_descriptors <= 1)
        assert probe.log == ""


def test_a_server_that_is_not_there_is_a_503_and_found_when_it_comes(
    certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    port = free_port()
    with proxy("haproxy", port, tmp_path, certificate) as url:

        def status() -> int:
            return asked(url, request("GET", "/health"), source=PROXY)[0].status

        assert status() == 503
        own = RunningServer(tmp_path / "data", "--profile", "secured", "--trusted-proxies", PROXY)
        try:
            own.start(port)
            eventually(lambda: status() == 200)
        finally:
            own.stop()
