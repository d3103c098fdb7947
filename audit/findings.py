"""What the auditor finds: one kind for each promise that can be broken, with the command that broke it.

Layer: audit.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """Which promise was broken."""

    TRADE_THROUGH = "trade_through"  # a fill while a better-priced order stood
    PRIORITY_INVERSION = "priority_inversion"  # a fill of a younger or hidden order while an older one was displayed
    WRONG_PRICE = "wrong_price"  # a fill at another price than the maker's
    BEYOND_LIMIT = "beyond_limit"  # a fill at a worse price than the order allows
    BAND_VIOLATION = "band_violation"
    COLLAR_VIOLATION = "collar_violation"
    SELF_TRADE = "self_trade"  # a self-trade that should have been prevented
    SELF_TRADE_PRICE = "self_trade_price"  # a trade of an account with itself sets a price, or another does not
    FILL_OR_KILL_PARTIAL = "fill_or_kill_partial"
    ICEBERG_REFILL = "iceberg_refill"  # wrong, or missing
    POST_ONLY_TOOK = "post_only_took"
    WRONG_TRIGGER = "wrong_trigger"  # a stop whose price was not reached
    MISSED_TRIGGER = "missed_trigger"  # a stop whose price was reached and that waits on
    AUCTION_PRICE = "auction_price"
    AUCTION_PRINTS = "auction_prints"  # at several prices, or of another quantity than announced
    WRONG_FEE = "wrong_fee"
    NEGATIVE_BALANCE = "negative_balance"
    UNBALANCED = "unbalanced"  # balances that do not sum to deposits less withdrawals, or not to what was traded
    WRONG_HOLD = "wrong_hold"
    CROSSED_BOOK = "crossed_book"
    QUANTITY_NOT_CONSERVED = "quantity_not_conserved"
    HISTORY_DIFFERS = "history_differs"  # the history that customers see is not what the journal gives
    ENGINE_STOPPED = "engine_stopped"  # the engine calls its own state contradictory
    DAMAGED_END = "damaged_end"  # the last record is not what was sealed: it may have been acknowledged
    DIFFERENCE = "difference"  # any other difference between the engine and the naive exchange


class Finding(msgspec.Struct, frozen=True):
    """One broken promise."""

    kind: Kind
    seq: int  # of the command
    symbol: str | None
    sentence: str
