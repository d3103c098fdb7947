"""Every way the engine says no, and why an order ended without being filled.

Layer: engine.
"""

from __future__ import annotations

from enum import StrEnum


class RejectReason(StrEnum):
    """Why a command was refused, in order of precedence: the first that applies is reported.

    Each has a row in `explain/reasons.py`: its words, and its kind, which gives the HTTP status of the refusal. After a
    change there, `python -m tools.reasons` writes the documentation and the page's table anew; tests demand both.
    """

    # entering and amending an order
    UNKNOWN_SYMBOL = "unknown_symbol"
    DUPLICATE_CLIENT_ORDER_ID = "duplicate_client_order_id"  # the same id with other fields
    MAYBE_REPEATED = "maybe_repeated"  # the id may be of an order that was forgotten while this one came
    SYMBOL_NOT_TRADING = "symbol_not_trading"
    ACCOUNT_STOPPED = "account_stopped"
    ORDER_RATE_EXCEEDED = "order_rate_exceeded"
    UNSUPPORTED_COMBINATION = "unsupported_combination"  # order type, time in force, price, quantity
    SELF_TRADE_PREVENTION_NOT_ALLOWED = "self_trade_prevention_not_allowed"  # to go without any
    BAD_TICK = "bad_tick"
    BAD_LOT = "bad_lot"
    QUANTITY_TOO_SMALL = "quantity_too_small"
    QUANTITY_TOO_LARGE = "quantity_too_large"
    NOTIONAL_TOO_SMALL = "notional_too_small"
    NOTIONAL_TOO_LARGE = "notional_too_large"
    BAD_DISPLAY_QUANTITY = "bad_display_quantity"  # above the quantity, or less than a hundredth of it
    EXPIRE_TIME_PASSED = "expire_time_passed"
    BAD_TRIGGER = "bad_trigger"  # stop, limit and exit prices on the wrong side of each other, or nothing to trail
    PRICE_OUTSIDE_COLLAR = "price_outside_collar"
    TOO_MANY_OPEN_ORDERS = "too_many_open_orders"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    POST_ONLY_WOULD_TAKE = "post_only_would_take"
    SELF_TRADE = "self_trade"  # the first it would meet is an order of the same account
    # cancelling and amending
    UNKNOWN_ORDER = "unknown_order"
    TOO_LATE = "too_late"  # the order is already done
    # depositing and withdrawing
    UNKNOWN_ASSET = "unknown_asset"
    BAD_AMOUNT = "bad_amount"  # not above zero, or no whole number of minor units
    DEPOSIT_LIMIT_EXCEEDED = "deposit_limit_exceeded"
    # listing and configuring
    BAD_CONFIGURATION = "bad_configuration"  # a fee rate beyond the whole notional, a limit that is no number
    INSTRUMENT_CONFLICT = "instrument_conflict"  # another tick, lot, asset or minor unit than before


class CancelReason(StrEnum):
    """Why an order ended with something left of it."""

    REQUESTED = "requested"  # by its owner, or by somebody unknown in a command of before `by_operator`
    BY_OPERATOR = "by_operator"
    NO_LIQUIDITY = "no_liquidity"  # what a market order could not take within the collar
    IMMEDIATE_OR_CANCEL = "immediate_or_cancel"
    FILL_OR_KILL = "fill_or_kill"
    ACCOUNT_STOPPED = "account_stopped"
    AMENDED_BELOW_FILLED = "amended_below_filled"
    SELF_TRADE = "self_trade"  # prevented
    ONE_CANCELS_OTHER = "one_cancels_other"  # its other leg traded, triggered or ended
    PRICE_BAND = "price_band"  # what is left could only trade beyond the band


class InvariantViolation(Exception):
    """Our own state is wrong. Never caught: we stop, and replay would stop at the same command."""
