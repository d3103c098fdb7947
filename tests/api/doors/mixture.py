"""Some hundreds of requests, made from a seed: order entry and cancels of every kind, reads, and what is no good."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

SYMBOLS = ("BTC-USDT", "ETH-USDT", "btc-usdt", "NO-SUCH")
READS = (
    *("/symbols", "/ticker", "/book/{symbol}", "/book/{symbol}?levels=all", "/book/{symbol}/orders", "/bbo/{symbol}"),
    *("/ticker/{symbol}", "/trades/{symbol}?limit=7", "/status/{symbol}", "/quote/{symbol}?side=buy&quantity=1.5"),
    *("/candles/{symbol}?interval=1d", "/orders?limit=5", "/orders?status=filled", "/account", "/account/balances"),
    *("/account/fills?limit=4", "/account/ledger?limit=4", "/account/profit", "/order/{order}", "/order/999999999"),
    *("/api/v3/exchangeInfo", "/api/v3/depth?symbol=BTCUSDT", "/api/v3/ticker/bookTicker", "/api/v3/trades?symbol=X"),
    *("/api/v3/openOrders", "/openapi.json", "/order/{order}/explain", "/nowhere", "/book", "/static/nothing.js", "/"),
    *("/book/{symbol}?levels=0", "/book/{symbol}?nonsense=1", "/order/abc", "/candles/{symbol}?interval=7m", "/docs"),
    *("/account/ranking", "/admin/check", "/auth/sessions", "/account/faults", "/node"),
)
REFUSED = (
    *(b"", b"{", b"[]", b"null", b'{"symbol":"BTC-USDT"}', b'{"symbol":"BTC-USDT","side":"hold"}', b"\xff\xfe"),
    b'{"symbol":"BTC-USDT","side":"buy","order_type":"limit","quantity":"1","price":"NaN"}',
    b'{"symbol":"BTC-USDT","side":"buy","order_type":"limit","quantity":"1","price":"1","nonsense":1}',
)


class Asked(NamedTuple):
    """One request."""

    method: str
    path: str
    body: bytes | None = None
    headers: dict[str, str] = {}  # noqa: RUF012 - of a tuple


def mixture(seed: int, count: int, known: list[str]) -> Iterator[Asked]:
    """`count` requests; `known` gets the ids of orders as they are answered."""
    draw = random.Random(seed)
    for number in range(count):
        yield _asked(draw, number, known)


def _asked(draw: random.Random, number: int, known: list[str]) -> Asked:
    symbol, order = draw.choice(SYMBOLS), draw.choice(known or ["1"])
    kind = draw.random()
    if kind < 0.45:
        return _posted("/order", _order(draw, number))
    if kind < 0.52:
        return _posted("/cancel", {"symbol": symbol, "order_id": order})
    if kind < 0.56:
        return Asked("DELETE", f"/order/{order}")
    if kind < 0.60:
        return Asked("PATCH", f"/order/{order}", msgspec.json.encode({"quantity": draw.choice(["0.3", "2", "x"])}))
    if kind < 0.63:
        orders = [{"enter": _order(draw, number)}, {"cancel": {"order_id": order}}, _order(draw, number)]
        return _posted("/orders/batch", {"orders": orders[: draw.randint(1, 3)]})
    if kind < 0.66:
        return _posted("/order/test", _order(draw, number))
    if kind < 0.70:
        return Asked("POST", draw.choice(["/order", "/cancel", "/orders/batch"]), draw.choice(REFUSED))
    if kind < 0.72:
        return _posted("/account/deposit", {"asset": draw.choice(["USDT", "XXX"]), "amount": "1.5"})
    if kind < 0.74:
        return Asked(draw.choice(["PUT", "HEAD", "OPTIONS"]), draw.choice(["/order", "/symbols", "/auth/login"]))
    headers = {"X-Request-Id": f"given-{number}"} if draw.random() < 0.3 else {}
    return Asked("GET", draw.choice(READS).format(symbol=symbol, order=order), None, headers)


def _order(draw: random.Random, number: int) -> dict[str, Any]:
    body: dict[str, Any] = {
        "symbol": draw.choice(SYMBOLS[:3] if draw.random() < 0.95 else SYMBOLS),
        "side": draw.choice(["buy", "sell"]),
        "order_type": draw.choice(["limit", "limit", "limit", "limit", "market", "stop_loss"]),
        "quantity": draw.choice(["0.5", "1", "0.25", "1000000000000000", "0.000000001"]),
    }
    if body["order_type"] != "market":
        body["price"] = draw.choice(["100.00", "100.01", "99.99", "99.50", "100.50", "100.001"])
    if body["order_type"] == "stop_loss":
        body["stop_price"] = "101.00"
    if draw.random() < 0.5:
        body["client_order_id"] = f"c-{draw.randint(0, number)}"  # some come again
    if draw.random() < 0.2:
        body["time_in_force"] = draw.choice(["ioc", "fok", "day", "gtc"])
    if draw.random() < 0.1:
        body["post_only"] = True
    return body


def _posted(path: str, body: Any) -> Asked:
    return Asked("POST", path, msgspec.json.encode(body), {"Content-Type": "application/json"})
