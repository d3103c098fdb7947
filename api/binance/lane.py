"""The fast way in for the second wire's ordinary orders: POST and DELETE /api/v3/order, signed, without Flask.

`tests/api/binance/test_second_lane.py` sends requests both ways and compares the bytes.
Layer: api.binance.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from api.auth.principals import Principal
from api.binance.errors import of_failure
from api.binance.orders import BinanceOrders
from api.binance.requests import CancelOrder, NewOrder, read
from api.binance.signing import PARAMETERS, Signing, allowed
from api.binance.surface import error_answer, note_refusal
from api.binance.weights import Weights
from api.http.bodies import body_of
from api.http.limits import Counted
from api.http.processing import processing_of
from api.http.wsgi import Answer, Environ, Headers
from api.json.requests import PLAIN_BODY_BYTES
from api.orders.lane import Handler
from identity.users import Scope

ORDER: Final = "/api/v3/order"


class SecondLane:
    """The second wire as the lane needs it (`api.orders.lane.LaneWire`)."""

    def __init__(self, orders: BinanceOrders, signing: Signing, weights: Weights) -> None:
        self._orders = orders
        self._signing = signing
        self._weights = weights

    def handler_of(self, environ: Environ, body: bytes) -> tuple[Handler, str] | None:
        """Who answers a request, and by which route of Flask's; None where that is left to Flask."""
        if len(body) > PLAIN_BODY_BYTES:
            return None
        method = environ["REQUEST_METHOD"]
        if method == "POST":
            return self._place, ORDER
        return (self._cancel, ORDER) if method == "DELETE" else None

    def principal(self, environ: Environ, body: Callable[[], bytes]) -> Principal:
        """Who signed a request. Raises BinanceError."""
        return self._signing.of(environ, body)

    def failed(self, problem: Exception, environ: Environ, principal: Principal | None) -> Answer:
        """The answer to a request that raised."""
        error = of_failure(problem, environ)
        note_refusal(error, environ, principal)
        return error_answer(error)

    def headers(self, environ: Environ, principal: Principal | None) -> Headers:
        """What every answer has besides."""
        return self._weights.headers(environ, principal)

    def _place(self, environ: Environ, _body: bytes, principal: Principal, _counted: Counted | None) -> bytes:
        trader = allowed(principal, Scope.TRADE)
        return body_of(self._orders.place(read(environ[PARAMETERS], NewOrder), trader, processing_of(environ)))

    def _cancel(self, environ: Environ, _body: bytes, principal: Principal, _counted: Counted | None) -> bytes:
        trader = allowed(principal, Scope.TRADE)
        return body_of(self._orders.cancel(read(environ[PARAMETERS], CancelOrder), trader))
