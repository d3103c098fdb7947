"""The operators' routes that cancel: one order, all of an account, of a symbol, of the venue.

Layer: api.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from flask import Blueprint, Response

from api.orders import requests as wire
from api.operator.account_routes import AccountNumber, known_account
from api.operator.views import OrderCancelled, OrdersCancelled
from api.orders.views import CancelAllAnswer
from api.auth.access import requesting_operator
from api.auth.credentials import Principal
from api.orders.service import Desk
from api.http.documented import Access, documented
from api.json.errors import rejected
from api.http.responses import answer, query
from api.venue import Venue
from engine.accounts import Account
from engine.commands import CancelAll, CancelOrder
from engine.events import Cancelled, Rejected
from engine.rejects import RejectReason
from engine.types import AccountId

ORDERS_AT_ONCE: Final = 1_000  # cancelled before others have their turn, but for those of one account


class ConfirmQuery(wire.Request, frozen=True):
    """DELETE /admin/orders."""

    confirm: Literal["all"]  # so that a path cut short cancels nothing


def add_cancels(routes: Blueprint, venue: Venue, desk: Desk) -> None:
    """Add them to the routes of operators."""
    audit = venue.signing.record

    @routes.delete("/orders/<order_id>")
    @documented(Access.OPERATOR, OrderCancelled, errors=(404, 503))
    def cancel_order(order_id: str) -> Response:
        """Cancel anybody's open order."""
        operator = requesting_operator()
        order = venue.exchange.order(wire.order_id_of(order_id))
        if order is None:
            raise rejected(RejectReason.UNKNOWN_ORDER, None)
        applied = venue.sequencer.submit(CancelOrder(order.account, order.order_id, by_operator=True))
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
        cancelled = desk.cancel_all(CancelAll(known_account(venue, account, leftover=True), by_operator=True))
        audit(operator, "cancel_all", str(account), {"count": str(cancelled.count)}, cancelled.seq)
        return answer(cancelled)

    @routes.delete("/symbols/<symbol>/orders")
    @documented(Access.OPERATOR, OrdersCancelled, errors=(404, 503))
    def cancel_symbol(symbol: str) -> Response:
        """Cancel every open order in a symbol, whoever's. Trading goes on: halt it first to keep new ones out."""
        operator = requesting_operator()
        desk.instrument(symbol)
        return answer(_cancel_everybodys(venue, operator, symbol))

    @routes.delete("/orders")
    @documented(Access.OPERATOR, OrdersCancelled, query=ConfirmQuery, errors=(503,))
    def cancel_venue() -> Response:
        """Cancel every open order of the venue, whoever's and in every symbol. Trading goes on."""
        operator = requesting_operator()
        query(ConfirmQuery)
        return answer(_cancel_everybodys(venue, operator, None))


def _cancel_everybodys(venue: Venue, operator: Principal, symbol: str | None) -> OrdersCancelled:
    """Cancel what is open now, account by account, and note how far it came. Cooperative. Raises NotAccepting."""
    seq, orders, accounts = venue.exchange.seq, 0, 0
    try:
        for commands in turns(venue.exchange.accounts, symbol):
            for applied in venue.sequencer.submit_all(commands):
                cancelled = sum(isinstance(event, Cancelled) for event in applied.events)
                orders, accounts, seq = orders + cancelled, accounts + (cancelled > 0), applied.seq
    finally:
        details = {"count": str(orders), "accounts": str(accounts)}
        venue.signing.record(operator, "cancel_all", symbol or "every symbol", details, seq)
    return OrdersCancelled(symbol, orders, accounts, seq)


def turns(accounts: Mapping[AccountId, Account], symbol: str | None) -> Iterator[list[CancelAll]]:
    """A command for each account that has open orders, as many at a time as cancel about `ORDERS_AT_ONCE`."""
    turn: list[CancelAll] = []
    orders = 0
    for number, owner in list(accounts.items()):
        count = len(owner.open_orders) if symbol is None else owner.open_count.get(symbol, 0)
        if not count:
            continue
        turn.append(CancelAll(number, symbol, by_operator=True))
        orders += count
        if orders >= ORDERS_AT_ONCE:
            yield turn
            turn, orders = [], 0
    if turn:
        yield turn
