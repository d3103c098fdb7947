"""A client of the second wire, written by what the other venue documents alone."""

from __future__ import annotations

import hashlib
import hmac
import time
from base64 import b64encode
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.api.clients import PASSWORD, bearer, created, sign_up
from tests.server import Answer, Http

Key = dict[str, Any]


def funded_user(http: Http, *funds: tuple[str, str]) -> dict[str, Any]:
    """A new user, signed in, with paper money."""
    user = sign_up(http)
    for asset, amount in funds or (("USDT", "100000"), ("BTC", "10")):
        http.call("POST", "/account/deposit", {"asset": asset, "amount": amount}, bearer(user)).granted()
    return user


def key_of(http: Http, user: dict[str, Any], *scopes: str, **more: Any) -> Key:
    """A key of a user."""
    wanted = {"label": "bot", "scopes": scopes or ("read", "trade"), "password": PASSWORD} | more
    key: Key = created(http.call("POST", "/auth/keys", wanted, bearer(user)))
    return key


def signed_text(key: Key, params: dict[str, Any], sent: str | None = None) -> str:
    """Parameters as a query or form, with time and signature; `sent` is what is signed before them."""
    text = urlencode({"timestamp": time.time_ns() // 10**6, "recvWindow": 60_000} | params)
    message = ((sent or "") + text).encode()
    if "private" in key:
        private: Ed25519PrivateKey = key["private"]
        signature = urlencode({"signature": b64encode(private.sign(message)).decode()})
    else:
        signature = f"signature={hmac.new(key['secret'].encode(), message, hashlib.sha256).hexdigest()}"
    return f"{text}&{signature}"


class Trader:
    """One account's requests, signed; those that have a body send a form, as most clients do."""

    def __init__(self, http: Http, key: Key) -> None:
        self.http = http
        self.key = key

    def ask(self, method: str, path: str, **params: Any) -> Answer:
        """Send one request."""
        text = signed_text(self.key, params)
        headers = {"X-MBX-APIKEY": self.key["key_id"]}
        if method in ("POST", "PUT"):
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            return self.http.call(method, path, text.encode(), headers)
        return self.http.call(method, f"{path}?{text}", None, headers)

    def granted(self, method: str, path: str, **params: Any) -> Any:
        """The body of a request that is granted."""
        return self.ask(method, path, **params).granted()

    def refused(self, method: str, path: str, **params: Any) -> tuple[int, str]:
        """Code and words of a refusal."""
        return refusal(self.ask(method, path, **params))

    def order(self, side: str, quantity: str, price: str | None = None, **more: Any) -> Any:
        """Enter a limit order, or without a price a market order."""
        limited = {} if price is None else {"price": price, "timeInForce": "GTC"}
        kind = "MARKET" if price is None else "LIMIT"
        asked = {"symbol": "BTCUSDT", "side": side, "type": kind, "quantity": quantity} | limited | more
        return self.granted("POST", "/api/v3/order", **asked)


def refusal(answer: Answer) -> tuple[int, str]:
    """Code and words of an answer that is none, in the shape of that wire."""
    assert answer.status >= 400, answer.content
    body = answer.json
    assert {"code", "msg"} <= body.keys() <= {"code", "msg", "data"}, body
    return body["code"], body["msg"]
