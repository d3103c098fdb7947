"""REST accounts: one's own balances, deposits, withdrawals, fills and postings.

Layer: api. Parse, submit, format; nothing is decided here.
"""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint, Response, request
from msgspec import Meta

from api.orders import requests as wire
from api.accounts.views import BalancesView, FillsPage, LedgerPage, OwnAccount, own_account
from api.auth.access import requesting_account, requesting_principal
from api.orders.service import Desk
from api.http.documented import Access, documented
from api.json.errors import ApiError
from listings.numbers import Number
from api.accounts.profit_views import ProfitView
from api.http.responses import answer, query
from api.settings import Settings
from api.accounts.service import Teller
from identity.store import Role, Scope

Asset = Annotated[str, Meta(min_length=1, max_length=16, pattern=wire.SYMBOL_PATTERN)]
Before = Annotated[int, Meta(ge=1, le=wire.MAX_ORDER_ID)]
Limit = Annotated[int, Meta(ge=1, le=wire.MAX_PAGE)]


class TransferRequest(wire.Request, frozen=True):
    """POST /account/deposit and /account/withdraw."""

    asset: Asset
    amount: Number


class FillsQuery(wire.Request, frozen=True):
    """GET /account/fills."""

    symbol: wire.Symbol | None = None
    limit: Limit = 100
    before: Before | None = None  # a trade id


class LedgerQuery(wire.Request, frozen=True):
    """GET /account/ledger."""

    asset: Asset | None = None
    limit: Limit = 100
    before: Before | None = None  # a posting id


def blueprint(teller: Teller, desk: Desk, settings: Settings) -> Blueprint:
    """The routes of accounts."""
    routes = Blueprint("accounts", __name__, url_prefix="/account")

    @routes.get("")
    @documented(Access.ACCOUNT, OwnAccount)
    def account() -> Response:
        """Tier, fees, limits and status of the caller's account, and the caller's role."""
        principal = requesting_principal()
        return answer(own_account(teller.account(principal.account), principal.role))

    @routes.get("/balances")
    @documented(Access.ACCOUNT, BalancesView)
    def balances() -> Response:
        """What the caller has: available, held by open orders, and both."""
        return answer(teller.balances(requesting_account()))

    @routes.get("/profit")
    @documented(Access.ACCOUNT, ProfitView, query=wire.SymbolQuery, errors=(404,))
    def profit() -> Response:
        """Profit and loss of the caller's trades since the first, by average cost; of one symbol when given."""
        return answer(teller.profit(requesting_account(), query(wire.SymbolQuery).symbol))

    @routes.post("/deposit")
    @documented(Access.ACCOUNT, BalancesView, body=TransferRequest, errors=(404, 422, 503))
    def deposit() -> Response:
        """Paper money, up to the on-ramp's limit; from operators only where the on-ramp is off."""
        principal = requesting_principal(Scope.TRADE)
        operator = principal.role is Role.OPERATOR
        if not settings.onramp and not operator:
            raise ApiError(403, "ONRAMP_OFF", "Deposits are made by operators here.")
        wanted = wire.decoded(request.get_data(cache=False), TransferRequest)
        limit = None if operator else settings.onramp_limit
        return answer(teller.deposit(principal.account, wanted.asset, wanted.amount, limit))

    @routes.post("/withdraw")
    @documented(Access.ACCOUNT, BalancesView, body=TransferRequest, errors=(404, 422, 503))
    def withdraw() -> Response:
        """Take what is available out of the venue."""
        account = requesting_account(Scope.WITHDRAW)
        wanted = wire.decoded(request.get_data(cache=False), TransferRequest)
        return answer(teller.withdraw(account, wanted.asset, wanted.amount))

    @routes.get("/fills")
    @documented(Access.ACCOUNT, FillsPage, query=FillsQuery, errors=(404, 503))
    def fills() -> Response:
        """The caller's fills with their fees, newest first; `before` a trade id pages back."""
        account, wanted = requesting_account(), query(FillsQuery)
        page = desk.account_fills(account, wanted.symbol, wanted.before, wanted.limit)
        return answer(FillsPage(page, len(page)))

    @routes.get("/ledger")
    @documented(Access.ACCOUNT, LedgerPage, query=LedgerQuery, errors=(404, 503))
    def ledger() -> Response:
        """Every posting of the caller's account and its cause, newest first; `before` a posting id pages back."""
        account, wanted = requesting_account(), query(LedgerQuery)
        page = desk.postings(account, wanted.asset, wanted.before, wanted.limit)
        return answer(LedgerPage(page, len(page)))

    return routes
