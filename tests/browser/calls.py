"""Calls to the server from elsewhere than the browser."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import Request, urlopen

from tests.server import RunningServer

SYMBOL = "SOL-USDT"


def asked(server: RunningServer, method: str, path: str, body: dict[str, str] | None = None, token: str = "") -> Any:
    """What the server answers the built-in account, or whose token it is."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = Request(server.url + path, data, headers, method=method)  # noqa: S310
    with urlopen(request) as response:  # noqa: S310 - our own server
        return json.load(response)


def entered(server: RunningServer, side: str, quantity: str, price: str | None = None, symbol: str = SYMBOL) -> str:
    """An order of the built-in account; its id."""
    kind = {"order_type": "limit", "price": price} if price else {"order_type": "market"}
    return asked(server, "POST", "/order", {"symbol": symbol, "side": side, "quantity": quantity, **kind})["order_id"]
