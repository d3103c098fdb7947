"""Postings: every change of what an account owns of an asset, made from the events of that change.

Per account and asset the postings sum to its balance, available and held. What an order holds is no
posting: it still belongs to the account.
Units: minor units of the asset, signed. Layer: history.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from engine.events import CommandResult, Deposited, Filled, InstrumentListed, Withdrawn
from engine.ledger import FEE_ACCOUNT
from engine.types import AccountId, Amount, OrderId, Seq, Side, TradeId


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


class PostingMaker:
    """Makes the postings of one batch after the other. `assets` and `last_id` change only by `take`."""

    def __init__(self, assets: dict[str, TradedAssets], last_id: int) -> None:
        self.assets = assets
        self.last_id = last_id

    def rows(self, applied: Sequence[CommandResult]) -> tuple[list[tuple[Any, ...]], dict[str, TradedAssets]]:
        """The rows that `applied` makes, ids counting on from `last_id`, and the symbols it lists. O(events)."""
        rows: list[tuple[Any, ...]] = []
        listed: dict[str, TradedAssets] = {}
        for item in applied:
            for event in item.events:
                for account, asset, amount, kind, trade_id, order_id in self._of(event, listed):
                    posting_id = self.last_id + len(rows) + 1
                    rows.append(
                        (posting_id, account, asset, str(amount), kind, item.seq, item.ts_ns, trade_id, order_id)
                    )
        return rows, listed

    def take(self, rows: list[tuple[Any, ...]], listed: dict[str, TradedAssets]) -> None:
        """Count on behind `rows`, once they are stored."""
        self.last_id += len(rows)
        self.assets |= listed

    def _of(self, event: object, listed: dict[str, TradedAssets]) -> Iterator[tuple[Any, ...]]:
        """Account, asset, amount, kind, trade id and order id of each posting that one event makes."""
        if isinstance(event, Filled):
            assets = listed.get(event.symbol) or self.assets[event.symbol]
            yield from _of_fill(event, assets)
        elif isinstance(event, Deposited):
            yield event.account, event.asset, event.amount, PostingKind.DEPOSIT, None, None
        elif isinstance(event, Withdrawn):
            yield event.account, event.asset, -event.amount, PostingKind.WITHDRAWAL, None, None
        elif isinstance(event, InstrumentListed):
            instrument = event.instrument
            listed[instrument.symbol] = TradedAssets(
                instrument.symbol, instrument.base, instrument.quote, instrument.lot_amount
            )


def _of_fill(fill: Filled, assets: TradedAssets) -> Iterator[tuple[Any, ...]]:
    """Both sides' base and quote, and the fees with what the venue gets or gives."""
    base = fill.quantity * assets.lot_amount
    taker_gets = 1 if fill.taker_side is Side.BUY else -1
    parties = (
        (fill.maker_account, fill.maker_order_id, -taker_gets, fill.maker_fee),
        (fill.taker_account, fill.taker_order_id, taker_gets, fill.taker_fee),
    )
    for account, order_id, gets, fee in parties:
        yield account, assets.base, gets * base, PostingKind.TRADE, fill.trade_id, order_id
        yield account, assets.quote, -gets * fill.notional, PostingKind.TRADE, fill.trade_id, order_id
        if fee:
            kind = PostingKind.FEE if fee > 0 else PostingKind.REBATE
            yield account, assets.quote, -fee, kind, fill.trade_id, order_id
            yield FEE_ACCOUNT, assets.quote, fee, kind, fill.trade_id, order_id
