"""Answers of the admin calls.

Written by tools/setup/generate_client.py from the server's OpenAPI document: change that, not this.
Layer: openbell_client.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from openbell_client.answers.shared import (
    AccountFees,
    AccountLimits,
    BalanceView,
    ClockState,
    FaultPlan,
    KeyView,
    NextChange,
    Role,
    SelfTradePrevention,
    SessionView,
    TradingStatus,
    UserView,
)
from openbell_client.secret_fields import redacted


class AccountHolder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who has an account."""

    name: str
    role: Role
    guest: bool
    disabled: bool


class AccountRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One account, in short."""

    account: str
    name: str
    role: Role | None
    guest: bool
    disabled: bool
    tier: str
    status: str
    open_orders: int


class AccountView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An account as its owner and operators see it."""

    id: str
    tier: str
    fees: AccountFees
    limits: AccountLimits
    self_trade_prevention: SelfTradePrevention
    status: str
    open_orders: int
    seq: int


class AccountsPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /admin/accounts."""

    accounts: list[AccountRow]
    count: int
    next: str | None


class AllFaults(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /admin/faults."""

    venue: FaultPlan | None
    accounts: list[FaultPlan]
    held: int
    injected: dict[str, int]


class AnyAccount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /admin/accounts/{account}."""

    account: AccountView
    balances: list[BalanceView]
    user: AccountHolder | None


class AnyUser(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /admin/users/{name}."""

    user: UserView
    sessions: list[SessionView]
    keys: list[KeyView]


class AuditTrail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /admin/audit."""

    entries: list[AuditView]
    count: int


class AuditView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an operator did, or the command line."""

    ts_ns: int
    actor_id: int | None
    actor_name: str
    action: str
    subject: str
    details: dict[str, Any]
    seq: int | None
    ts_ns_text: str  # `ts_ns` as text, for readers whose numbers end at 2^53


class BooksBalance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /admin/check."""

    balanced: bool
    issued: dict[str, Decimal]
    open_orders: int
    seq: int


class ClassMade(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /admin/users."""

    users: list[ClassUserMade]


class ClassUserMade(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of them; the only time that a password or secret is told."""

    name: str
    account: str
    created: bool
    password: str | None = None
    key_id: str | None = None
    secret: str | None = None

    def __repr__(self) -> str:
        return redacted(self)


class ClockFollowed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /admin/clock."""

    accepted_s: float
    clock: ClockState


class OrderCancelled(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """DELETE /admin/orders/{order_id}."""

    success: bool
    order_id: str
    account: str
    seq: int
    repeated: bool | None = None


class OrdersCancelled(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """DELETE /admin/orders and DELETE /admin/symbols/{symbol}/orders."""

    symbol: str | None
    count: int
    accounts: int
    seq: int
    repeated: bool | None = None


class PasswordReset(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /admin/users/{name}/password: the only time that the password is told."""

    user: UserView
    password: str
    sessions_ended: int
    keys_revoked: int

    def __repr__(self) -> str:
        return redacted(self)


class ScheduleTable(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One ``[schedule.NAME]``, or the ``[instrument.schedule]`` of one symbol. Times are of the day, HH:MM or
    HH:MM:SS.
    """

    time_zone: str
    days: list[str]
    trading: str
    closed: str
    pre_open: str | None = None
    auction: str | None = None
    closing_auction: str | None = None
    holidays: list[str] = []


class SymbolListed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /admin/symbols."""

    symbol: str
    seq: int


class SymbolSchedule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET, PUT and DELETE /admin/symbols/{symbol}/schedule."""

    symbol: str
    schedule: ScheduleTable | None
    set_by: str | None
    next_change: NextChange | None
    seq: int


class SymbolStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /admin/symbols/{symbol}/{action}."""

    symbol: str
    status: TradingStatus
    seq: int
    opens_at: float | None = None


class UserChanged(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /admin/users/{name}/{action}."""

    user: UserView
    sessions_ended: int
    keys_revoked: int
