"""Answers of the accounts calls.

Written by tools/setup/generate_client.py from the server's OpenAPI document: change that, not this.
Layer: openbell_client.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from openbell_client.answers.shared import (
    AccountFees,
    AccountLimits,
    Role,
    SelfTradePrevention,
    Side,
)


class AccountFillView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fill among those of all orders of an account."""

    trade_id: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    liquidity: str
    timestamp: float
    ts_ns: int
    ts_ns_text: str  # `ts_ns` as text, for readers whose numbers end at 2^53
    symbol: str
    side: Side
    order_id: str


class FillsPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /account/fills."""

    fills: list[AccountFillView]
    count: int


class LedgerPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /account/ledger."""

    postings: list[PostingView]
    count: int


class OwnAccount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /account."""

    id: str
    tier: str
    fees: AccountFees
    limits: AccountLimits
    self_trade_prevention: SelfTradePrevention
    status: str
    open_orders: int
    seq: int
    role: Role


class PositionView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One symbol that an account traded; amounts are of the quote asset."""

    symbol: str
    base: str
    quote: str
    position: Decimal
    average_price: Decimal | None
    cost: Decimal
    mark: Decimal | None
    value: Decimal | None
    realised: Decimal
    unrealised: Decimal | None
    fees: Decimal
    profit: Decimal | None
    fills: int


# deposit, fee, rebate, trade, withdrawal; there may be more
PostingKind = str


class PostingView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change of one balance, and its cause."""

    posting_id: str
    asset: str
    amount: Decimal
    kind: PostingKind
    trade_id: str | None
    order_id: str | None
    timestamp: float
    ts_ns: int
    ts_ns_text: str  # `ts_ns` as text, for readers whose numbers end at 2^53
    seq: int


class ProfitTotal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The sums over all symbols that are priced in one asset."""

    asset: str
    realised: Decimal
    unrealised: Decimal | None
    fees: Decimal
    profit: Decimal | None
    fills: int


class ProfitView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /account/profit."""

    account: str
    positions: list[PositionView]
    totals: list[ProfitTotal]
    timestamp: float
    seq: int
