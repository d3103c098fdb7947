"""The lane and Flask answer alike: thousands of generated requests, odd ones included, sent both ways.

Two servers on empty data folders are sent the same bytes in the same order. One of them runs with `--debug`, where each
request goes through Flask, since it is logged. What differs by nature (moments, request ids, processing times) is
blanked; all else, heads included, must be the same bytes.
"""

from __future__ import annotations

import random
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.auth.authenticator import Authenticator
from api.auth.principals import Principal
from api.faults.injector import FaultInjector
from api.http.guard import Guard
from api.http.wsgi import Environ
from api.orders.entry import OrderEntry
from api.orders.lane import Lane
from api.settings import Settings
from engine.exchange import Exchange
from tests.api.clients import bearer, funded, new_key, now_ms, signature
from tests.api.orders.ways import PATIENCE_S, Headers, Pair, Way, request_of, secured_pair
from tests.server import RunningServer

SYMBOL = "BTC-USDT"

Credentials = Callable[[int, str, str, bytes], Headers]  # which server, method, target, body -> headers


class Generator:
    """Requests of order entry: mostly good ones, and every kind of odd one."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._number = 0

    def request(self) -> tuple[str, str, bytes, Headers]:
        """Method, target, body and headers."""
        pick = self._random
        self._number += 1
        kind = pick.choices(("order", "cancel", "delete", "amend", "batch", "odd"), (40, 12, 12, 12, 12, 12))[0]
        headers: Headers = {}
        if pick.random() < 0.15:
            headers |= pick.choice(
                (
                    {"Origin": "http://evil.example"},
                    {"Origin": "http://127.0.0.1"},
                    {"Content-Type": "text/plain"},
                    {"Content-Type": "application/json; charset=utf-8"},
                    {"Cookie": "a=b", "Content-Type": "application/x-www-form-urlencoded"},
                    {"Sec-Fetch-Site": "cross-site"},
                    {"Connection": "close"},
                    {"Accept-Encoding": "gzip", "User-Agent": "x" * 300},
                    {"X-Openbell-Signature": "ab"},
                    {"Host": "evil.example"},
                    {"X-Forwarded-For": "1.2.3.4"},
                    {"X-Request-Id": "a.client-s_own.0123"},
                    {"X-Request-Id": "a client's own"},
                )
            )
        if kind == "order":
            return "POST", "/order", self._text(self._order()), headers
        if kind == "cancel":
            return "POST", "/cancel", self._text(self._cancel()), headers
        if kind == "delete":
            return "DELETE", f"/order/{self._order_id()}", b"", headers
        if kind == "amend":
            return "PATCH", f"/order/{self._order_id()}", self._text(self._amend()), headers
        if kind == "batch":
            return "POST", "/orders/batch", self._text(self._batch()), headers
        return (*self._odd(), headers)

    def _text(self, value: Any) -> bytes:
        text = msgspec.json.encode(value)
        if self._random.random() > 0.08:
            return text
        return self._random.choice(
            (
                text[:-1],
                b"",
                b"[]",
                b"null",
                b"\xef\xbb\xbf" + text,
                text.replace(b"{", b'{"symbol":"BTC-USDT",', 1),
                text.replace(b'"', b"'"),
                b" \n" + text + b" ",
                text.replace(b'"side"', b'"sdie"'),
                b"[" * 3_000,
                text + b" " * 17_000,
                b'{"price":1e400}',
                b'{"price":NaN}',
                text.replace(b"buy", b"BUY"),
            )
        )

    def _order(self) -> dict[str, Any]:
        pick = self._random
        kind = pick.choice(("limit", "limit", "limit", "market", "ioc", "fok", "stop", "oco", "LIMIT", "nothing"))
        order: dict[str, Any] = {
            "symbol": pick.choice((SYMBOL, SYMBOL, SYMBOL, "btc-usdt", "ETH-USDT", "NONE", 7)),
            "side": pick.choice(("buy", "sell", "buy", "sell", "Buy", "up")),
            "order_type": kind,
            "quantity": pick.choice(("0.1", "0.25", "1", 1, 0.5, "1e-3", "-1", "0", "0.0000000001", "x", 10**20)),
        }
        if kind not in ("market", "stop"):
            price = 30_000 + pick.randint(-20, 20)
            order["price"] = pick.choice((f"{price}.00", str(price), price, f"{price}.001", "0", "1" * 70))
        if pick.random() < 0.2:
            order["client_order_id"] = pick.choice(("same", f"id-{self._number}", "with space", "", "é"))
        if pick.random() < 0.1:
            order |= pick.choice(
                (
                    {"time_in_force": "gtc"},
                    {"time_in_force": "gtd", "expire_time": "2099-01-01T00:00:00Z"},
                    {"post_only": True},
                    {"post_only": "slide"},
                    {"display_quantity": "0.01"},
                    {"stop_price": "29000"},
                    {"take_profit": "31000", "stop_loss": "29000"},
                    {"self_trade_prevention": "cancel_newest"},
                    {"quote_quantity": "100"},
                    {"unknown": 1},
                )
            )
        return order

    def _order_id(self) -> str:
        pick = self._random
        near = max(1, self._number // 2)
        return pick.choice((*[str(pick.randint(1, near + 20))] * 6, "0", "abc", "9" * 19, "9" * 30, "1%30", "-1"))

    def _cancel(self) -> dict[str, Any]:
        pick = self._random
        return pick.choice(
            (
                {"order_id": self._order_id()},
                {"order_id": self._order_id(), "symbol": SYMBOL},
                {"client_order_id": "same"},
                {"client_order_id": "never"},
                {"order_id": self._order_id(), "client_order_id": "same"},
                {"symbol": SYMBOL},
                {"order_id": 5},
                {},
            )
        )

    def _amend(self) -> dict[str, Any]:
        pick = self._random
        return pick.choice(
            ({"quantity": "0.05"}, {"price": f"{30_000 + pick.randint(-20, 20)}"}, {"price": "1", "quantity": "2"}, {})
        )

    def _batch(self) -> dict[str, Any]:
        pick = self._random
        elements: list[Any] = []
        for _ in range(pick.randint(0, 12)):
            elements.append(
                pick.choice(
                    (
                        self._order(),
                        self._order(),
                        {"op": "cancel"} | self._cancel(),
                        {"op": "amend", "order_id": self._order_id()} | self._amend(),
                        {"op": "cancel_all", "symbol": SYMBOL},
                        {"op": "what"},
                        3,
                    )
                )
            )
        return {"orders": elements}

    def _odd(self) -> tuple[str, str, bytes]:
        pick = self._random
        body = self._text(self._order())
        return pick.choice(
            (
                ("POST", "/order?symbol=BTC-USDT", body),
                ("POST", "/order/", body),
                ("POST", "//order", body),
                ("POST", "/Order", body),
                ("POST", "/%6Frder", body),
                ("POST", "/orders", body),
                ("PUT", "/order", body),
                ("GET", "/order", b""),
                ("DELETE", "/order/1", b"{}"),
                ("DELETE", "/order/1", b'{"symbol":"BTC-USDT"}'),
                ("DELETE", "/order/1?symbol=BTC-USDT", b""),
                ("DELETE", "/order/1?symbol=NONE", b""),
                ("PATCH", "/order/1?symbol=btc-usdt", b'{"quantity":"0.01"}'),
                ("PATCH", "/order/1?x=1", b'{"quantity":"0.01"}'),
                ("POST", "/cancel", b'{"order_id":"1"}' + b" " * 20_000),
                ("POST", "/orders/batch", b'{"orders":[' + b'{"op":"cancel","order_id":"1"},' * 900 + b"1]}"),
                ("POST", "/order/test", body),
                ("OPTIONS", "/order", b""),
            )
        )


def compare(pair: Pair, seed: int, count: int, credentials: Credentials) -> dict[bytes, int]:
    """Send generated requests both ways; return how many answers there were of each status."""
    generator, pick = Generator(seed), random.Random(seed)
    ways = [Way(server) for server in pair]
    statuses: dict[bytes, int] = {}
    for number in range(count):
        method, target, body, headers = generator.request()
        old = pick.random() < 0.02
        answers = []
        for at, way in enumerate(ways):
            shown = credentials(at, method, target, body)
            answers.append(way.ask(request_of(method, target, body, shown | headers, old=old)))
        assert answers[0] == answers[1], (number, method, target, body[:500], headers)
        statuses[answers[0][9:12]] = statuses.get(answers[0][9:12], 0) + 1
    for way in ways:
        way.close()
    return statuses


@pytest.fixture(scope="module")
def sandboxes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """The same sandbox twice: with the lane, and through Flask alone."""
    folder = tmp_path_factory.mktemp("lane")
    with RunningServer(folder / "lane") as lane, RunningServer(folder / "flask", "--debug") as flask:
        yield lane, flask


def test_both_ways_answer_the_same_in_a_sandbox(sandboxes: Pair) -> None:
    statuses = compare(sandboxes, 1, 3_000, lambda *_: {})
    assert statuses[b"200"] > 400
    assert statuses.keys() >= {b"400", b"403", b"404", b"405", b"409", b"413", b"415", b"421"}


def test_both_ways_know_who_asks_by_token_and_signature(tmp_path: Path) -> None:
    lane, flask = secured_pair(tmp_path)
    with lane, flask:
        users = [[bearer(funded(server.http)) for _ in range(2)] for server in (lane, flask)]
        keys = [
            [
                new_key(server.http, "trade"),
                new_key(server.http, "read"),
                new_key(server.http, "trade", ip_list=("10.0.0.1",)),
            ]
            for server in (lane, flask)
        ]
        pick, chosen = random.Random(7), [("", 0)]

        def credentials(at: int, method: str, target: str, body: bytes) -> Headers:
            if at == 0:
                kinds = ("token", "token", "signed", "signed", "none", "bad", "both", "late", "forged")
                chosen[0] = pick.choice(kinds), pick.randint(0, 2)
            kind, which = chosen[0]
            key = keys[at][which]
            if kind == "token":
                return users[at][which % 2]
            if kind in ("signed", "late", "forged"):
                timestamp = now_ms(-90_000 if kind == "late" else 0)
                signed = signature(key, timestamp, method, target, body + b"!" * (kind == "forged"))
                return {
                    "X-Openbell-Key": key["key_id"],
                    "X-Openbell-Timestamp": timestamp,
                    "X-Openbell-Signature": signed,
                }
            if kind == "bad":
                return {"Authorization": "Bearer nonsense"}
            if kind == "both":
                return users[at][0] | {"X-Openbell-Key": "x"}
            return {}

        statuses = compare((lane, flask), 2, 1_500, credentials)
        assert statuses[b"200"] > 40
        assert statuses[b"401"] > 100
        assert statuses[b"403"] > 10
        assert _refusals(lane) == _refusals(flask)


def test_both_ways_count_the_same_against_the_rate_limit(tmp_path: Path) -> None:
    lane, flask = secured_pair(tmp_path, "--rate-limit", "150/hour")
    with lane, flask:
        users = [bearer(funded(server.http)) for server in (lane, flask)]
        statuses = compare((lane, flask), 3, 400, lambda at, *_: users[at])
        assert statuses[b"429"] > 100
        assert statuses[b"200"] > 10


def test_both_ways_say_the_same_to_pages_of_other_origins(tmp_path: Path) -> None:
    options = ("--cors-origins", "http://a.example", "--cors-origins", "http://127.0.0.1")
    lane, flask = RunningServer(tmp_path / "lane", *options), RunningServer(tmp_path / "flask", *options, "--debug")
    with lane, flask:
        assert compare((lane, flask), 4, 300, lambda *_: {})[b"200"] > 10


def _refusals(server: RunningServer) -> set[str]:
    """The first line of each kind of refusal in the log."""
    return {
        re.sub(r".*refused with", "refused with", line).rpartition(" from ")[0]
        for line in server.log.splitlines()
        if "refused with" in line
    }


def test_processing_time_counts_from_the_first_byte_of_a_request(sandboxes: Pair) -> None:
    body = msgspec.json.encode(
        {"symbol": SYMBOL, "side": "buy", "order_type": "limit", "quantity": "0.1", "price": "1"}
    )
    request = request_of("POST", "/order", body, {})
    for server in sandboxes:
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE_S) as sock:
            sock.sendall(request[:20])
            time.sleep(1.5)  # much longer than a busy machine takes to read the first part
            sock.sendall(request[20:])
            answer = sock.recv(65_536)
        found = re.search(rb'"processing_time_ms":([0-9.]+)', answer)
        assert found is not None, answer
        assert float(found[1]) >= 250
        time.sleep(1.1)  # figures of latencies are of this second or the last
        assert server.http.get("/statistics")["latency_ms"]["max"] >= 250


class FailingAuthenticator(Authenticator):
    """One with a mistake of ours."""

    def __init__(self) -> None:
        """Without credentials: it never comes to them."""

    def of(self, environ: Environ, body: Callable[[], bytes]) -> Principal:
        """Fail."""
        raise ZeroDivisionError


def test_a_mistake_before_the_handler_is_answered_as_one_within_it() -> None:
    guard = Guard(lambda *_: (), Settings())
    lane = Lane(
        OrderEntry.__new__(OrderEntry), guard, FailingAuthenticator(), None, None, FaultInjector(Exchange(), lambda: 0)
    )
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/order",
        "QUERY_STRING": "",
        "HTTP_HOST": "localhost",
        "wsgi.url_scheme": "http",
    }
    answer = lane.answer(environ, b"{}")
    assert answer is not None
    assert answer.status == "500 Internal Server Error"
    assert msgspec.json.decode(answer.body)["error_code"] == "INTERNAL_ERROR"
