"""Every request that a key makes one, sent once and again: what is answered the second time; and it did nothing."""

from __future__ import annotations

from typing import Any, Final

from tests.server import Answer, Http

SYMBOL: Final = "BTC-USDT"
ORDER: Final = {"symbol": SYMBOL, "side": "buy", "order_type": "limit", "quantity": "0.01", "price": "100.00"}
MANY: Final = 250  # orders that a mass cancel takes in parts
LASTING: Final = (
    *("results", "body", "order_id", "client_order_id", "priority", "trades", "error_code", "success", "account"),
    *("cancelled", "count"),
)

Sent = tuple[str, str, str, Any, dict[str, str]]  # what it is, method, path, body, headers


class Repetitions:
    """Requests of one account, each with its first answer."""

    def __init__(self, http: Http) -> None:
        token = str(http.call("POST", "/auth/guest").json["token"])
        self._account = {"Authorization": f"Bearer {token}"}
        self._first: list[tuple[Sent, Answer]] = []
        self._state: Any = None
        self._ask(http)

    def verify(self, http: Http) -> None:
        """Send all of them again: each is answered as the first time, and nothing changes."""
        differ = []
        for sent, first in self._first:
            again = self._send(http, sent)
            same = lasting(again.json) == lasting(first.json)
            if sent[2] == "/order":  # as it is now: it has a name of its own, and no key
                same = again.json["order_id"] == first.json["order_id"]
            is_repeated = first.status != 200 or again.json["repeated"] is True
            if again.status != first.status or not same or not is_repeated:
                differ.append((sent[0], first, again))
        assert not differ, "\n".join(map(str, differ))
        assert self._all(http) == self._state

    def _ask(self, http: Http) -> None:
        def resting() -> str:
            return str(http.call("POST", "/order", ORDER, self._account).granted()["order_id"])

        one, other, third = resting(), resting(), resting()
        self._once(http, "order", "POST", "/order", ORDER | {"client_order_id": "again"})
        self._once(http, "deposit", "POST", "/account/deposit", {"asset": "USDT", "amount": "7"})
        self._once(http, "cancel", "POST", "/cancel", {"order_id": one})
        self._once(http, "cancel too late", "POST", "/cancel", {"order_id": one})
        self._once(http, "delete", "DELETE", f"/order/{other}", None)
        self._once(http, "amend", "PATCH", f"/order/{third}", {"quantity": "0.02"})
        elements = [
            ORDER | {"client_order_id": "in-a-batch"},
            ORDER | {"side": "up"},
            ORDER | {"price": "100.001"},
            {"op": "amend", "order_id": third, "price": "99.00"},
            {"op": "cancel", "order_id": third},
            ORDER,
            ORDER | {"order_type": "market", "price": None, "quantity": "0.001"},
            ORDER,
        ]
        self._once(http, "batch", "POST", "/orders/batch", {"orders": elements})
        self._once(http, "mass cancel", "DELETE", "/orders?side=buy", None)
        http.call("POST", "/orders/batch", {"orders": [ORDER] * MANY}, self._account).granted()
        self._once(http, "mass cancel of many", "DELETE", f"/orders?symbol={SYMBOL}", None)
        resting()
        self._state = self._all(http)
        self.verify(http)

    def _once(self, http: Http, name: str, method: str, path: str, body: Any) -> None:
        keyed = {} if path == "/order" else {"Idempotency-Key": name.replace(" ", "-")}
        sent = (name, method, path, body, self._account | keyed)
        answer = self._send(http, sent)
        assert answer.status in (200, 409), answer
        self._first.append((sent, answer))

    def _send(self, http: Http, sent: Sent) -> Answer:
        return http.call(*sent[1:])

    def _all(self, http: Http) -> Any:
        """What the account has: its open orders, and its money."""
        orders = http.call("GET", "/orders?status=open", None, self._account).granted()["orders"]
        balances = http.call("GET", "/account/balances", None, self._account).granted()["balances"]
        return [order["order_id"] for order in orders], balances


def lasting(answer: Any) -> Any:
    """Of an answer what is the same whenever it is given: an amended order and a balance are said as they are now."""
    if isinstance(answer, dict):
        return {name: lasting(answer[name]) for name in LASTING if name in answer}
    return [lasting(each) for each in answer] if isinstance(answer, list) else answer
