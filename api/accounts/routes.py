"""REST accounts: one's own balances, deposits, withdrawals, fills and postings.

Layer: api.accounts. Parse, submit, format; nothing is decided here.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from api.accounts.profit_views import ProfitView
from api.accounts.ranking import RankingView
from api.accounts.requests import FillsQuery, LedgerQuery, RankingQuery, ResetRequest, TransferRequest
from api.accounts.reset import ResetView
from api.accounts.service import AccountService
from api.accounts.views import BalancesView, FillsPage, LedgerPage, OwnAccount, own_account
from api.auth.authenticator import requesting_account, requesting_principal
from api.http.documented import Access, documented
from api.http.idempotency import key_of
from api.http.responses import answer, long_answer, query
from api.json.errors import ApiError
from api.json.requests import SymbolQuery, decoded
from api.settings import Settings
from engine.types import SANDBOX_ACCOUNT
from identity.users import Role, Scope
from listings.numbers import decimal_of


def blueprint(service: AccountService, settings: Settings) -> Blueprint:
    """The routes of accounts."""
    routes = Blueprint("accounts", __name__, url_prefix="/account")

    @routes.get("")
    @documented(Access.ACCOUNT, OwnAccount)
    def account() -> Response:
        """Tier, fees, limits and status of the caller's account, and the caller's role."""
        principal = requesting_principal()
        return answer(own_account(service.account(principal.account), principal.role))

    @routes.get("/balances")
    @documented(Access.ACCOUNT, BalancesView)
    def balances() -> Response:
        """What the caller has: available, held by open orders, and both."""
        return answer(service.balances(requesting_account()))

    @routes.get("/profit")
    @documented(Access.ACCOUNT, ProfitView, query=SymbolQuery, errors=(404,))
    def profit() -> Response:
        """Profit and loss of the caller's trades since the first, by average cost; of one symbol when given."""
        return answer(service.profit(requesting_account(), query(SymbolQuery).symbol))

    @routes.post("/deposit")
    @documented(Access.ACCOUNT, BalancesView, body=TransferRequest, keyed=True, errors=(404, 409, 422, 503))
    def deposit() -> Response:
        """Paper money, up to the on-ramp's limit; from operators only where the on-ramp is off."""
        principal = requesting_principal(Scope.TRADE)
        operator = principal.role is Role.OPERATOR
        if not settings.onramp and not operator:
            raise ApiError(403, "ONRAMP_OFF", "Deposits are made by operators here.")
        body = request.get_data(cache=False)
        wanted, key = decoded(body, TransferRequest), key_of(request.environ, principal.account, body)
        limit = None if operator else settings.onramp_limit
        return answer(service.deposit(principal.account, wanted.asset, wanted.amount, limit, key))

    @routes.post("/withdraw")
    @documented(Access.ACCOUNT, BalancesView, body=TransferRequest, keyed=True, errors=(404, 409, 422, 503))
    def withdraw() -> Response:
        """Take what is available out of the venue."""
        account, body = requesting_account(Scope.WITHDRAW), request.get_data(cache=False)
        wanted, key = decoded(body, TransferRequest), key_of(request.environ, account, body)
        return answer(service.withdraw(account, wanted.asset, wanted.amount, key))

    @routes.get("/ranking")
    @documented(Access.ACCOUNT, RankingView, query=RankingQuery, errors=(404, 503))
    def ranking() -> Response:
        """Who made most, where the venue shows it (`--ranking`): others' names only where it says so, no accounts."""
        own, wanted = requesting_account(), query(RankingQuery)
        if settings.ranking == "off":
            raise ApiError(403, "RANKING_OFF", "The ranking is for operators only here.")
        named = settings.ranking == "names"
        return answer(service.ranking(wanted.asset, wanted.after, wanted.limit, own=own, named=named, numbered=False))

    @routes.post("/reset")
    @documented(Access.ACCOUNT, ResetView, body=ResetRequest, errors=(404, 409, 422, 503))
    def reset() -> Response:
        """Begin anew, in the sandbox: cancel what is open, have these balances and no others, count profit from now on.

        Up to the on-ramp's limit of each asset, but for the built-in account.
        """
        principal = requesting_principal(Scope.WITHDRAW)
        wanted = decoded(request.get_data(cache=False), ResetRequest)
        if not settings.sandbox:
            raise ApiError(403, "SANDBOX_ONLY", "Accounts are reset by operators here.")
        if not settings.onramp:
            raise ApiError(403, "ONRAMP_OFF", "Deposits are made by operators here.")
        most = None if principal.account == SANDBOX_ACCOUNT else decimal_of(settings.onramp_limit)
        return answer(service.reset(principal.account, wanted.balances, by_operator=False, most=most))

    @routes.get("/fills")
    @documented(Access.ACCOUNT, FillsPage, query=FillsQuery, errors=(404, 503))
    def fills() -> Response:
        """The caller's fills with their fees, newest first; `before` a trade id pages back."""
        account, wanted = requesting_account(), query(FillsQuery)
        page = service.fills(account, wanted.symbol, wanted.before, wanted.limit)
        return long_answer(FillsPage(page, len(page)))

    @routes.get("/ledger")
    @documented(Access.ACCOUNT, LedgerPage, query=LedgerQuery, errors=(404, 503))
    def ledger() -> Response:
        """Every posting of the caller's account and its cause, newest first; `before` a posting id pages back."""
        account, wanted = requesting_account(), query(LedgerQuery)
        page = service.postings(account, wanted.asset, wanted.before, wanted.limit)
        return long_answer(LedgerPage(page, len(page)))

    return routes
