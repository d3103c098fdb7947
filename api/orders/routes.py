"""REST order entry: enter, cancel, amend and look up one's own orders.

Layer: api.orders. Parse, submit, format; nothing is decided here.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from api.auth.authenticator import requesting_account
from api.http.bodies import HEADERS
from api.http.documented import Access, documented
from api.http.idempotency import key_of
from api.http.limits import charge
from api.http.responses import answer, long_answer, query
from api.json.requests import SymbolQuery
from api.orders import requests
from api.orders.amend_views import AmendAnswer
from api.orders.batch import BODIES, ELEMENTS, BatchAnswer, BatchRequest
from api.orders.entry import OrderEntry
from api.orders.lookup import OrderLookup
from api.orders.preview_views import PreviewAnswer
from api.orders.requests import (
    AmendRequest,
    CancelAllQuery,
    CancelRequest,
    OrderRequest,
    OrdersQuery,
    cancel_all_command,
)
from api.orders.service import OrderService
from api.orders.views import CancelAllAnswer, CancelAnswer, OrderAnswer, OrdersPage, OrderView
from engine.exchange import Exchange


def blueprint(entry: OrderEntry, service: OrderService, lookup: OrderLookup, exchange: Exchange) -> Blueprint:
    """The routes of order entry. What comes by the lane does not come here."""
    routes = Blueprint("orders", __name__)

    @routes.post("/order")
    @documented(Access.ACCOUNT, OrderAnswer, body=OrderRequest, errors=(409, 503))
    def enter_order() -> Response:
        """Enter one order; answer with what became of it. Idempotent on `client_order_id`."""
        return _answer(entry.enter(request.environ, request.get_data(cache=False), requesting_account()))

    @routes.post("/order/test")
    @documented(Access.ACCOUNT, PreviewAnswer, body=OrderRequest)
    def test_order() -> Response:
        """What POST /order would do with the same body; nothing is entered.

        The answer is 200 whether the rules would take the order or not; `accepted` tells.
        """
        command = requests.enter_order(request.get_data(cache=False), requesting_account(), exchange)
        return answer(service.test(command))

    @routes.post("/cancel")
    @documented(Access.ACCOUNT, CancelAnswer, body=CancelRequest, keyed=True, errors=(404, 409, 503))
    def cancel_order() -> Response:
        """Cancel one order by our id or by the trader's."""
        return _answer(entry.cancel(request.environ, request.get_data(cache=False), requesting_account()))

    @routes.post("/orders/batch")
    @documented(
        Access.ACCOUNT,
        BatchAnswer,
        body=BatchRequest,
        long_body=True,
        keyed=True,
        errors=(409, 503),
        named=(*ELEMENTS, *BODIES),
    )
    def batch_of_orders() -> Response:
        """Enter, cancel and amend up to 1000 orders, one behind the other with nothing in between.

        Each result is as its single call would answer, with its own status; one that fails keeps no other from its way.
        """
        account = requesting_account()
        return _answer(entry.batch(request.environ, request.get_data(cache=False), account, charge))

    @routes.get("/order/<order_id>")
    @documented(Access.ACCOUNT, OrderView, query=SymbolQuery, errors=(404, 503))
    def get_order(order_id: str) -> Response:
        """One order, open or done, with its fills and its place in the queue."""
        symbol = query(SymbolQuery).symbol
        return answer(lookup.order(order_id, requesting_account(), symbol))

    @routes.delete("/order/<order_id>")
    @documented(Access.ACCOUNT, CancelAnswer, query=SymbolQuery, keyed=True, errors=(404, 409, 503))
    def delete_order(order_id: str) -> Response:
        """Cancel one order by our id; it must be in `symbol` when that is given."""
        symbol = query(SymbolQuery).symbol
        return _answer(entry.delete(request.environ, order_id, symbol, requesting_account()))

    @routes.patch("/order/<order_id>")
    @documented(
        Access.ACCOUNT, AmendAnswer, query=SymbolQuery, body=AmendRequest, keyed=True, errors=(404, 409, 422, 503)
    )
    def amend_order(order_id: str) -> Response:
        """Change an open order; the answer is the order, whether it kept its place, and its trades by this change.

        It must be in `symbol` when that is given.
        """
        symbol, body = query(SymbolQuery).symbol, request.get_data(cache=False)
        return _answer(entry.amend(request.environ, body, order_id, symbol, requesting_account()))

    @routes.get("/orders")
    @documented(Access.ACCOUNT, OrdersPage, query=OrdersQuery, errors=(404, 503))
    def list_orders() -> Response:
        """The caller's orders, newest first."""
        wanted, account = query(OrdersQuery), requesting_account()
        charge(lookup.open_orders_units(account))
        return long_answer(lookup.orders(wanted, account))

    @routes.delete("/orders")
    @documented(Access.ACCOUNT, CancelAllAnswer, query=CancelAllQuery, keyed=True, errors=(404, 409, 503))
    def cancel_all_orders() -> Response:
        """Cancel every open order of the caller, of one symbol or side when given."""
        account = requesting_account()
        command = cancel_all_command(query(CancelAllQuery), account, exchange)
        return long_answer(service.cancel_all(command, key_of(request.environ, account, b"")))

    return routes


def _answer(body: bytes) -> Response:
    return Response(body, 200, HEADERS)
