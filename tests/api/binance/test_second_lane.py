"""The second wire's orders are answered alike by the lane and by Flask: generated requests, odd ones too, both ways.

As `tests/api/orders/test_lane.py`, whose parts it uses: two servers on empty data folders are sent the same requests,
one of which takes each through Flask. What differs by nature is blanked; all else, heads included, must be the same.
"""

from __future__ import annotations

import random
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from tests.access.second_wire import signature_of
from tests.api.binance.clients import Key, funded_user, key_of
from tests.api.clients import START_GRACE_S, now_ms
from tests.api.orders.ways import Headers, Way, request_of, secured_pair

REQUESTS = 700
LIMIT = 230  # requests of one account: its last ones are too many
_BLANKED = [
    (re.compile(rb'"(transactTime|workingTime|time|updateTime)":[0-9]+'), rb'"\1":0'),
    (re.compile(rb'"clientOrderId":"[0-9a-f]{22}"'), b'"clientOrderId":"-"'),  # of a cancel that has none
    (re.compile(rb"X-MBX-ORDER-COUNT-10S: [0-9]+"), b"X-MBX-ORDER-COUNT-10S: -"),  # each has its own ten seconds
]


def blanked(answer: bytes) -> bytes:
    """An answer without what differs by nature."""
    for pattern, blank in _BLANKED:
        answer = pattern.sub(blank, answer)
    return answer


class Generator:
    """Requests to /api/v3/order: mostly good ones, and every kind of odd one."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._number = 0

    def request(self) -> tuple[str, str, dict[str, Any], Headers]:
        """Method, path, parameters and further headers."""
        pick = self._random
        self._number += 1
        headers: Headers = {}
        if pick.random() < 0.12:
            headers = pick.choice(
                (
                    {"Origin": "http://evil.example"},
                    {"Content-Type": "application/x-www-form-urlencoded"},
                    {"Cookie": "a=b", "Content-Type": "application/x-www-form-urlencoded"},
                    {"Host": "evil.example"},
                    {"Authorization": "Bearer x"},
                    {"X-Request-Id": "a.client-s_own.0123"},
                )
            )
        kind = pick.choices(("order", "cancel", "odd"), (55, 33, 12))[0]
        if kind == "order":
            return "POST", "/api/v3/order", self._order(), headers
        if kind == "cancel":
            return "DELETE", "/api/v3/order", self._cancel(), headers
        method, path = pick.choice(
            (("GET", "/api/v3/order"), ("PUT", "/api/v3/order"), ("POST", "/api/v3/order/"), ("POST", "/api/v3/Order"))
        )
        return method, path, self._cancel(), headers

    def _order(self) -> dict[str, Any]:
        pick = self._random
        kind = pick.choice(("LIMIT", "LIMIT", "LIMIT", "MARKET", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT"))
        order: dict[str, Any] = {
            "symbol": pick.choice(("BTCUSDT",) * 12 + ("ETHUSDT", "NONE", "BTC-USDT", "")),
            "side": pick.choice(("BUY", "SELL") * 8 + ("buy", "HOLD")),
            "type": pick.choice((kind,) * 20 + ("limit", "STOP")),
            "quantity": pick.choice(
                ("0.01", "0.02", "0.5", "0", "-1", "1e3", "0.123456789", "1000", "x")[: pick.choice((3, 3, 3, 9))]
            ),
        }
        if kind not in ("MARKET", "TAKE_PROFIT"):
            order["price"] = pick.choice(
                ("29999.99", "30000.00", "30000.01", "0", "30000.001", "9e9", "90000")[: pick.choice((3, 3, 3, 7))]
            )
        if kind in ("LIMIT", "STOP_LOSS_LIMIT"):
            order["timeInForce"] = pick.choice(("GTC", "GTC", "IOC", "FOK", "DAY"))
        if kind in ("STOP_LOSS_LIMIT", "TAKE_PROFIT"):
            order["stopPrice"] = pick.choice(("29000", "31000"))
        further = (
            {"newClientOrderId": f"n{pick.randint(1, 40)}"},
            {"newClientOrderId": "not ours!"},
            {"newOrderRespType": pick.choice(("ACK", "RESULT", "FULL", "ALL"))},
            {"icebergQty": "0.01"},
            {"quoteOrderQty": "50"},
            {"selfTradePreventionMode": pick.choice(("EXPIRE_TAKER", "DECREMENT", "NONE", "TRANSFER"))},
            {"trailingDelta": "100"},
            {"unheardOf": "1"},
            {"timeInForce": "GTC"},
        )
        for more in pick.sample(further, pick.choice((0, 0, 0, 0, 1, 2))):
            order |= more
        if pick.random() < 0.06:
            order.pop(pick.choice(list(order)))
        return order

    def _cancel(self) -> dict[str, Any]:
        pick = self._random
        ids: tuple[dict[str, Any], ...] = (
            {"orderId": pick.randint(10, 600)},
            {"origClientOrderId": f"n{pick.randint(1, 40)}"},
            {"origClientOrderId": f"openbell-{pick.randint(10, 600)}"},
            {"orderId": pick.randint(10, 600), "origClientOrderId": f"n{pick.randint(1, 40)}"},
            {"orderId": "x"},
            {},
        )
        return {"symbol": "BTCUSDT"} | pick.choice(ids) | pick.choice(({}, {}, {"newClientOrderId": "end"}))


def signed_as(kind: str, key: Key, params: dict[str, Any], timestamp: str) -> str:
    """Parameters as they are sent, with a signature of some kind."""
    text = urlencode(params | {"timestamp": timestamp, "recvWindow": "60000"}, quote_via=quote)
    signature = signature_of(key["secret"], text)
    return {
        "good": f"{text}&signature={signature}",
        "first": f"signature={signature}&{text}",
        "forged": f"{text}&signature={'0' * 64}",
        "none": text,
        "twice": f"{text}&signature={signature}&symbol=BTCUSDT",
    }[kind]


def test_the_lane_and_flask_answer_the_second_wires_orders_with_the_same_bytes(tmp_path: Path) -> None:
    generator, pick = Generator(5), random.Random(5)
    statuses: dict[bytes, int] = {}
    used = 0
    lane, flask = secured_pair(tmp_path, "--rate-limit", f"{LIMIT}/hour")
    with lane, flask:
        time.sleep(START_GRACE_S)
        keys = []
        for server in (lane, flask):
            users = [funded_user(server.http, ("USDT", "1000000"), ("BTC", "50")) for _ in range(2)]
            keys.append(
                [key_of(server.http, users[0]), key_of(server.http, users[1]), key_of(server.http, users[0], "read")]
            )
        ways = [Way(server) for server in (lane, flask)]
        for number in range(REQUESTS):
            method, path, params, headers = generator.request()
            kind = pick.choices(("good", "first", "forged", "none", "twice"), (80, 8, 4, 4, 4))[0]
            which = pick.choices((0, 1, 2, None, "ob-none"), (45, 45, 4, 3, 3))[0]
            timestamp, form = now_ms(-90_000 if pick.random() < 0.03 else 0), method == "POST" and pick.random() < 0.7
            answers = []
            for way, own in zip(ways, keys, strict=True):
                key = own[which] if isinstance(which, int) else own[0]
                sent = signed_as(kind, key, params, timestamp)
                shown = {} if which is None else {"X-MBX-APIKEY": key["key_id"] if isinstance(which, int) else which}
                target, body = (path, sent.encode()) if form else (f"{path}?{sent}", b"")
                answers.append(blanked(way.ask(request_of(method, target, body, shown | headers))))
            assert answers[0] == answers[1], (number, method, path, params, kind, which, headers)
            if found := re.search(rb"X-MBX-USED-WEIGHT-1H: ([0-9]+)", answers[0]):
                used = max(used, int(found[1]))
            statuses[answers[0][9:12]] = statuses.get(answers[0][9:12], 0) + 1
        for way in ways:
            way.close()
    assert used == LIMIT
    assert statuses[b"200"] > 40, statuses
    assert statuses.keys() >= {b"200", b"400", b"401", b"403", b"404", b"405", b"421", b"429"}, statuses
