"""The operators' routes of accounts: who has which, tier and limits, the kill switch, credits.

Only an account that somebody has, or that the exchange has itself, can be operated on: what was set for a number by
a slip would wait for whoever is given it.
Layer: api.operator.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from flask import Blueprint, Response, request
from msgspec import Meta

from api.accounts.requests import ConfigureRequest, ResetRequest, TransferRequest
from api.accounts.reset import ResetView
from api.accounts.service import AccountService
from api.accounts.views import AccountView, BalancesView, account_view
from api.auth.authenticator import SANDBOX, requesting_operator
from api.auth.service import AuthService
from api.http.documented import Access, documented
from api.http.responses import answer, query
from api.json.errors import ApiError
from api.json.requests import decoded
from api.operator.requests import AccountsQuery
from api.operator.views import AccountHolder, AccountRow, AccountsPage, AnyAccount
from engine.exchange import Exchange
from engine.ledger import FEE_ACCOUNT
from engine.types import SANDBOX_ACCOUNT, AccountId
from identity.users import User

BUILT_IN: Final = {FEE_ACCOUNT: "fees", SANDBOX_ACCOUNT: SANDBOX.name}
ACCOUNT_MAX: Final = 2**63 - 1  # journal and databases hold 64 bits

AccountNumber = Annotated[int, Meta(ge=0, le=ACCOUNT_MAX)]


def known_account(exchange: Exchange, auth: AuthService, number: int, *, leftover: bool = False) -> AccountId:
    """An account that somebody has, or the exchange itself. Raises ApiError 404, or IdentityAway.

    `leftover`: also one of which the exchange knows though nobody has it any more, so that its orders can be ended.
    """
    account = AccountId(number)
    if number <= ACCOUNT_MAX and (
        account in BUILT_IN or (leftover and account in exchange.accounts) or auth.user_of(account) is not None
    ):
        return account
    raise ApiError(404, "UNKNOWN_ACCOUNT", "Nobody has that account; GET /admin/accounts lists those that there are.")


def add_accounts(
    routes: Blueprint, exchange: Exchange, accounts: AccountService, auth: AuthService, *, sandbox: bool
) -> None:
    """Add them to the routes of operators."""
    _add_lookups(routes, exchange, accounts, auth, sandbox=sandbox)
    audit = auth.record

    @routes.put("/accounts/<int:account>")
    @documented(Access.OPERATOR, AccountView, body=ConfigureRequest, errors=(404, 422, 503))
    def configure(account: AccountNumber) -> Response:
        """Set fee tier and limits of an account."""
        operator = requesting_operator()
        wanted = decoded(request.get_data(cache=False), ConfigureRequest)
        view = accounts.configure(known_account(exchange, auth, account), wanted)
        audit(operator, "configure", str(account), {"tier": wanted.tier}, view.seq)
        return answer(view)

    @routes.post("/accounts/<int:account>/<any(stop, start):action>")
    @documented(Access.OPERATOR, AccountView, errors=(404, 503))
    def stop(account: AccountNumber, action: Literal["stop", "start"]) -> Response:
        """The kill switch, and its undoing."""
        operator = requesting_operator()
        view = accounts.stop(known_account(exchange, auth, account, leftover=True), stopped=action == "stop")
        audit(operator, action, str(account), {}, view.seq)
        return answer(view)

    @routes.post("/accounts/<int:account>/deposit")
    @documented(Access.OPERATOR, BalancesView, body=TransferRequest, errors=(404, 422, 503))
    def credit(account: AccountNumber) -> Response:
        """Credit any account, without the on-ramp's limit."""
        operator = requesting_operator()
        wanted = decoded(request.get_data(cache=False), TransferRequest)
        view = accounts.deposit(known_account(exchange, auth, account), wanted.asset, wanted.amount)
        audit(operator, "credit", str(account), {"asset": wanted.asset, "amount": str(wanted.amount)}, view.seq)
        return answer(view)

    @routes.post("/accounts/<int:account>/reset")
    @documented(Access.OPERATOR, ResetView, body=ResetRequest, errors=(404, 409, 422, 503))
    def reset(account: AccountNumber) -> Response:
        """Cancel what an account has open, give it these balances and no others, and count its profit from now on."""
        operator = requesting_operator()
        wanted = decoded(request.get_data(cache=False), ResetRequest)
        view = accounts.reset(known_account(exchange, auth, account), wanted.balances, by_operator=True)
        details = {asset: f"{amount:f}" for asset, amount in sorted(wanted.balances.items())}
        audit(operator, "reset", str(account), details, view.seq)
        return answer(view)


def _add_lookups(
    routes: Blueprint, exchange: Exchange, accounts: AccountService, auth: AuthService, *, sandbox: bool
) -> None:
    @routes.get("/accounts")
    @documented(Access.OPERATOR, AccountsPage, query=AccountsQuery, errors=(503,))
    def list_accounts() -> Response:
        """Who has which account, by name; `name` is how theirs begins, `after` the last name of the page before."""
        requesting_operator()
        wanted = query(AccountsQuery)
        page = [_row(exchange, user.account, user) for user in auth.users(wanted.name, wanted.after, wanted.limit)]
        following = page[-1].name if len(page) == wanted.limit else None
        if not wanted.after and sandbox and SANDBOX.name.startswith(wanted.name.lower()):
            page.insert(0, _row(exchange, SANDBOX_ACCOUNT, None))
        return answer(AccountsPage(page, len(page), following))

    @routes.get("/accounts/<int:account>")
    @documented(Access.OPERATOR, AnyAccount, errors=(404, 503))
    def account(account: AccountNumber) -> Response:
        """Who has an account, its tier, limits, status and balances."""
        requesting_operator()
        number = known_account(exchange, auth, account, leftover=True)
        user = None if number in BUILT_IN else auth.user_of(number)
        holder = None if user is None else AccountHolder(user.name, user.role, user.guest, user.disabled)
        return answer(AnyAccount(accounts.account(number), accounts.balances(number).balances, holder))


def _row(exchange: Exchange, account: AccountId, user: User | None) -> AccountRow:
    view = account_view(exchange, account)
    return AccountRow(
        view.id,
        BUILT_IN[account] if user is None else user.name,
        None if user is None else user.role,
        user is not None and user.guest,
        user is not None and user.disabled,
        view.tier,
        view.status,
        view.open_orders,
    )
