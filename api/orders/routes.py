"""REST order entry: enter, cancel, amend and look up one's own orders.

Layer: api.orders. Parse, submit, format; nothing is decided here.
"""

from __future__ import annotations

import time

from flask import Blueprint, Response, request

from api.auth.authenticator import requesting_account
from api.http.documented import Access, documented
from api.http.limits import charge
from api.http.responses import answer, long_answer, query
from api.json.requests import SymbolQuery
from api.orders import requests
from api.orders.amend_views import AmendAnswer
from api.orders.batch import BODIES, ELEMENTS, BatchAnswer, BatchRequest, batch_of_body
from api.orders.lookup import OrderLookup
from api.orders.preview_views import PreviewAnswer
from api.orders.requests import (
    AmendRequest,
    CancelAllQuery,
    CancelRequest,
    OrderRequest,
    OrdersQuery,
    cancel_all_command,
    cancel_command,
)
from api.orders.service import OrderService
from api.orders.views import CancelAllAnswer, CancelAnswer, OrderAnswer, OrdersPage, OrderView
from engine.exchange import Exchange


def blueprint(service: OrderService, lookup: OrderLookup, exchange: Exchange) -> Blueprint:
    """The routes of order entry."""
    routes = Blueprint("orders", __name__)

    @routes.post("/order")
    @documented(Access.ACCOUNT, OrderAnswer, body=OrderRequest, errors=(409, 503))
    def enter_order() -> Response:
        """Enter one order; answer with what became of it. Idempotent on `client_order_id`."""
        started = time.perf_counter()
        command = requests.enter_order(request.get_data(cache=False), requesting_account(), exchange)
        return answer(service.enter(command, started))

    @routes.post("/order/test")
    @documented(Access.ACCOUNT, PreviewAnswer, body=OrderRequest)
    def test_order() -> Response:
        """What POST /order would do with the same body; nothing is entered.

        The answer is 200 whether the rules would take the order or not; `accepted` tells.
        """
        command = requests.enter_order(request.get_data(cache=False), requesting_account(), exchange)
        return answer(service.test(command))

    @routes.post("/cancel")
    @documented(Access.ACCOUNT, CancelAnswer, body=CancelRequest, errors=(404, 409, 503))
    def cancel_order() -> Response:
        """Cancel one order by our id or by the trader's."""
        started = time.perf_counter()
        command = requests.cancel_order(request.get_data(cache=False), requesting_account(), exchange)
        return answer(service.cancel(command, started))

    @routes.post("/orders/batch")
    @documented(
        Access.ACCOUNT,
        BatchAnswer,
        body=BatchRequest,
        long_body=True,
        errors=(503,),
        named=(*ELEMENTS, *BODIES),
    )
    def batch_of_orders() -> Response:
        """Enter, cancel and amend up to 1000 orders, one behind the other with nothing in between.

        Each result is as its single call would answer, with its own status; one that fails keeps no other from its way.
        """
        started = time.perf_counter()
        account = requesting_account()
        commands = batch_of_body(request.get_data(cache=False), account, exchange)
        charge(len(commands) - 1)
        return long_answer(service.batch(commands, started))

    @routes.get("/order/<order_id>")
    @documented(Access.ACCOUNT, OrderView, query=SymbolQuery, errors=(404, 503))
    def get_order(order_id: str) -> Response:
        """One order, open or done, with its fills and its place in the queue."""
        symbol = query(SymbolQuery).symbol
        return answer(lookup.order(order_id, requesting_account(), symbol))

    @routes.delete("/order/<order_id>")
    @documented(Access.ACCOUNT, CancelAnswer, query=SymbolQuery, errors=(404, 409, 503))
    def delete_order(order_id: str) -> Response:
        """Cancel one order by our id; it must be in `symbol` when that is given."""
        started = time.perf_counter()
        wanted = CancelRequest(order_id=order_id, symbol=query(SymbolQuery).symbol)
        return answer(service.cancel(cancel_command(wanted, requesting_account(), exchange), started))

    @routes.patch("/order/<order_id>")
    @documented(Access.ACCOUNT, AmendAnswer, query=SymbolQuery, body=AmendRequest, errors=(404, 409, 422, 503))
    def amend_order(order_id: str) -> Response:
        """Change an open order; the answer is the order, whether it kept its place, and its trades by this change.

        It must be in `symbol` when that is given.
        """
        symbol = query(SymbolQuery).symbol
        command = requests.amend_order(request.get_data(cache=False), order_id, requesting_account(), exchange)
        return answer(service.amend(command, symbol))

    @routes.get("/orders")
    @documented(Access.ACCOUNT, OrdersPage, query=OrdersQuery, errors=(404, 503))
    def list_orders() -> Response:
        """The caller's orders, newest first."""
        return long_answer(lookup.orders(query(OrdersQuery), requesting_account()))

    @routes.delete("/orders")
    @documented(Access.ACCOUNT, CancelAllAnswer, query=CancelAllQuery, errors=(404, 503))
    def cancel_all_orders() -> Response:
        """Cancel every open order of the caller, of one symbol or side when given."""
        command = cancel_all_command(query(CancelAllQuery), requesting_account(), exchange)
        return long_answer(service.cancel_all(command))

    return routes
