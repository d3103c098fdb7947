"""Answers that several parts of the API share.

Written by tools/setup/generate_client.py from the server's OpenAPI document: change that, not this.
Layer: openbell_client.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec


class AccountFees(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """In percent of the notional; null: as the symbol says."""

    maker_percent: Decimal | None
    taker_percent: Decimal | None


class AccountLimits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Beyond those of each symbol; null: none."""

    max_open_orders: int | None
    max_orders_per_second: int | None
    max_notional: Decimal | None


class BalanceView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Part of an answer: BalanceView."""

    asset: str
    available: Decimal
    held: Decimal
    total: Decimal


class BalancesView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /account/balances: the assets the account has, or ever had."""

    account: str
    balances: list[BalanceView]
    timestamp: float
    seq: int
    repeated: bool | None = None


class BboView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Part of an answer: BboView."""

    symbol: str
    best_bid: Decimal | None
    best_ask: Decimal | None
    spread: Decimal | None
    mid_price: Decimal | None
    bid_size: Decimal
    ask_size: Decimal
    timestamp: float
    seq: int
    status: TradingStatus
    limit_state: Side | None


class CancelAllAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """DELETE /orders."""

    cancelled: list[str]
    count: int
    seq: int
    repeated: bool | None = None


class ClockState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The venue's time, and whether it follows the machine's clock."""

    time: float
    followed: bool
    held_back_s: float
    since: float | None
    advice: str | None


class FaultPlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A plan that is set."""

    account: int | None
    name: str
    seed: int
    set_at: float
    elapsed: float
    ends_in: float
    kinds: list[str]
    injected: dict[str, int]
    steps: list[Step]


class FaultsEnded(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """DELETE /account/faults and /admin/faults."""

    ended: int


class KeyView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the caller's API keys."""

    key_id: str
    label: str
    scopes: list[Scope]
    ip_list: list[str]
    created_at: int
    algorithm: str


class NextChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is planned next, unless an operator commands otherwise before."""

    status: TradingStatus
    at: float


# limit, market, oco, stop, stop_limit, take_profit, take_profit_limit, trailing_stop; there may be more
OrderType = str


class RankingRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One account's place."""

    rank: int
    profit: Decimal
    fills: int
    own: bool
    name: str | None
    account: str | None
    unpriced: dict[str, Decimal]


class RankingView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /ranking and GET /admin/ranking."""

    asset: str
    ranking: list[RankingRow]
    count: int
    timestamp: float
    seq: int


# Why a command was refused, in order of precedence: the first that applies is reported.
# account_stopped, bad_amount, bad_configuration, bad_display_quantity, bad_lot, bad_tick, bad_trigger,
# deposit_limit_exceeded, duplicate_client_order_id, expire_time_passed, instrument_conflict, insufficient_funds,
# maybe_repeated, notional_too_large, notional_too_small, order_rate_exceeded, post_only_would_take,
# price_outside_collar, quantity_too_large, quantity_too_small, self_trade, self_trade_prevention_not_allowed,
# symbol_not_trading, too_late, too_many_open_orders, unknown_asset, unknown_order, unknown_symbol,
# unsupported_combination; there may be more
RejectReason = str


class ResetView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /account/reset and POST /admin/accounts/{account}/reset."""

    account: str
    balances: list[BalanceView]
    cancelled: int
    timestamp: float
    seq: int


# What a user is to the venue.
# operator, trader; there may be more
Role = str


# What a key may do for its user.
# read, trade, withdraw; there may be more
Scope = str


# What happens when an incoming order meets one of its own account.
# cancel_both, cancel_newest, cancel_oldest, decrement, none; there may be more
SelfTradePrevention = str


class SessionView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One session of a user."""

    session_id: str
    created_at: int
    used_at: int
    expires_at: int
    address: str
    user_agent: str
    current: bool


Side = Literal["buy", "sell"]


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One fault of a plan. Times are seconds from when the plan was set."""

    kind: str = "latency"
    at: str | float | None = None
    for_: str | float | None = msgspec.field(name="for", default=None)
    on: list[str] | None = None
    routes: list[str] | None = None
    streams: list[str] | None = None
    every: int | None = None
    probability: str | float | None = None
    burst: int = 1
    when: str = "before"
    latency_ms: int | None = None
    spread_ms: int | None = None
    distribution: str = "constant"
    status: int = 503
    retry_after_s: int = 1
    reason: RejectReason | None = None
    fraction: str | float | None = None


class Success(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """It is done."""

    success: bool = True


# day, fok, gtc, gtd, ioc; there may be more
TimeInForce = str


class TradeView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Part of an answer: TradeView."""

    timestamp: float
    ts_ns: int
    ts_ns_text: str  # `ts_ns` as text, for readers whose numbers end at 2^53
    symbol: str
    trade_id: str
    price: Decimal
    quantity: Decimal
    aggressor_side: Side
    maker_order_id: str
    taker_order_id: str
    maker_fee: Decimal
    taker_fee: Decimal
    trade_value: Decimal
    seq: int | None = None
    auction: bool = False
    self_trade: bool = False


# What a symbol takes. In the first two orders gather; the uncross begins trading.
# auction, closed, halted, pre_open, trading; there may be more
TradingStatus = str


class UserView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A user: GET /auth/user."""

    name: str
    account: str
    role: Role
    guest: bool
    disabled: bool
    totp: bool
    change_password_by: int | None
