"""Engine values -> JSON: accounts and their money.

Layer: api.accounts.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from api.json.views import seconds
from api.orders.views import FillView, fill_view
from engine.accounts import Account, default_prevention
from engine.exchange import Exchange
from engine.types import AccountId, SelfTradePrevention, Side
from history.postings import Posting, PostingKind
from history.store import Trade
from identity.users import Role
from listings.grid import Grid, amount_text, percent
from listings.texts import DecimalText, IdText, NanosText, nanos_text


class BalanceView(msgspec.Struct, frozen=True):
    asset: str
    available: DecimalText
    held: DecimalText  # by open orders
    total: DecimalText


class BalancesView(msgspec.Struct, frozen=True):
    """GET /account/balances: the assets the account has, or ever had."""

    account: IdText
    balances: list[BalanceView]
    timestamp: float
    seq: int
    repeated: bool | UnsetType = UNSET  # true: the transfer was made before, under the same Idempotency-Key


class AccountLimits(msgspec.Struct, frozen=True):
    """Beyond those of each symbol; null: none."""

    max_open_orders: int | None
    max_orders_per_second: int | None
    max_notional: DecimalText | None


class AccountFees(msgspec.Struct, frozen=True):
    """In percent of the notional; null: as the symbol says."""

    maker_percent: DecimalText | None
    taker_percent: DecimalText | None


class AccountView(msgspec.Struct, frozen=True):
    """An account as its owner and operators see it."""

    id: IdText
    tier: str
    fees: AccountFees
    limits: AccountLimits
    self_trade_prevention: SelfTradePrevention  # for orders that name no mode
    status: Literal["active", "stopped"]
    open_orders: int
    seq: int


class OwnAccount(AccountView, frozen=True):
    """GET /account."""

    role: Role  # of the caller


class PostingView(msgspec.Struct, frozen=True):
    """One change of one balance, and its cause."""

    posting_id: IdText
    asset: str
    amount: DecimalText  # below zero: taken
    kind: PostingKind
    trade_id: IdText | None
    order_id: IdText | None
    timestamp: float
    ts_ns: int
    ts_ns_text: NanosText
    seq: int


class FillsPage(msgspec.Struct, frozen=True):
    """GET /account/fills."""

    fills: list[AccountFillView]
    count: int


class LedgerPage(msgspec.Struct, frozen=True):
    """GET /account/ledger."""

    postings: list[PostingView]
    count: int


def account_view(exchange: Exchange, account: AccountId) -> AccountView:
    """Tier, fees, limits and status of an account, known or not. O(1)."""
    known = exchange.accounts.get(account) or Account(account)
    configuration = known.configuration
    maker, taker = configuration.maker_fee, configuration.taker_fee
    return AccountView(
        str(account),
        configuration.tier,
        AccountFees(None if maker is None else percent(maker), None if taker is None else percent(taker)),
        AccountLimits(configuration.max_open_orders, configuration.max_orders_per_second, configuration.max_notional),
        default_prevention(known, account),
        "stopped" if known.stopped else "active",
        len(known.open_orders),
        exchange.seq,
    )


def own_account(view: AccountView, role: Role) -> OwnAccount:
    """The caller's own account, with their role."""
    return OwnAccount(**msgspec.structs.asdict(view), role=role)


def balances_view(exchange: Exchange, account: AccountId) -> BalancesView:
    """What an account holds now. O(assets)."""
    ledger = exchange.ledger
    views = [
        BalanceView(
            asset,
            amount_text(balance.available, ledger.scales[asset]),
            amount_text(balance.held, ledger.scales[asset]),
            amount_text(balance.total, ledger.scales[asset]),
        )
        for asset, balance in sorted(ledger.accounts.get(account, {}).items())
    ]
    return BalancesView(str(account), views, seconds(exchange.ts_ns), exchange.seq)


def posting_view(posting: Posting, exchange: Exchange) -> PostingView:
    """A posting as its account's owner sees it."""
    return PostingView(
        str(posting.posting_id),
        posting.asset,
        amount_text(posting.amount, exchange.ledger.scales[posting.asset]),
        posting.kind,
        None if posting.trade_id is None else str(posting.trade_id),
        None if posting.order_id is None else str(posting.order_id),
        seconds(posting.ts_ns),
        posting.ts_ns,
        nanos_text(posting.ts_ns),
        posting.seq,
    )


class AccountFillView(FillView, frozen=True, kw_only=True):
    """A fill among those of all orders of an account."""

    symbol: str
    side: Side
    order_id: IdText


def account_fill_view(trade: Trade, *, maker: bool, grid: Grid) -> AccountFillView:
    """A trade among all fills of the owner of its maker or taker order."""
    taker_side = trade.taker_side
    maker_side = Side.SELL if taker_side is Side.BUY else Side.BUY
    fill = fill_view(trade, maker=maker, grid=grid, ts_ns=trade.ts_ns)
    return AccountFillView(
        **msgspec.structs.asdict(fill),
        symbol=trade.symbol,
        side=maker_side if maker else taker_side,
        order_id=str(trade.maker_order_id if maker else trade.taker_order_id),
    )
