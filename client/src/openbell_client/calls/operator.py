"""What operators do: symbols, accounts, users, the venue.

Layer: openbell_client.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from openbell_client.answers import (
    AccountsPage,
    AccountView,
    AnyAccount,
    AnyUser,
    AuditTrail,
    BalancesView,
    BooksBalance,
    CancelAllAnswer,
    ClassMade,
    ClockFollowed,
    OrderCancelled,
    OrdersCancelled,
    PasswordReset,
    RankingView,
    ResetView,
    StoodDown,
    Success,
    SymbolListed,
    SymbolSchedule,
    SymbolStatus,
    UserChanged,
)
from openbell_client.calls.call import Call, Repeat, change, get, segment
from openbell_client.requests import (
    ClassRequest,
    ClockRequest,
    ConfigureRequest,
    ListingRequest,
    Number,
    ResetRequest,
    ScheduleTable,
    TransferRequest,
)

SymbolAction = Literal["halt", "resume", "close", "pre_open"]
UserAction = Literal["promote", "demote", "disable", "enable", "revoke", "reset_totp"]


def set_status(symbol: str, action: SymbolAction) -> Call[SymbolStatus]:
    """Halt, resume or close a symbol, or let its orders gather."""
    return change("POST", f"/admin/symbols/{segment(symbol)}/{action}", SymbolStatus)


def auction(symbol: str, seconds: int | None = None) -> Call[SymbolStatus]:
    """Let orders gather for an auction, which `seconds` later or `resume` ends."""
    return change("POST", f"/admin/symbols/{segment(symbol)}/auction", SymbolStatus, query={"seconds": seconds})


def list_symbol(listing: ListingRequest) -> Call[SymbolListed]:
    """List a symbol, or change what of a listed one may change."""
    return change("POST", "/admin/symbols", SymbolListed, listing)


def schedule(symbol: str) -> Call[SymbolSchedule]:
    """The schedule of a symbol."""
    return get(_schedule(symbol), SymbolSchedule)


def put_schedule(symbol: str, table: ScheduleTable) -> Call[SymbolSchedule]:
    """Give a symbol a schedule."""
    return change("PUT", _schedule(symbol), SymbolSchedule, table, repeat=Repeat.ALWAYS)


def remove_schedule(symbol: str) -> Call[SymbolSchedule]:
    """Take a symbol's schedule away."""
    return change("DELETE", _schedule(symbol), SymbolSchedule, repeat=Repeat.ALWAYS)


def accounts(*, name: str | None = None, after: str | None = None, limit: int | None = None) -> Call[AccountsPage]:
    """One page of who has which account, by name."""
    return get("/admin/accounts", AccountsPage, name=name, after=after, limit=limit)


def account(account: int) -> Call[AnyAccount]:
    """Who has an account, and its balances."""
    return get(_account(account), AnyAccount)


def configure(account: int, settings: ConfigureRequest) -> Call[AccountView]:
    """Tier, fees and limits of an account, all of them."""
    return change("PUT", _account(account), AccountView, settings, repeat=Repeat.ALWAYS)


def credit(account: int, asset: str, amount: Number) -> Call[BalancesView]:
    """Credit an account. Not sent again when no answer came."""
    body = TransferRequest(asset=asset, amount=amount)
    return change("POST", f"{_account(account)}/deposit", BalancesView, body)


def reset_account(account: int, balances: Mapping[str, Number]) -> Call[ResetView]:
    """Cancel what an account has open, give it these balances and no others, and count its profit from now on."""
    body = ResetRequest(balances=dict(balances))
    return change("POST", f"{_account(account)}/reset", ResetView, body, repeat=Repeat.ALWAYS)


def ranking(*, asset: str | None = None, after: int | None = None, limit: int | None = None) -> Call[RankingView]:
    """Everybody's place by profit."""
    return get("/admin/ranking", RankingView, asset=asset, after=after, limit=limit)


def create_users(users: ClassRequest) -> Call[ClassMade]:
    """Make the users of a class, with their money; their credentials are in this answer alone."""
    return change("POST", "/admin/users", ClassMade, users)


def stop_account(account: int) -> Call[AccountView]:
    """The kill switch: cancel every order of an account and take no more."""
    return change("POST", f"{_account(account)}/stop", AccountView, repeat=Repeat.ALWAYS)


def start_account(account: int) -> Call[AccountView]:
    """Let an account trade again."""
    return change("POST", f"{_account(account)}/start", AccountView, repeat=Repeat.ALWAYS)


def cancel_account(account: int) -> Call[CancelAllAnswer]:
    """Cancel every open order of an account."""
    return change("DELETE", f"{_account(account)}/orders", CancelAllAnswer, repeat=Repeat.ALWAYS)


def cancel_symbol(symbol: str) -> Call[OrdersCancelled]:
    """Cancel everybody's open orders of a symbol."""
    return change("DELETE", f"/admin/symbols/{segment(symbol)}/orders", OrdersCancelled, repeat=Repeat.ALWAYS)


def cancel_venue() -> Call[OrdersCancelled]:
    """Cancel everybody's open orders."""
    return change("DELETE", "/admin/orders", OrdersCancelled, repeat=Repeat.ALWAYS, query={"confirm": "all"})


def cancel_order(order_id: str) -> Call[OrderCancelled]:
    """Cancel anybody's open order."""
    return change("DELETE", f"/admin/orders/{segment(order_id)}", OrderCancelled, repeat=Repeat.ALWAYS)


def stand_down() -> Call[StoodDown]:
    """Have the node that is asked lay down the writing, so that another one takes over, and not stand for a while."""
    return change("POST", "/admin/node/stand-down", StoodDown)


def follow_clock() -> Call[ClockFollowed]:
    """Have the venue follow the machine's clock, whatever it shows."""
    return change("POST", "/admin/clock", ClockFollowed, ClockRequest(follow="machine"))


def audit_trail(*, limit: int | None = None, before: int | None = None) -> Call[AuditTrail]:
    """What operators did, newest first."""
    return get("/admin/audit", AuditTrail, limit=limit, before=before)


def check() -> Call[BooksBalance]:
    """Whether the books balance."""
    return get("/admin/check", BooksBalance)


def user(name: str) -> Call[AnyUser]:
    """A user, and where they are signed in. For sessions, not for keys; so are the next three."""
    return get(_user(name), AnyUser)


def change_user(name: str, action: UserAction) -> Call[UserChanged]:
    """Promote, demote, disable, enable; end their sessions and keys; reset their second factor."""
    return change("POST", f"{_user(name)}/{action}", UserChanged)


def reset_password(name: str) -> Call[PasswordReset]:
    """A password to change within a day; it is in this answer alone."""
    return change("POST", f"{_user(name)}/password", PasswordReset)


def end_user_session(name: str, session_id: str) -> Call[Success]:
    """End one session of a user."""
    return change("DELETE", f"{_user(name)}/sessions/{segment(session_id)}", Success)


def _account(account: int) -> str:
    return f"/admin/accounts/{int(account)}"


def _schedule(symbol: str) -> str:
    return f"/admin/symbols/{segment(symbol)}/schedule"


def _user(name: str) -> str:
    return f"/admin/users/{segment(name)}"
