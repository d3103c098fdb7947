"""What may be asked of accounts: pages of fills and postings, transfers, and an account's configuration.

Layer: api.accounts.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from api.json.requests import MAX_ORDER_ID, MAX_PAGE, SYMBOL_PATTERN, Request, Symbol
from engine.types import SelfTradePrevention
from listings.numbers import Number

Asset = Annotated[str, Meta(min_length=1, max_length=16, pattern=SYMBOL_PATTERN)]
ASSETS_MAX = 200

Before = Annotated[int, Meta(ge=1, le=MAX_ORDER_ID)]
Limit = Annotated[int, Meta(ge=1, le=MAX_PAGE)]
Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]


class TransferRequest(Request, frozen=True):
    """POST /account/deposit and /account/withdraw."""

    asset: Asset
    amount: Number


class ResetRequest(Request, frozen=True):
    """POST /account/reset and POST /admin/accounts/{account}/reset."""

    balances: Annotated[dict[Asset, Number], Meta(max_length=ASSETS_MAX)]  # what is not named is taken away


class FillsQuery(Request, frozen=True):
    """GET /account/fills."""

    symbol: Symbol | None = None
    limit: Limit = 100
    before: Before | None = None  # a trade id


class LedgerQuery(Request, frozen=True):
    """GET /account/ledger."""

    asset: Asset | None = None
    limit: Limit = 100
    before: Before | None = None  # a posting id


class RankingQuery(Request, frozen=True):
    """GET /ranking and GET /admin/ranking."""

    asset: Asset | None = None  # that profits are in; by default what most symbols are priced in
    after: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0  # so many of the first are passed over
    limit: Limit = 100


class ConfigureRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """PUT /admin/accounts/{account}: tier and limits, all of them; what is left out is as the symbol says."""

    tier: Annotated[str, Meta(min_length=1, max_length=32)]
    maker_fee_bps: Number | None = None  # below zero: a rebate
    taker_fee_bps: Number | None = None
    max_open_orders: Count | None = None
    max_orders_per_second: Count | None = None
    max_notional: Number | None = None
    self_trade_prevention: SelfTradePrevention | None = None  # for orders that name no mode
