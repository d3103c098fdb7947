"""The load generators of the open-source Flask matching engines run unchanged: all strings, four symbols, no name."""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal
from pathlib import Path

from tests.server import RunningServer

MIDDLES = {"BTC-USDT": 30_000, "ETH-USDT": 2_000, "BNB-USDT": 300, "SOL-USDT": 100}
OLD_KEYS = {"order_id", "status", "filled_quantity", "remaining_quantity", "average_price", "trades", "bbo"}


def test_five_hundred_random_orders_are_all_taken(tmp_path: Path) -> None:
    chance = random.Random(7)
    statuses: Counter[str] = Counter()
    filled: dict[str, Decimal] = dict.fromkeys(MIDDLES, Decimal(0))
    with RunningServer(tmp_path / "data") as server:
        for number in range(500):
            symbol = chance.choice(list(MIDDLES))
            order = {
                "symbol": symbol,
                "side": chance.choice(["buy", "sell"]),
                "order_type": chance.choice(["limit", "limit", "market", "ioc", "fok"]),
                "quantity": f"{chance.uniform(0.01, 5):.6f}",
            }
            if order["order_type"] != "market":
                order["price"] = f"{MIDDLES[symbol] * chance.uniform(0.95, 1.05):.2f}"
            answer = server.http.post("/order", order).granted()
            assert answer.keys() >= OLD_KEYS
            statuses[answer["status"]] += 1
            filled[symbol] += Decimal(answer["filled_quantity"])
            if number % 10 == 0 and answer["status"] == "resting":
                body = {"symbol": symbol, "order_id": answer["order_id"]}
                assert server.http.post("/cancel", body).granted()["success"] is True
        volumes = server.http.get("/statistics")["volume_by_symbol"]
    assert set(statuses) == {"resting", "partially_filled", "filled", "cancelled"}
    assert {symbol: Decimal(volumes[symbol]) for symbol in MIDDLES} == filled
