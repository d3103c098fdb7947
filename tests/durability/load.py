"""Traders who send orders and cancels all at once and write down what they were promised."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.durability.client import PATIENCE_S, Client
from tests.server import RunningServer

SYMBOLS = {"BTC-USDT": ("0.001", 3_000_000), "ETH-USDT": ("0.01", 200_000), "AAPL-USD": ("1", 19_000)}  # lot, cents
DONE = ("filled", "cancelled")

Body = dict[str, object]


class Promises:
    """Everything that was acknowledged, and everything whose outcome nobody knows."""

    def __init__(self) -> None:
        self.orders: dict[str, Any] = {}  # client order id -> the last answer to POST /order
        self.sent: dict[str, Body] = {}  # client order id -> its request
        self.cancelled: dict[str, str] = {}  # client order id -> filled quantity at the cancel
        self.too_late: set[str] = set()  # client order ids that a cancel was told are done
        self.trades: dict[str, tuple[str, str, str, str, str]] = {}  # trade id -> symbol, price, quantity, maker, taker
        self.refused: set[str] = set()  # client order ids that the rules refused
        self.unknown: list[tuple[str, str]] = []  # path and client order id of what got no answer
        self.digests: dict[int, str] = {}  # seq -> the digest the living server told
        self.wrong: list[str] = []  # answers that are wrong by themselves

    def note_order(self, name: str, status: int, answer: Any) -> None:
        """The answer to POST /order."""
        if status == 200:
            before = self.orders.get(name)
            if before is not None and _repeatable_part(before) != _repeatable_part(answer):
                self.wrong.append(f"{name} was answered with {before} and then with {answer}")
            self.orders[name] = answer
            for trade in answer["trades"]:
                self.trades[trade["trade_id"]] = trade_facts(trade)
        elif status == 400 and name not in self.orders:
            self.refused.add(name)
        else:
            self.wrong.append(f"POST /order {name}: {status} {answer}")

    def note_cancel(self, name: str, status: int, answer: Any) -> None:
        """The answer to POST /cancel."""
        if status == 200:
            self.cancelled[name] = answer["filled_quantity"]
        elif status == 409:
            self.too_late.add(name)
        else:
            self.wrong.append(f"POST /cancel {name}: {status} {answer}")


def trade_facts(trade: Any) -> tuple[str, str, str, str, str]:
    """What may never change about a trade."""
    return (
        trade["symbol"],
        trade["price"],
        trade["quantity"],
        trade["maker_order_id"],
        trade["taker_order_id"],
    )


def _repeatable_part(answer: Any) -> tuple[str, set[str]]:
    """What a repeated request must be told as the first was: the order's id, and what it took on entry."""
    return answer["order_id"], {trade["trade_id"] for trade in answer["trades"]}


class Load:
    """`traders` threads against one server until it dies or `stop` is called."""

    def __init__(self, server: RunningServer, promises: Promises, seed: str, traders: int = 6) -> None:
        self._server = server
        self._promises = promises
        self._stopping = threading.Event()
        jobs: list[Callable[[], None]] = [self._watch]
        jobs += [lambda name=f"{seed}-{number}": self._trade(name) for number in range(traders)]  # type: ignore[misc]
        self._threads = [threading.Thread(target=job, daemon=True) for job in jobs]
        for thread in self._threads:
            thread.start()

    def at_least(self, orders: int) -> None:
        """Wait until more than so many orders were promised, and the living server told two digests."""
        deadline = time.monotonic() + PATIENCE_S
        while len(self._promises.orders) <= orders or len(self._promises.digests) < 2:
            assert time.monotonic() < deadline, f"only {len(self._promises.orders)} orders were answered"
            time.sleep(0.01)

    def stop(self) -> None:
        """Let every trader finish its request."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(60)
            if thread.is_alive():
                raise AssertionError("a trader hangs")

    def _trade(self, trader: str) -> None:
        """Enter and cancel, one after the other."""
        rng = random.Random(trader)
        client = Client(self._server.port)
        mine: list[str] = []
        number = 0
        while not self._stopping.is_set():
            if mine and rng.random() < 0.25:
                name, path = mine.pop(rng.randrange(len(mine))), "/cancel"
                body = _cancel_body(self._promises, name, rng)
            else:
                number += 1
                name, path = f"{trader}-{number}", "/order"
                body = self._promises.sent[name] = order_body(name, rng)
            try:
                answer = client.call("POST", path, body)
            except ConnectionError:
                self._promises.unknown.append((path, name))
                break
            if path == "/cancel":
                self._promises.note_cancel(name, answer.status, answer.body)
            else:
                self._promises.note_order(name, answer.status, answer.body)
                if answer.status == 200 and answer.body["status"] not in DONE:
                    mine.append(name)
        client.close()

    def _watch(self) -> None:
        """Ask now and then for the digest of the living state."""
        client = Client(self._server.port)
        while not self._stopping.wait(0.05):
            try:
                health = client.get("/health?digest=true")
            except ConnectionError:
                break
            self._promises.digests[health["seq"]] = health["digest"]
        client.close()


def order_body(name: str, rng: random.Random) -> Body:
    """A random order near the middle, so that about half of them trade."""
    symbol = rng.choice(list(SYMBOLS))
    lot, middle = SYMBOLS[symbol]
    order_type = rng.choices(["limit", "ioc", "fok", "market"], [60, 15, 10, 15])[0]
    body: Body = {
        "symbol": symbol,
        "side": rng.choice(["buy", "sell"]),
        "order_type": order_type,
        "quantity": lot if symbol == "AAPL-USD" else f"{rng.randint(1, 20) * float(lot):.3f}",
        "client_order_id": name,
    }
    if order_type != "market":
        cents = middle + rng.randint(-5, 5)
        body["price"] = f"{cents // 100}.{cents % 100:02d}"
    return body


def _cancel_body(promises: Promises, name: str, rng: random.Random) -> Body:
    body: Body = {"symbol": promises.sent[name]["symbol"]}
    if rng.random() < 0.5:
        body["client_order_id"] = name
    else:
        body["order_id"] = promises.orders[name]["order_id"]
    return body


def ask_again(client: Client, promises: Promises, rng: random.Random, repeats: int) -> None:
    """Send once more what got no answer, and some of what did: the same ids must come back."""
    unknown, promises.unknown = promises.unknown, []
    for path, name in unknown:
        if path == "/order":
            answer = client.call("POST", path, promises.sent[name])
            promises.note_order(name, answer.status, answer.body)
        else:
            answer = client.call("POST", path, {"client_order_id": name})
            promises.note_cancel(name, answer.status, answer.body)
    for name in rng.sample(sorted(promises.orders), min(repeats, len(promises.orders))):
        answer = client.call("POST", "/order", promises.sent[name])
        if not (answer.status == 200 and answer.body["repeated"]):
            promises.wrong.append(f"{name} was entered twice: {answer.status} {answer.body}")
        promises.note_order(name, answer.status, answer.body)
