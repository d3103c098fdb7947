"""The operators' routes that cancel: one order, all of an account, of a symbol, of the venue.

Layer: api.operator.
"""

from __future__ import annotations

from flask import Blueprint, Response, request
from msgspec import UNSET

from api.auth.authenticator import requesting_operator
from api.auth.principals import Principal
from api.auth.service import AuthService
from api.http.documented import Access, documented
from api.http.idempotency import RequestKey, key_of
from api.http.responses import answer, long_answer, query
from api.json.errors import rejected
from api.json.requests import order_id_of
from api.market.service import MarketService
from api.operator.account_routes import AccountNumber, known_account
from api.operator.requests import ConfirmQuery
from api.operator.views import OrderCancelled, OrdersCancelled
from api.orders.keyed import Outcome, earlier_outcome, submit_once
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
        seq, count, accounts, repeated = exchange.seq, 0, set[AccountId](), False
        key = _key_of(operator)
        if key is None:
            outcomes = (Outcome(applied, repeated=False) for applied in orders.cancel_everybodys(symbol))
        else:
            outcomes = (outcome for outcome in orders.cancel_everybodys_once(symbol, key))
        try:
            for applied, was_repeated in outcomes:
                repeated = repeated or was_repeated
                cancelled = [event.account for event in applied.events if isinstance(event, Cancelled)]
                count, seq = count + len(cancelled), applied.seq
                accounts.update(cancelled)
        finally:
            details = {"count": str(count), "accounts": str(len(accounts)), **_repeated(again=repeated)}
            audit(operator, "cancel_all", symbol or "every symbol", details, seq)
        return OrdersCancelled(symbol, count, len(accounts), seq, repeated or UNSET)

    @routes.delete("/orders/<order_id>")
    @documented(Access.OPERATOR, OrderCancelled, keyed=True, errors=(404, 409, 503))
    def cancel_order(order_id: str) -> Response:
        """Cancel anybody's open order."""
        operator = requesting_operator()
        applied, again = _cancelled_one(exchange, sequencer, order_id, _key_of(operator))
        first = applied.events[0]
        if isinstance(first, Rejected):
            raise rejected(first.reason, None, symbol=first.symbol)
        account = str(applied.command.account) if isinstance(applied.command, CancelOrder) else ""
        audit(operator, "cancel", order_id, {"account": account, **_repeated(again=again)}, applied.seq)
        return answer(OrderCancelled(True, order_id, account, applied.seq, again or UNSET))

    @routes.delete("/accounts/<int:account>/orders")
    @documented(Access.OPERATOR, CancelAllAnswer, keyed=True, errors=(404, 409, 503))
    def cancel_account(account: AccountNumber) -> Response:
        """Cancel every open order of an account, which may go on trading."""
        operator = requesting_operator()
        command = CancelAll(known_account(exchange, auth, account, leftover=True), by_operator=True)
        cancelled = orders.cancel_all(command, _key_of(operator))
        details = {"count": str(cancelled.count), **_repeated(again=cancelled.repeated is True)}
        audit(operator, "cancel_all", str(account), details, cancelled.seq)
        return long_answer(cancelled)

    @routes.delete("/symbols/<symbol>/orders")
    @documented(Access.OPERATOR, OrdersCancelled, keyed=True, errors=(404, 409, 503))
    def cancel_symbol(symbol: str) -> Response:
        """Cancel every open order in a symbol, whoever's. Trading goes on: halt it first to keep new ones out."""
        operator = requesting_operator()
        market.instrument(symbol)
        return answer(cancel_everybodys(operator, symbol))

    @routes.delete("/orders")
    @documented(Access.OPERATOR, OrdersCancelled, query=ConfirmQuery, keyed=True, errors=(409, 503))
    def cancel_venue() -> Response:
        """Cancel every open order of the venue, whoever's and in every symbol. Trading goes on."""
        operator = requesting_operator()
        query(ConfirmQuery)
        return answer(cancel_everybodys(operator, None))


def _key_of(operator: Principal) -> RequestKey | None:
    """By what the current request is known again; None where it has no key. Raises Malformed."""
    return key_of(request.environ, operator.account, b"")


def _repeated(*, again: bool) -> dict[str, str]:
    """What the audit trail has of a request that was sent again."""
    return {"repeated": "true"} if again else {}


def _cancelled_one(exchange: Exchange, sequencer: Sequencing, order_id: str, key: RequestKey | None) -> Outcome:
    """What became of the cancel of anybody's order, once under a `key`. Cooperative. Raises ApiError, NotAccepting."""
    known = None if key is None else earlier_outcome(sequencer, key)
    if known is not None:
        return Outcome(known, repeated=True)
    order = exchange.order(order_id_of(order_id))
    if order is None:
        raise rejected(RejectReason.UNKNOWN_ORDER, None)
    return submit_once(sequencer, CancelOrder(order.account, order.order_id, by_operator=True), key)
