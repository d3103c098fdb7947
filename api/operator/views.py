"""What operators are answered, where it is not what traders are answered too.

Layer: api.operator.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from api.accounts.views import AccountView, BalanceView
from api.auth.requests import KeyView, SessionView, UserView
from api.market.status_views import NextChange
from engine.types import TradingStatus
from identity.users import AuditEntry, Role
from listings.schedule_file import ScheduleTable
from listings.texts import DecimalText, IdText, NanosText, nanos_text


class SymbolListed(msgspec.Struct, frozen=True):
    """POST /admin/symbols."""

    symbol: str
    seq: int


class SymbolStatus(msgspec.Struct, frozen=True):
    """POST /admin/symbols/{symbol}/{action}."""

    symbol: str
    status: TradingStatus
    seq: int
    opens_at: float | None = None  # epoch seconds: when the auction ends by itself


class SymbolSchedule(msgspec.Struct, frozen=True):
    """GET, PUT and DELETE /admin/symbols/{symbol}/schedule."""

    symbol: str
    schedule: ScheduleTable | None  # None: it trades around the clock
    set_by: Literal["instruments_file", "operator"] | None  # None: nobody
    next_change: NextChange | None
    seq: int


class AccountHolder(msgspec.Struct, frozen=True):
    """Who has an account."""

    name: str
    role: Role
    guest: bool
    disabled: bool  # cannot sign in


class AnyAccount(msgspec.Struct, frozen=True):
    """GET /admin/accounts/{account}."""

    account: AccountView
    balances: list[BalanceView]
    user: AccountHolder | None  # None: the venue's own


class AccountRow(msgspec.Struct, frozen=True):
    """One account, in short."""

    account: IdText
    name: str
    role: Role | None  # None: the venue's own
    guest: bool
    disabled: bool
    tier: str
    status: Literal["active", "stopped"]
    open_orders: int


class AccountsPage(msgspec.Struct, frozen=True):
    """GET /admin/accounts."""

    accounts: list[AccountRow]
    count: int
    next: str | None  # what `after` continues with; None: there are no more


class AnyUser(msgspec.Struct, frozen=True):
    """GET /admin/users/{name}."""

    user: UserView
    sessions: list[SessionView]
    keys: list[KeyView]


class UserChanged(msgspec.Struct, frozen=True):
    """POST /admin/users/{name}/{action}."""

    user: UserView
    sessions_ended: int
    keys_revoked: int


class PasswordReset(msgspec.Struct, frozen=True):
    """POST /admin/users/{name}/password: the only time that the password is told."""

    user: UserView
    password: str
    sessions_ended: int
    keys_revoked: int


class OrderCancelled(msgspec.Struct, frozen=True):
    """DELETE /admin/orders/{order_id}."""

    success: bool
    order_id: str
    account: IdText
    seq: int
    repeated: bool | UnsetType = UNSET  # true: it came before, under the same Idempotency-Key


class OrdersCancelled(msgspec.Struct, frozen=True):
    """DELETE /admin/orders and DELETE /admin/symbols/{symbol}/orders."""

    symbol: str | None  # None: of all
    count: int  # of orders
    accounts: int  # whose they were
    seq: int
    repeated: bool | UnsetType = UNSET  # true: it came before, under the same Idempotency-Key


class BooksBalance(msgspec.Struct, frozen=True):
    """GET /admin/check."""

    balanced: bool
    issued: dict[str, DecimalText]  # deposits less withdrawals, by asset
    open_orders: int
    seq: int


class AuditView(AuditEntry, frozen=True, kw_only=True):
    """What an operator did, or the command line."""

    ts_ns_text: NanosText


class AuditTrail(msgspec.Struct, frozen=True):
    """GET /admin/audit."""

    entries: list[AuditView]
    count: int


def audit_answer(entries: list[AuditEntry]) -> AuditTrail:
    """What operators did, as they read it."""
    views = [AuditView(**msgspec.structs.asdict(entry), ts_ns_text=nanos_text(entry.ts_ns)) for entry in entries]
    return AuditTrail(views, len(views))
