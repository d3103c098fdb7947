"""Postings: every change of what an account owns of an asset.

Per account and asset the postings sum to its balance, available and held. What an order holds is no
posting: it still belongs to the account. Those of a trade follow from the trade; only those of deposits and withdrawals
are stored.
Units: minor units of the asset, signed. Layer: history.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Protocol

import msgspec

from engine.ledger import FEE_ACCOUNT
from engine.types import AccountId, Amount, Lots, OrderId, Seq, Side, TradeId


class PostingKind(StrEnum):
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRADE = "trade"
    FEE = "fee"  # paid by a trader, or received by the venue
    REBATE = "rebate"  # paid by the venue, or received by a trader


class Posting(msgspec.Struct, frozen=True, array_like=True):
    """One change of what an account owns of an asset."""

    posting_id: int
    account: AccountId
    asset: str
    amount: Amount  # below zero when the account lost it
    kind: PostingKind
    seq: Seq
    ts_ns: int
    trade_id: TradeId | None
    order_id: OrderId | None  # the account's own order; for the venue's fees and rebates, the trader's


class TradedAssets(msgspec.Struct, frozen=True, array_like=True):
    """What a symbol trades, as far as postings need it."""

    symbol: str
    base: str
    quote: str
    lot_amount: int  # one lot in minor units of the base asset


class TradeFigures(Protocol):
    """What the postings of a trade are made of."""

    @property
    def trade_id(self) -> TradeId: ...
    @property
    def seq(self) -> Seq: ...
    @property
    def ts_ns(self) -> int: ...
    @property
    def quantity(self) -> Lots: ...
    @property
    def notional(self) -> Amount: ...
    @property
    def taker_side(self) -> Side: ...
    @property
    def maker_order_id(self) -> OrderId: ...
    @property
    def taker_order_id(self) -> OrderId: ...
    @property
    def maker_account(self) -> AccountId: ...
    @property
    def taker_account(self) -> AccountId: ...
    @property
    def maker_fee(self) -> Amount: ...
    @property
    def taker_fee(self) -> Amount: ...


def count_of(maker_fee: int, taker_fee: int) -> int:
    """How many postings a trade with these fees makes."""
    return 4 + 2 * (maker_fee != 0) + 2 * (taker_fee != 0)


def postings_of(trade: TradeFigures, first_id: int, assets: TradedAssets) -> Iterator[Posting]:
    """Both sides' base and quote, and the fees with what the venue gets or gives; ids count from `first_id`."""
    base = trade.quantity * assets.lot_amount
    taker_gets = 1 if trade.taker_side is Side.BUY else -1
    parties = (
        (trade.maker_account, trade.maker_order_id, -taker_gets, trade.maker_fee),
        (trade.taker_account, trade.taker_order_id, taker_gets, trade.taker_fee),
    )
    posting_id = first_id
    for account, order_id, gets, fee in parties:
        moved = [
            (account, assets.base, gets * base, PostingKind.TRADE),
            (account, assets.quote, -gets * trade.notional, PostingKind.TRADE),
        ]
        if fee:
            kind = PostingKind.FEE if fee > 0 else PostingKind.REBATE
            moved += [(account, assets.quote, -fee, kind), (FEE_ACCOUNT, assets.quote, fee, kind)]
        for owner, asset, amount, kind in moved:
            yield Posting(
                posting_id, owner, asset, Amount(amount), kind, trade.seq, trade.ts_ns, trade.trade_id, order_id
            )
            posting_id += 1
