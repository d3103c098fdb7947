"""The server as the tests of the feed ask it: each request over a connection of its own, so that threads may ask."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from tests.server import Answer, Http, RunningServer


class Venue(RunningServer):
    """A server that trades while its feed is listened to."""

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The JSON answer to one request, whatever its status."""
        return self.answer(method, path, body).json

    def answer(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Answer:
        """The answer to one request."""
        with closing(Http(self.url)) as http:
            return http.call(method, path, body, headers)

    def order(self, symbol: str, side: str, quantity: str, price: str | None = None, **further: Any) -> Any:
        """Enter one order, by default a limit order; return the answer, which must be 200."""
        body = {"symbol": symbol, "side": side, "order_type": "limit", "quantity": quantity, "price": price, **further}
        answer = self.answer("POST", "/order", {k: v for k, v in body.items() if v is not None})
        assert answer.status == 200, answer
        return answer.json

    def clear(self, symbol: str) -> None:
        """Cancel everything in one symbol."""
        self.ask("DELETE", f"/orders?symbol={symbol}")
