"""Orders as the generators send them: prepared bytes, so that sending costs the generator next to nothing.

All trade around one price of one symbol. `random_orders` are the flow of every rate: about half of them trade. Its book
grows for as long as it runs; `steady_orders` take out what they put in, for runs of minutes.
"""

from __future__ import annotations

import hashlib
import hmac
import random
from collections import Counter

from benchmarks.servers import Trader

SYMBOL = "BTC-USDT"
SEED = 1
COUNT = 5_000


def random_orders(count: int = COUNT, seed: int = SEED) -> list[bytes]:
    """Bodies of POST /order: three of four are limit orders, the others immediate or cancel."""
    rng = random.Random(seed)
    bodies = []
    for _ in range(count):
        side = rng.choice(("buy", "sell"))
        price = 30000 + rng.randint(-10, 10)
        kind = rng.choice(("limit", "limit", "limit", "ioc"))
        bodies.append(_order(side, kind, rng.randint(1, 9), price))
    return bodies


def steady_orders(count: int = COUNT, seed: int = SEED) -> list[bytes]:
    """Bodies of POST /order: of four, two rest and two take as much out again, so the book stays as deep as it is.

    An order that takes and comes before the one that rests finds others to take, once some have come to rest.
    """
    rng = random.Random(seed)
    bodies = []
    for _ in range(count // 4):
        bid, ask = rng.randint(1, 9), rng.randint(1, 9)
        bodies.append(_order("buy", "limit", bid, 30000 - rng.randint(1, 10)))
        bodies.append(_order("sell", "limit", ask, 30000 + rng.randint(1, 10)))
        bodies.append(_order("sell", "ioc", bid, 29980))
        bodies.append(_order("buy", "ioc", ask, 30020))
    return bodies


def _order(side: str, kind: str, tenths: int, price: int) -> bytes:
    return (
        f'{{"symbol":"{SYMBOL}","side":"{side}","order_type":"{kind}","quantity":"0.{tenths}","price":"{price}.00"}}'
    ).encode()


def batches(size: int, count: int = 200) -> list[bytes]:
    """Bodies of POST /orders/batch, of `size` random orders each."""
    bodies = random_orders(size * count)
    return [b'{"orders":[' + b",".join(bodies[at : at + size]) + b"]}" for at in range(0, len(bodies), size)]


def post(target: str, body: bytes, headers: str = "") -> bytes:
    """A whole request; `headers` are further lines, each with its end."""
    head = f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{headers}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def get(target: str) -> bytes:
    """A whole GET as the page sends it, without what a browser adds."""
    return f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def orders() -> list[bytes]:
    """Requests of POST /order without credentials."""
    return [post("/order", body) for body in random_orders()]


def token_orders(traders: list[Trader]) -> list[bytes]:
    """Requests of POST /order with the tokens of two traders, of whom one buys and one sells."""
    return [
        post("/order", body, f"Authorization: Bearer {_trader_of(body, traders).token}\r\n") for body in random_orders()
    ]


def signed_orders(traders: list[Trader], now_ms: int, count: int) -> list[bytes]:
    """As `token_orders`, each signed by an API key and good for a minute from `now_ms`, epoch milliseconds.

    A signature is good once, so each repetition of a body has another time.
    """
    bodies, repeated, requests = random_orders(), Counter[bytes](), []
    for number in range(count):
        body = bodies[number % len(bodies)]
        trader = _trader_of(body, traders)
        timestamp = now_ms - repeated[body]
        repeated[body] += 1
        message = f"{timestamp}\nPOST\n/order\n".encode() + body
        signature = hmac.new(trader.secret.encode(), message, hashlib.sha256).hexdigest()
        headers = (
            f"X-Openbell-Key: {trader.key_id}\r\nX-Openbell-Timestamp: {timestamp}\r\nX-Openbell-Window: 60000\r\n"
            f"X-Openbell-Signature: {signature}\r\n"
        )
        requests.append(post("/order", body, headers))
    return requests


def _trader_of(body: bytes, traders: list[Trader]) -> Trader:
    return traders[b'"side":"sell"' in body]
