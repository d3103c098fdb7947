"""The operators' routes of accounts: who has which, tier and limits, the kill switch, credits.

Only an account that somebody has, or that the exchange has itself, can be operated on: what was set for a number by
a slip would wait for whoever is given it.
Layer: api.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from flask import Blueprint, Response, request
from msgspec import Meta

from api.accounts import routes as accounts

from api.orders import requests as wire
from api.accounts.views import AccountView, BalancesView, account_view
from api.operator.views import AccountHolder, AccountRow, AccountsPage, AnyAccount
from api.auth.access import SANDBOX, requesting_operator
from api.http.documented import Access, documented
from api.json.errors import ApiError
from api.http.responses import answer, query
from api.accounts.service import ConfigureRequest, Teller
from api.venue import Venue
from engine.ledger import FEE_ACCOUNT
from engine.types import SANDBOX_ACCOUNT, AccountId
from identity.store import User

BUILT_IN: Final = {FEE_ACCOUNT: "fees", SANDBOX_ACCOUNT: SANDBOX.name}
ACCOUNT_MAX: Final = 2**63 - 1  # journal and databases hold 64 bits

AccountNumber = Annotated[int, Meta(ge=0, le=ACCOUNT_MAX)]
Name = Annotated[str, Meta(max_length=32)]


class AccountsQuery(wire.Request, frozen=True):
    """GET /admin/accounts."""

    name: Name = ""  # how it begins, in any case
    after: Name = ""  # the last name of the page before
    limit: Annotated[int, Meta(ge=1, le=wire.MAX_PAGE)] = 100


def known_account(venue: Venue, number: int, *, leftover: bool = False) -> AccountId:
    """An account that somebody has, or the exchange itself. Raises ApiError 404, or IdentityAway.

    `leftover`: also one of which the exchange knows though nobody has it any more, so that its orders can be ended.
    """
    account = AccountId(number)
    if number <= ACCOUNT_MAX and (
        account in BUILT_IN
        or (leftover and account in venue.exchange.accounts)
        or venue.signing.user_of(account) is not None
    ):
        return account
    raise ApiError(404, "UNKNOWN_ACCOUNT", "Nobody has that account; GET /admin/accounts lists those that there are.")


def add_accounts(routes: Blueprint, venue: Venue, teller: Teller) -> None:
    """Add them to the routes of operators."""
    _add_looking(routes, venue, teller)
    audit = venue.signing.record

    @routes.put("/accounts/<int:account>")
    @documented(Access.OPERATOR, AccountView, body=ConfigureRequest, errors=(404, 422, 503))
    def configure(account: AccountNumber) -> Response:
        """Set fee tier and limits of an account."""
        operator = requesting_operator()
        wanted = wire.decoded(request.get_data(cache=False), ConfigureRequest)
        view = teller.configure(known_account(venue, account), wanted)
        audit(operator, "configure", str(account), {"tier": wanted.tier}, view.seq)
        return answer(view)

    @routes.post("/accounts/<int:account>/<any(stop, start):action>")
    @documented(Access.OPERATOR, AccountView, errors=(404, 503))
    def stop(account: AccountNumber, action: Literal["stop", "start"]) -> Response:
        """The kill switch, and its undoing."""
        operator = requesting_operator()
        view = teller.stop(known_account(venue, account, leftover=True), stopped=action == "stop")
        audit(operator, action, str(account), {}, view.seq)
        return answer(view)

    @routes.post("/accounts/<int:account>/deposit")
    @documented(Access.OPERATOR, BalancesView, body=accounts.TransferRequest, errors=(404, 422, 503))
    def credit(account: AccountNumber) -> Response:
        """Credit any account, without the on-ramp's limit."""
        operator = requesting_operator()
        wanted = wire.decoded(request.get_data(cache=False), accounts.TransferRequest)
        view = teller.deposit(known_account(venue, account), wanted.asset, wanted.amount)
        audit(operator, "credit", str(account), {"asset": wanted.asset, "amount": str(wanted.amount)}, view.seq)
        return answer(view)


def _add_looking(routes: Blueprint, venue: Venue, teller: Teller) -> None:
    @routes.get("/accounts")
    @documented(Access.OPERATOR, AccountsPage, query=AccountsQuery, errors=(503,))
    def list_accounts() -> Response:
        """Who has which account, by name; `name` is how theirs begins, `after` the last name of the page before."""
        requesting_operator()
        wanted = query(AccountsQuery)
        page = [
            _row(venue, user.account, user) for user in venue.signing.users(wanted.name, wanted.after, wanted.limit)
        ]
        following = page[-1].name if len(page) == wanted.limit else None
        if not wanted.after and venue.settings.profile == "sandbox" and SANDBOX.name.startswith(wanted.name.lower()):
            page.insert(0, _row(venue, SANDBOX_ACCOUNT, None))
        return answer(AccountsPage(page, len(page), following))

    @routes.get("/accounts/<int:account>")
    @documented(Access.OPERATOR, AnyAccount, errors=(404, 503))
    def account(account: AccountNumber) -> Response:
        """Who has an account, its tier, limits, status and balances."""
        requesting_operator()
        number = known_account(venue, account, leftover=True)
        user = None if number in BUILT_IN else venue.signing.user_of(number)
        holder = None if user is None else AccountHolder(user.name, user.role, user.guest, user.disabled)
        return answer(AnyAccount(teller.account(number), teller.balances(number).balances, holder))


def _row(venue: Venue, account: AccountId, user: User | None) -> AccountRow:
    view = account_view(venue.exchange, account)
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
