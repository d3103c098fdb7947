"""Markets for the clients to trade in: seeded by the account of the sandbox, over the first wire."""

from __future__ import annotations

import itertools
import random
import threading
from types import TracebackType
from typing import Any, Self

from tests.api.binance.clients import signed_text
from tests.server import Http

SYMBOL = "BTC-USDT"
MIDDLE = 30_000
BATCH = 500
MOVE_S = 0.5
LEVELS = 150  # on each side, and well within what a client keeps


def make_market(http: Http, symbol: str = SYMBOL, middle: int = MIDDLE, levels: int = 5) -> None:
    """A trade at the middle, and a coin at each of some levels on both sides: 10 away, 20 away and so on."""
    http.enter(symbol, "sell", "1", f"{middle}.00")
    http.enter(symbol, "buy", "1", f"{middle}.00")
    for step in range(1, levels + 1):
        http.enter(symbol, "sell", "1", f"{middle + 10 * step}.00")
        http.enter(symbol, "buy", "1", f"{middle - 10 * step}.00")


def change_book(http: Http, changes: int, seed: int, symbol: str = SYMBOL, middle: int = MIDDLE) -> int:
    """Enter and cancel random orders, some of which meet; return how many were carried out, at least `changes`."""
    chance = random.Random(seed)
    open_ids: list[str] = []
    done = 0
    while done < changes:
        batch = [_order(chance, symbol, middle) for _ in range(BATCH)]
        chance.shuffle(open_ids)
        cancelled = [open_ids.pop() for _ in range(len(open_ids) // 2)]
        batch += [{"op": "cancel", "symbol": symbol, "order_id": order_id} for order_id in cancelled[:BATCH]]
        results = http.post("/orders/batch", {"orders": batch}).granted()["results"]
        carried_out = [result["body"] for result in results if result["status"] == 200]
        open_ids += [body["order_id"] for body in carried_out if body.get("status") in ("resting", "partially_filled")]
        done += len(carried_out)
    return done


def _order(chance: random.Random, symbol: str, middle: int) -> dict[str, Any]:
    side = chance.choice(("buy", "sell"))
    away = chance.randint(-3, LEVELS)  # a few of them meet
    price = middle - away if side == "buy" else middle + away
    quantity = f"{chance.randint(1, 500) / 1000:.3f}"
    return {"symbol": symbol, "side": side, "order_type": "limit", "quantity": quantity, "price": f"{price}.00"}


def signed(http: Http, key: tuple[str, str], method: str, path: str, **parameters: str) -> Any:
    """What a request of the second wire is answered, signed as its documentation says. `key`: id and secret."""
    key_id, secret = key
    query = signed_text({"secret": secret}, parameters)
    return http.call(method, f"{path}?{query}", None, {"X-MBX-APIKEY": key_id}).granted()


class Movement:
    """A market that moves: the account of the sandbox trades with itself, every half second, until it is left."""

    def __init__(self, url: str, symbol: str = SYMBOL, prices: tuple[int, ...] = (29_995, 30_005)) -> None:
        self._http = Http(url)
        self._symbol = symbol
        self._prices = prices
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._trade, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._http.close()

    def _trade(self) -> None:
        for price in itertools.cycle(self._prices):
            self._http.enter(self._symbol, "sell", "0.01", f"{price}.00")
            self._http.enter(self._symbol, "buy", "0.01", f"{price}.00")
            if self._stop.wait(MOVE_S):
                return
