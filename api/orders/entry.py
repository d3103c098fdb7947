"""What order entry answers over REST: a request's body and whose it is -> the body of the answer.

The views of Flask and the lane call the same functions, so that both answer alike. Every method is cooperative, and
raises what the answer to a refusal is made of.
Layer: api.orders.
"""

from __future__ import annotations

from collections.abc import Callable

from api.http.bodies import body_of, long_body
from api.http.idempotency import key_of
from api.http.processing import processing_of
from api.http.wsgi import Environ
from api.orders import requests
from api.orders.batch import batch_of_body
from api.orders.requests import CancelRequest, cancel_command
from api.orders.service import OrderService
from engine.exchange import Exchange
from engine.types import AccountId


class OrderEntry:
    """The ways to enter, change and cancel orders that are taken thousands of times a second."""

    def __init__(self, service: OrderService, exchange: Exchange) -> None:
        self._service = service
        self._exchange = exchange

    def enter(self, environ: Environ, body: bytes, account: AccountId) -> bytes:
        """POST /order."""
        processing = processing_of(environ)
        return body_of(self._service.enter(requests.enter_order(body, account, self._exchange), processing))

    def cancel(self, environ: Environ, body: bytes, account: AccountId) -> bytes:
        """POST /cancel."""
        processing, key = processing_of(environ), key_of(environ, account, body)
        if key is not None and (answer := self._service.repeated(key, processing)) is not None:
            return body_of(answer)
        return body_of(self._service.cancel(requests.cancel_order(body, account, self._exchange), processing, key))

    def batch(self, environ: Environ, body: bytes, account: AccountId, charge: Callable[[int], None]) -> bytes:
        """POST /orders/batch. `charge` counts what its orders cost beyond one request."""
        processing, key = processing_of(environ), key_of(environ, account, body)
        commands = batch_of_body(body, account, self._exchange)
        charge(len(commands) - 1)
        return long_body(self._service.batch(commands, processing, key))

    def delete(self, environ: Environ, order_id: str, symbol: str | None, account: AccountId) -> bytes:
        """DELETE /order/{order_id}; it must be in `symbol` when that is given."""
        processing, key = processing_of(environ), key_of(environ, account, b"")
        if key is not None and (answer := self._service.repeated(key, processing)) is not None:
            return body_of(answer)
        wanted = cancel_command(CancelRequest(order_id=order_id, symbol=symbol), account, self._exchange)
        return body_of(self._service.cancel(wanted, processing, key))

    def amend(self, environ: Environ, body: bytes, order_id: str, symbol: str | None, account: AccountId) -> bytes:
        """PATCH /order/{order_id}; it must be in `symbol` when that is given."""
        key = key_of(environ, account, body)
        if key is not None and (answer := self._service.repeated(key, processing_of(environ))) is not None:
            return body_of(answer)
        return body_of(self._service.amend(requests.amend_order(body, order_id, account, self._exchange), symbol, key))
