"""What can be asked for, as frozen structs: bodies of requests. Numbers are Decimal, text or int.

Written by tools/setup/generate_client.py from the server's OpenAPI document: change that, not this.
Layer: openbell_client.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from openbell_client.secret_fields import redacted

Number = Decimal | str | int  # never a float: what it would be to the last digit, nobody can see


class AmendRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """PATCH /order/{order_id}. ``quantity`` is the whole quantity, what is filled included."""

    price: Number | None = None
    quantity: Number | None = None
    stop_price: Number | None = None


class BatchAmend(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="op", tag="amend"):
    """The body of PATCH /order/{order_id}, in a batch, and which order."""

    price: Number | None = None
    quantity: Number | None = None
    stop_price: Number | None = None
    order_id: str | int


class BatchCancel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="op", tag="cancel"):
    """The body of POST /cancel, in a batch."""

    symbol: str | None = None
    order_id: str | int | None = None
    client_order_id: str | None = None


class BatchCancelAll(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="op", tag="cancel_all"):
    """What DELETE /orders cancels, in a batch."""

    symbol: str | None = None
    side: Side | None = None


class BatchEnter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="op", tag="enter"):
    """The body of POST /order, in a batch. ``op`` may be left out."""

    symbol: str  # As GET /symbols lists it
    side: Side
    order_type: WireOrderType
    quantity: Number | None = None
    price: Number | None = None
    time_in_force: TimeInForce | None = None
    client_order_id: str | None = None
    quote_quantity: Number | None = None
    self_trade_prevention: SelfTradePrevention | None = None
    post_only: bool | Literal["slide"] = False
    display_quantity: Number | None = None
    stop_price: Number | None = None
    stop_limit_price: Number | None = None
    trail_amount: Number | None = None
    trail_percent: Number | None = None
    expire_time: str | Number | None = None
    take_profit: Number | None = None
    stop_loss: Number | None = None
    stop_loss_limit: Number | None = None


class BatchRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /orders/batch."""

    orders: tuple[BatchEnter | BatchCancel | BatchAmend | BatchCancelAll, ...]


class BeginSecondFactorRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /auth/totp."""

    password: str

    def __repr__(self) -> str:
        return redacted(self)


class CancelRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /cancel. One of the two ids is needed."""

    symbol: str | None = None
    order_id: str | int | None = None
    client_order_id: str | None = None


class ClassRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /admin/users."""

    users: tuple[ClassUser, ...]
    credentials: Literal["key", "password"] = "password"


class ClassUser(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One user who is to be."""

    name: str  # 3 to 32 letters, digits and . _ -
    tier: str | None = None
    balances: dict[str, Number] = {}


class ClockRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /admin/clock."""

    follow: Literal["machine"]


class CodeRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /auth/totp/confirm."""

    code: str  # Six digits, of an authenticator app; good once

    def __repr__(self) -> str:
        return redacted(self)


class ConfigureRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """PUT /admin/accounts/{account}: tier and limits, all of them; what is left out is as the symbol says."""

    tier: str
    maker_fee_bps: Number | None = None
    taker_fee_bps: Number | None = None
    max_open_orders: int | None = None
    max_orders_per_second: int | None = None
    max_notional: Number | None = None
    self_trade_prevention: SelfTradePrevention | None = None


class EndSecondFactorRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /auth/totp/off."""

    password: str
    code: str  # Six digits, of an authenticator app; good once

    def __repr__(self) -> str:
        return redacted(self)


class KeyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /auth/keys."""

    label: str = ""
    scopes: tuple[Scope, ...]
    ip_list: tuple[str, ...] = ()
    password: str | None = None
    code: str | None = None
    public_key: str | None = None

    def __repr__(self) -> str:
        return redacted(self)


class ListingRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /admin/symbols."""

    symbol: str
    base: str
    quote: str
    tick_size: Number
    lot_size: Number
    quote_scale: int
    max_quantity: Number
    max_notional: Number
    min_quantity: Number | None = None
    min_notional: Number = "0"
    maker_fee_bps: Number = "0"
    taker_fee_bps: Number = "0"
    collar_percent: Number | None = None
    reference_price: Number | None = None
    max_open_orders: int = 100000
    base_scale: int | None = None
    band_percent: Number | None = None
    band_window_seconds: Number = "300"
    limit_state_seconds: Number = "15"
    halt_seconds: Number = "60"
    auction_seconds: Number = "30"
    schedule: ScheduleTable | None = None


class LoginRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /auth/login."""

    name: str
    password: str
    code: str | None = None

    def __repr__(self) -> str:
        return redacted(self)


class OrderRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /order."""

    symbol: str  # As GET /symbols lists it
    side: Side
    order_type: WireOrderType
    quantity: Number | None = None
    price: Number | None = None
    time_in_force: TimeInForce | None = None
    client_order_id: str | None = None
    quote_quantity: Number | None = None
    self_trade_prevention: SelfTradePrevention | None = None
    post_only: bool | Literal["slide"] = False
    display_quantity: Number | None = None
    stop_price: Number | None = None
    stop_limit_price: Number | None = None
    trail_amount: Number | None = None
    trail_percent: Number | None = None
    expire_time: str | Number | None = None
    take_profit: Number | None = None
    stop_loss: Number | None = None
    stop_loss_limit: Number | None = None


class PasswordRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /auth/password."""

    password: str
    new_password: str
    code: str | None = None

    def __repr__(self) -> str:
        return redacted(self)


class Plan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Body of PUT /account/faults and /admin/faults; a scenario file is one in TOML."""

    step: tuple[Step, ...]
    seed: int = 0
    name: str = ""


class RefreshRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /auth/refresh: one of the two."""

    refresh_token: str | None = None
    session_id: str | None = None

    def __repr__(self) -> str:
        return redacted(self)


# Why a command was refused, in order of precedence: the first that applies is reported.
RejectReason = Literal[
    "account_stopped",
    "bad_amount",
    "bad_configuration",
    "bad_display_quantity",
    "bad_lot",
    "bad_tick",
    "bad_trigger",
    "deposit_limit_exceeded",
    "duplicate_client_order_id",
    "expire_time_passed",
    "instrument_conflict",
    "insufficient_funds",
    "maybe_repeated",
    "notional_too_large",
    "notional_too_small",
    "order_rate_exceeded",
    "post_only_would_take",
    "price_outside_collar",
    "quantity_too_large",
    "quantity_too_small",
    "self_trade",
    "self_trade_prevention_not_allowed",
    "symbol_not_trading",
    "too_late",
    "too_many_open_orders",
    "unknown_asset",
    "unknown_order",
    "unknown_symbol",
    "unsupported_combination",
]


class ResetRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /account/reset and POST /admin/accounts/{account}/reset."""

    balances: dict[str, Number]


class ScheduleTable(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One ``[schedule.NAME]``, or the ``[instrument.schedule]`` of one symbol. Times are of the day, HH:MM or
    HH:MM:SS.
    """

    time_zone: str
    days: tuple[Literal["fri", "mon", "sat", "sun", "thu", "tue", "wed"], ...]
    trading: str
    closed: str
    pre_open: str | None = None
    auction: str | None = None
    closing_auction: str | None = None
    holidays: tuple[str, ...] = ()


# What a key may do for its user.
Scope = Literal["read", "trade", "withdraw"]


# What happens when an incoming order meets one of its own account.
SelfTradePrevention = Literal["cancel_both", "cancel_newest", "cancel_oldest", "decrement", "none"]


Side = Literal["buy", "sell"]


class SignupRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /auth/signup."""

    name: str  # 3 to 32 letters, digits and . _ -
    password: str

    def __repr__(self) -> str:
        return redacted(self)


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One fault of a plan. Times are seconds from when the plan was set."""

    kind: Literal[
        "disconnect",
        "drop",
        "duplicate",
        "error",
        "gap",
        "latency",
        "partial",
        "rate_limit",
        "reject",
        "reorder",
        "timestamp",
    ] = "latency"
    at: Number | None = None
    for_: Number | None = msgspec.field(name="for", default=None)
    on: tuple[Literal["account", "market", "orders"], ...] | None = None
    routes: tuple[str, ...] | None = None
    streams: (
        tuple[Literal["bbo", "candles", "l2_deltas", "l2_updates", "l3", "orders", "status", "ticker", "trades"], ...]
        | None
    ) = None
    every: int | None = None
    probability: Number | None = None
    burst: int = 1
    when: Literal["after", "before"] = "before"
    latency_ms: int | None = None
    spread_ms: int | None = None
    distribution: Literal["constant", "exponential", "normal", "pareto", "uniform"] = "constant"
    status: int = 503
    retry_after_s: int = 1
    reason: RejectReason | None = None
    fraction: Number | None = None


TimeInForce = Literal["day", "fok", "gtc", "gtd", "ioc"]


class TransferRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /account/deposit and /account/withdraw."""

    asset: str
    amount: Number


# What may be written as order_type: `ioc` and `fok` are limit orders with that time in force.
WireOrderType = Literal[
    "fok", "ioc", "limit", "market", "oco", "stop", "stop_limit", "take_profit", "take_profit_limit", "trailing_stop"
]
