"""Prepared orders are what the venue takes: bodies that balance, signatures that are each good once."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from decimal import Decimal

from benchmarks.orders import batches, random_orders, signed_orders, steady_orders
from benchmarks.servers import Trader

TRADERS = [Trader("t-buys", "k-buys", "s-buys"), Trader("t-sells", "k-sells", "s-sells")]


def test_steady_orders_take_out_of_the_book_what_they_put_in() -> None:
    resting: Counter[str] = Counter()
    for body in steady_orders(400):
        order = json.loads(body)
        tenths = int(Decimal(order["quantity"]) * 10)
        if order["order_type"] == "limit":
            resting[order["side"]] += tenths
        else:
            resting["sell" if order["side"] == "buy" else "buy"] -= tenths
    assert resting == {"buy": 0, "sell": 0}


def test_a_batch_has_as_many_orders_as_it_says() -> None:
    assert [len(json.loads(body)["orders"]) for body in batches(100, 3)] == [100, 100, 100]


def test_every_signature_is_good_and_none_comes_twice() -> None:
    now_ms, seen = 1_800_000_000_000, set()
    for request in signed_orders(TRADERS, now_ms, 12_000):
        head, _, body = request.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        trader = TRADERS[json.loads(body)["side"] == "sell"]
        assert headers["X-Openbell-Key"] == trader.key_id
        timestamp = headers["X-Openbell-Timestamp"]
        assert now_ms - 30_000 < int(timestamp) <= now_ms
        message = f"{timestamp}\nPOST\n/order\n".encode() + body
        assert headers["X-Openbell-Signature"] == hmac.new(trader.secret.encode(), message, hashlib.sha256).hexdigest()
        seen.add(headers["X-Openbell-Signature"])
    assert len(seen) == 12_000


def test_random_orders_are_the_same_each_time() -> None:
    assert random_orders(50) == random_orders(50)
