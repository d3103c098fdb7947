"""Clients with a patience of their own: they enter, cancel, amend, ask, and try again under the same id."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import msgspec

from tests.sim.hub import hub_here
from tests.sim.machine import sleep
from tests.sim.market import TICKS
from tests.sim.network import Request

if TYPE_CHECKING:
    from tests.sim.simulation import Simulation

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

UNKNOWN = frozenset(("NOT_ACCEPTING", "HISTORY_BEHIND", "MAYBE_REPEATED", "STOPPING"))  # ask again later


class Client:
    """One program that trades. It knows what the server has answered, and nothing else."""

    def __init__(self, simulation: Simulation, name: str, account: int, rng: random.Random) -> None:
        self.name = name
        self.done = False
        self._simulation = simulation
        self._account = account
        self._rng = rng
        self._patience_s = rng.choice((0.03, 0.2, 1.0, 3.0))
        self._tries = rng.choice((1, 2, 4, 8))
        self._think_s = rng.choice((0.002, 0.02, 0.15))
        self._entered: list[tuple[str, bytes]] = []  # client order ids with their bodies
        self._unknown: dict[str, bytes] = {}  # those of which nothing is known
        self._order_ids: list[str] = []

    def run(self) -> None:
        """Trade, then find out what became of everything that is unknown."""
        for _ in range(self._simulation.plan.operations):
            sleep(self._think_s * (0.2 + self._rng.random()))
            self._act()
        self._simulation.calm.wait()
        for key, body in list(self._unknown.items()):
            self._ask("enter", key, body, until_known=True)
        for order_id in self._rng.sample(self._order_ids, min(3, len(self._order_ids))):
            self._ask("ask", order_id, b"", until_known=True)
        self.done = True

    def _act(self) -> None:
        roll = self._rng.random()
        if roll < 0.55 or not self._entered:
            self._enter()
        elif roll < 0.67:
            self._repeat()
        elif roll < 0.80:
            self._cancel()
        elif roll < 0.87 and self._order_ids:
            self._amend()
        elif roll < 0.93 and self._order_ids:
            self._ask("ask", self._rng.choice(self._order_ids), b"")
        else:
            self._batch()

    def _enter(self) -> None:
        order = self._order()
        if self._rng.random() < 0.08:  # without a name it can only be entered once, and never again
            self._ask("enter", "", _encode(order), tries=1)
            return
        key, body = self._named(order)
        self._ask("enter", key, body)

    def _named(self, order: dict[str, Any]) -> tuple[str, bytes]:
        key = f"{self.name}-{len(self._entered)}"
        body = _encode({**order, "client_order_id": key})
        self._entered.append((key, body))
        self._unknown[key] = body
        return key, body

    def _repeat(self) -> None:
        """Enter an order again: the same, or another one under its client order id."""
        key, body = self._rng.choice(self._entered)
        if self._rng.random() < 0.25:
            order = _decode(body)
            body = _encode({**order, "quantity": str(int(order["quantity"]) + 1)})
            self._ask("enter", key, body, tries=1)
        else:
            self._ask("enter", key, body)

    def _cancel(self) -> None:
        key, _ = self._rng.choice(self._entered[-8:])
        self._ask("cancel", key, _encode({"client_order_id": key}))

    def _amend(self) -> None:
        order_id = self._rng.choice(self._order_ids[-6:])
        change = {"quantity": str(self._rng.randint(1, 9))}
        if self._rng.random() < 0.5:
            change = {"price": self._price("COIN-USD")}
        self._ask("amend", order_id, _encode(change))

    def _batch(self) -> None:
        """Two orders and a cancel at once. It is repeated as a whole: each of it may be."""
        commands: list[dict[str, Any]] = []
        for _ in range(2):
            _, body = self._named(self._order())
            commands.append({"op": "enter", **_decode(body)})
        commands.append({"op": "cancel", "client_order_id": self._rng.choice(self._entered)[0]})
        self._ask("batch", "", _encode({"orders": commands}))

    def _order(self) -> dict[str, Any]:
        rng = self._rng
        symbol = "COIN-USD" if rng.random() < 0.8 else "SHARE-USD"
        order: dict[str, Any] = {
            "symbol": symbol,
            "side": rng.choice(("buy", "sell")),
            "order_type": "limit",
            "quantity": str(rng.randint(1, 9)),
            "price": self._price(symbol),
        }
        roll = rng.random()
        if roll < 0.12:
            order["time_in_force"] = rng.choice(("ioc", "fok", "day"))
        elif roll < 0.20:
            expires_ns = hub_here().wall_ns() + rng.randint(10, 5_000) * 10**6
            order |= {"time_in_force": "gtd", "expire_time": f"{expires_ns // 10**9}.{expires_ns % 10**9:09}"}
        elif roll < 0.26:
            order["post_only"] = True
        elif roll < 0.32:
            del order["price"]
            order["order_type"] = "market"
        elif roll < 0.38:
            order["order_type"] = "stop_limit" if roll < 0.35 else "take_profit_limit"
            order["stop_price"] = self._price(symbol)
        return order

    def _price(self, symbol: str) -> str:
        """A decimal near the middle: few prices, so that orders meet."""
        tick, middle = TICKS[symbol]
        cents = int(tick[2:]) * (middle + self._rng.randint(-3, 3))
        return f"{cents // 100}.{cents % 100:02}"

    def _ask(self, kind: str, key: str, body: bytes, *, tries: int = 0, until_known: bool = False) -> None:
        """Send a request, again and again while its outcome is unknown and patience lasts."""
        simulation = self._simulation
        left = tries or self._tries
        while until_known or left > 0:
            left -= 1
            request = Request(
                simulation.next_number(), self._account, self.name, kind, key, body, kind == "ask" or key != ""
            )
            simulation.trace(self.name, f"sends {request.number} {kind} {key}", body)
            answer = simulation.network.ask(request, self._patience_s)
            if answer is None:
                simulation.trace(self.name, f"knows nothing of {request.number}")
                simulation.count("answer that never came")
            else:
                simulation.trace(self.name, f"got {request.number}: {answer[0]}")
                if self._take(kind, key, answer):
                    return
            sleep(0.01 + self._rng.random() * (0.5 if until_known else 0.1))

    def _take(self, kind: str, key: str, answer: tuple[int, bytes]) -> bool:
        """Note an answer; whether it says what became of the request."""
        status, said = answer[0], _decode(answer[1])
        if status != 200:
            if said["error_code"] in UNKNOWN:
                return False
            if kind == "enter":
                self._unknown.pop(key, None)
            return True
        if kind == "enter":
            self._unknown.pop(key, None)
            self._order_ids.append(said["order_id"])
        elif kind == "batch":
            for result in said["results"]:
                body = result.get("body") or {}
                if result["status"] == 200 and "remaining_quantity" in body:
                    self._unknown.pop(body["client_order_id"], None)
                    self._order_ids.append(body["order_id"])
        return True
