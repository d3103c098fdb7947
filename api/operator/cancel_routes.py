"""The operators' routes that cancel: one order, all of an account, of a symbol, of the venue.

Layer: api.operator.
"""

from __future__ import annotations

from flask import Blueprint, Response

from api.auth.authenticator import requesting_operator
from api.auth.principals import Principal
from api.auth.service import AuthService
from api.http.documented import Access, documented
from api.http.responses import answer, long_answer, query
from api.json.errors import rejected
from api.json.requests import order_id_of
from api.market.service import MarketService
from api.operator.account_routes import AccountNumber, known_account
from api.operator.requests import ConfirmQuery
from api.operator.views import OrderCancelled, OrdersCancelled
from api.orders.service import OrderService
from api.orders.views import CancelAllAnswer
from engine.commands import CancelAll, CancelOrder
from engine.events import Cancelled, Rejected
from engine.exchange import Exchange
from engine.rejects import RejectReason
from engine.types import AccountId
from sequencer.port import Sequencing


def add_cancels(
    routes: Blueprint,
    exchange: Exchange,
    sequencer: Sequencing,
    market: MarketService,
    orders: OrderService,
    auth: AuthService,
) -> None:
    """Add them to the routes of operators."""
    audit = auth.record

    def cancel_everybodys(operator: Principal, symbol: str | None) -> OrdersCancelled:
        """Cancel what is open now, account by account, and note how far it came. Cooperative. Raises NotAccepting."""
        seq, count, accounts = exchange.seq, 0, set[AccountId]()
        try:
            for applied in orders.cancel_everybodys(symbol):
                cancelled = [event.account for event in applied.events if isinstance(event, Cancelled)]
                count, seq = count + len(cancelled), applied.seq
                accounts.update(cancelled)
        finally:
            details = {"count": str(count), "accounts": str(len(accounts))}
            audit(operator, "cancel_all", symbol or "every symbol", details, seq)
        return OrdersCancelled(symbol, count, len(accounts), seq)

    @routes.delete("/orders/<order_id>")
    @documented(Access.OPERATOR, OrderCancelled, errors=(404, 503))
    def cancel_order(order_id: str) -> Response:
        """Cancel anybody's open order."""
        operator = requesting_operator()
        order = exchange.order(order_id_of(order_id))
        if order is None:
            raise rejected(RejectReason.UNKNOWN_ORDER, None)
        applied = sequencer.submit(CancelOrder(order.account, order.order_id, by_operator=True))
        first = applied.events[0]
        if isinstance(first, Rejected):
            raise rejected(first.reason, None, symbol=first.symbol)
        audit(operator, "cancel", order_id, {"account": str(order.account)}, applied.seq)
        return answer(OrderCancelled(True, order_id, str(order.account), applied.seq))

    @routes.delete("/accounts/<int:account>/orders")
    @documented(Access.OPERATOR, CancelAllAnswer, errors=(404, 503))
    def cancel_account(account: AccountNumber) -> Response:
        """Cancel every open order of an account, which may go on trading."""
        operator = requesting_operator()
        cancelled = orders.cancel_all(
            CancelAll(known_account(exchange, auth, account, leftover=True), by_operator=True)
        )
        audit(operator, "cancel_all", str(account), {"count": str(cancelled.count)}, cancelled.seq)
        return long_answer(cancelled)

    @routes.delete("/symbols/<symbol>/orders")
    @documented(Access.OPERATOR, OrdersCancelled, errors=(404, 503))
    def cancel_symbol(symbol: str) -> Response:
        """Cancel every open order in a symbol, whoever's. Trading goes on: halt it first to keep new ones out."""
        operator = requesting_operator()
        market.instrument(symbol)
        return answer(cancel_everybodys(operator, symbol))

    @routes.delete("/orders")
    @documented(Access.OPERATOR, OrdersCancelled, query=ConfirmQuery, errors=(503,))
    def cancel_venue() -> Response:
        """Cancel every open order of the venue, whoever's and in every symbol. Trading goes on."""
        operator = requesting_operator()
        query(ConfirmQuery)
        return answer(cancel_everybodys(operator, None))
