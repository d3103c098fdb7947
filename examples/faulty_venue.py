"""A ccxt bot put through faults on demand: what it retries, and that no order of it is lost or there twice.

Needs ccxt, which is no part of Openbell: run it with the Python of an environment that has it, beside a sandbox:
`PYTHON examples/faulty_venue.py http://127.0.0.1:5000`.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from typing import Any
from urllib.request import Request, urlopen

ORDERS = 20
SYMBOL = "BTC/USDT"
PLAN = {  # as in Documentation/faults.md; in a file it would be TOML
    "name": "a bad minute",
    "seed": 7,
    "step": [
        {"for": 60, "latency_ms": 20, "distribution": "exponential"},
        {"for": 60, "kind": "rate_limit", "every": 7, "retry_after_s": 0},
        {"for": 60, "kind": "timestamp", "every": 11},
        {"for": 60, "kind": "error", "when": "after", "on": ["orders"], "probability": "0.3"},
        {"for": 60, "kind": "drop", "when": "after", "on": ["orders"], "every": 5},
    ],
}


def ask(url: str, method: str, path: str, body: Any = None, token: str = "") -> Any:
    """One request of the first wire."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    content = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url + path, content, headers, method=method), timeout=60) as answer:  # noqa: S310
        return json.load(answer)


def exchange_of(ccxt: Any, url: str, key: dict[str, Any]) -> Any:
    """ccxt's own Binance, pointed at this venue."""
    exchange = ccxt.binance({"apiKey": key["key_id"], "secret": key["secret"], "enableRateLimit": False})
    exchange.options |= {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "recvWindow": 10_000}
    exchange.urls["test"] = {"public": f"{url}/api/v3", "private": f"{url}/api/v3"}
    exchange.set_sandbox_mode(True)
    return exchange


def entered(ccxt: Any, exchange: Any, name: str, price: float) -> list[str]:
    """Enter one order until it is answered, under one client order id; what was in the way."""
    in_the_way: list[str] = []
    while True:
        try:
            exchange.create_order(SYMBOL, "limit", "buy", 0.001, price, {"newClientOrderId": name})
            return in_the_way
        except (ccxt.NetworkError, ccxt.InvalidNonce, ccxt.OperationFailed) as problem:  # worth another try
            in_the_way.append(type(problem).__name__)
            time.sleep(0.01)


def main(url: str) -> None:
    """Be somebody new, set the faults, trade through them, and count."""
    ccxt = importlib.import_module("ccxt")
    somebody = ask(url, "POST", "/auth/guest")
    key = ask(url, "POST", "/auth/keys", {"label": "bot", "scopes": ["read", "trade"]}, somebody["token"])
    exchange = exchange_of(ccxt, url, key)
    exchange.load_markets()
    ask(url, "PUT", "/account/faults", PLAN, somebody["token"])
    in_the_way: list[str] = []
    for number in range(ORDERS):
        in_the_way += entered(ccxt, exchange, f"bot-{number}", 20_000 + number)
    injected = ask(url, "GET", "/account/faults", token=somebody["token"])["own"]["injected"]
    ask(url, "DELETE", "/account/faults", token=somebody["token"])
    names = sorted(order["clientOrderId"] for order in exchange.fetch_open_orders(SYMBOL))
    counted = {problem: in_the_way.count(problem) for problem in sorted(set(in_the_way))}
    print(f"injected: {injected}")
    print(f"retried: {counted}")
    print(f"{len(names)} orders, each once: {names == sorted(f'bot-{number}' for number in range(ORDERS))}")
    exchange.cancel_all_orders(SYMBOL)


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
