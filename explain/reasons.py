"""The words of each reject and cancel reason: one table that errors, explanations, the documentation and the page read.

A reason is added here and in `engine.rejects`; `python -m tools.reasons` then writes it into the documentation and the
page, and tests hold that this was done.
Layer: explain. Words only: nothing here decides.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from engine.rejects import CancelReason, RejectReason


class RejectKind(StrEnum):
    """What kind of no a reject is: each way in has its own answer to each, HTTP a status."""

    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    FORBIDDEN = "forbidden"
    TOO_FAST = "too_fast"
    RULE = "rule"
    UNKNOWN_NOW = "unknown_now"  # the same request may be taken in a moment


class RejectText(msgspec.Struct, frozen=True):
    """The words of one reject reason."""

    kind: RejectKind
    sentence: str  # of the error; {names} are filled in with limits of the instrument
    explained: str  # ends the sentence `It was refused: ...`
    when: str  # in the documentation
    page: str | None = None  # where the page can say more than the sentence, since it knows what is on the screen
    checked: str | None = None  # in an explanation's list of rules, where the rule compares no numbers


class CancelText(msgspec.Struct, frozen=True, kw_only=True):
    """The words of one cancel reason."""

    explained: str  # ends the sentence `What was left was cancelled ...`
    short: str  # on its own, in a column of the page
    when: str  # ends `the order ...` in the documentation
    page: str | None = None  # ends `Nothing was filled; ...` on the page, where the reason alone says it


REJECTS: Final[dict[RejectReason, RejectText]] = {
    RejectReason.UNKNOWN_SYMBOL: RejectText(
        RejectKind.NOT_FOUND,
        sentence="There is no symbol {symbol}; GET /symbols lists them.",
        explained="there is no such symbol",
        when="GET /symbols does not list it",
    ),
    RejectReason.DUPLICATE_CLIENT_ORDER_ID: RejectText(
        RejectKind.CONFLICT,
        sentence="This client_order_id was used before for an order with other fields.",
        explained="its client_order_id had been used for another order",
        when="the id was used for an order with other fields",
        checked="You used this client_order_id before, for an order with other fields.",
    ),
    RejectReason.MAYBE_REPEATED: RejectText(
        RejectKind.UNKNOWN_NOW,
        sentence="Whether this client_order_id was used before could not be told; nothing was entered, try again.",
        explained="maybe repeated",
        when=(
            "while the order came, more of the account's done orders left the memory than were looked through; "
            "nothing was entered, ask again after `Retry-After`"
        ),
        checked=(
            "While it came, more of your done orders left the venue's memory than had been looked through: one "
            "of this client_order_id may have been among them."
        ),
    ),
    RejectReason.SYMBOL_NOT_TRADING: RejectText(
        RejectKind.RULE,
        sentence=(
            "{symbol} is not trading at the moment, or gathers for an auction, which takes limit orders and orders "
            "with a trigger only."
        ),
        explained="the symbol did not take such orders just then",
        when="it is halted or closed, or gathers for an auction that takes no such order",
        page="the symbol is not trading, or gathers for an auction: no such order is taken now.",
    ),
    RejectReason.ACCOUNT_STOPPED: RejectText(
        RejectKind.FORBIDDEN,
        sentence="This account was stopped by an operator.",
        explained="an operator had stopped the account",
        when="an operator stopped the account: no orders, deposits or withdrawals",
        page="this account was stopped by the venue's operator. It takes no orders until it is started again.",
        checked="An operator has stopped your account: it may cancel, but enter nothing.",
    ),
    RejectReason.ORDER_RATE_EXCEEDED: RejectText(
        RejectKind.TOO_FAST,
        sentence="This account may not enter so many orders in one second.",
        explained="too many orders came in that second",
        when="more orders in one second than the account may enter; `Retry-After` says when to come back",
        page="that is more orders a second than this account may send.",
    ),
    RejectReason.UNSUPPORTED_COMBINATION: RejectText(
        RejectKind.RULE,
        sentence=(
            "These fields do not go together, or one is missing or cannot be changed; the documentation of POST "
            "/order tells what each order type has."
        ),
        explained="what was asked for does not go together",
        when="order type, time in force and the other fields do not go together; or the order cannot be changed so",
        checked="Order type, time in force, price, quantity and options did not go together.",
    ),
    RejectReason.SELF_TRADE_PREVENTION_NOT_ALLOWED: RejectText(
        RejectKind.RULE,
        sentence="Your orders cannot go without self-trade prevention: leave the mode out, or name another than none.",
        explained="your account may not go without self-trade prevention",
        when="the order names the mode `none`, and your account may not",
        page="your account may not trade with itself. Choose another way under Self-trade.",
        checked="It was to go without self-trade prevention, which your account may not.",
    ),
    RejectReason.BAD_TICK: RejectText(
        RejectKind.RULE,
        sentence="Each price must be a multiple of the tick size, {tick_size}.",
        explained="a price was off the ticks",
        when="a price is no multiple of the tick, or a `trail_percent` finer than a ten-thousandth",
    ),
    RejectReason.BAD_LOT: RejectText(
        RejectKind.RULE,
        sentence="Each quantity must be a multiple of the lot size, {lot_size}.",
        explained="a quantity was off the lots",
        when="a quantity is no multiple of the lot",
    ),
    RejectReason.QUANTITY_TOO_SMALL: RejectText(
        RejectKind.RULE,
        sentence="The quantity is below the smallest allowed, {min_quantity}.",
        explained="it was for too little",
        when="below the instrument's least quantity",
    ),
    RejectReason.QUANTITY_TOO_LARGE: RejectText(
        RejectKind.RULE,
        sentence="The quantity is above the largest allowed, {max_quantity}.",
        explained="it was for too much",
        when="above its largest",
    ),
    RejectReason.NOTIONAL_TOO_SMALL: RejectText(
        RejectKind.RULE,
        sentence="Price times quantity is below the smallest allowed, {min_notional}.",
        explained="it was worth too little",
        when="price times quantity is below the least",
    ),
    RejectReason.NOTIONAL_TOO_LARGE: RejectText(
        RejectKind.RULE,
        sentence=(
            "Price times quantity is above the largest allowed: {max_notional}, or less where your account has a "
            "limit of its own."
        ),
        explained="it was worth too much",
        when="price times quantity is above the largest, or above what the account may",
    ),
    RejectReason.BAD_DISPLAY_QUANTITY: RejectText(
        RejectKind.RULE,
        sentence="The display_quantity is at most the quantity, and at least a hundredth of it.",
        explained="it would have shown too much or too little of itself",
        when="the `display_quantity` is above the quantity, or less than a hundredth of it",
    ),
    RejectReason.EXPIRE_TIME_PASSED: RejectText(
        RejectKind.RULE,
        sentence="The expire_time has passed: give a later one.",
        explained="it had expired before it came",
        when="the `expire_time` is not in the future",
        page="the time it was to end at has passed.",
        checked="The time at which it was to expire had passed already.",
    ),
    RejectReason.BAD_TRIGGER: RejectText(
        RejectKind.RULE,
        sentence=(
            "The trigger cannot be: prices lie on the wrong side of each other, a trail is too wide, or there is no "
            "price yet to trail."
        ),
        explained="its trigger could not be",
        when=(
            "the limit leg of an `oco` or an exit on the wrong side of the stop or of the price, a trail of the whole"
            " price or more, or nothing to trail yet"
        ),
        page=(
            "its prices are on the wrong side of each other, or there was no trade yet that a trailing stop could "
            "follow."
        ),
        checked="Stop, limit and exit prices stood on the wrong side of each other, or there was nothing to trail.",
    ),
    RejectReason.PRICE_OUTSIDE_COLLAR: RejectText(
        RejectKind.RULE,
        sentence="The price is too far from the market: the collar is {collar_percent} %.",
        explained="its price was beyond the collar",
        when="priced further beyond the reference than the collar allows",
    ),
    RejectReason.TOO_MANY_OPEN_ORDERS: RejectText(
        RejectKind.RULE,
        sentence=(
            "You have as many open orders as allowed: {max_open_orders} in {symbol}, or fewer where your account has "
            "a limit of its own."
        ),
        explained="you had too many open orders",
        when="the account has as many in this symbol, or in all, as it may",
    ),
    RejectReason.INSUFFICIENT_FUNDS: RejectText(
        RejectKind.RULE,
        sentence="You have less available than this would need.",
        explained="you had too little available",
        when="less is available than the order would hold or cost, or than is to be withdrawn",
        page=(
            "there is not enough available to pay for it. What open orders hold can't be spent: cancel some, or "
            "deposit."
        ),
    ),
    RejectReason.POST_ONLY_WOULD_TAKE: RejectText(
        RejectKind.RULE,
        sentence="The order is post-only and would take.",
        explained="it was post-only and would have taken",
        when="a post-only order that reaches the opposite best, or could slide to no price",
        page="it would trade at once, and post only forbids that. Move the price, or let it slide.",
        checked="The order was only to rest, and would have taken.",
    ),
    RejectReason.SELF_TRADE: RejectText(
        RejectKind.RULE,
        sentence="The first order it would meet is one of your own.",
        explained="it would first of all have met one of your own orders",
        when="the first order it would meet is one of the same account, and the mode `cancel_newest`",
        page="the first order it would meet is your own. Cancel that one, or choose another self-trade mode.",
        checked=(
            "The first order it would have met was one of your own, and self-trade prevention does not let you "
            "trade with yourself."
        ),
    ),
    RejectReason.UNKNOWN_ORDER: RejectText(
        RejectKind.NOT_FOUND,
        sentence="There is no such order.",
        explained="there was no such order of yours",
        when="there is no such order, or it is somebody else's",
        checked="You have no such open order.",
    ),
    RejectReason.TOO_LATE: RejectText(
        RejectKind.CONFLICT,
        sentence="The order is already done.",
        explained="the order was done already",
        when="the order is already done",
        page="it is done already.",
        checked="The order was done already.",
    ),
    RejectReason.UNKNOWN_ASSET: RejectText(
        RejectKind.NOT_FOUND,
        sentence="There is no such asset; GET /symbols tells those of each symbol.",
        explained="there is no such asset",
        when="no symbol is traded in or for it",
    ),
    RejectReason.BAD_AMOUNT: RejectText(
        RejectKind.RULE,
        sentence="The amount must be above zero and a whole number of the asset's minor units.",
        explained="the amount was not above zero, or finer than the asset's smallest unit",
        when="an amount that is not above zero, or not a whole number of the asset's minor units",
    ),
    RejectReason.DEPOSIT_LIMIT_EXCEEDED: RejectText(
        RejectKind.RULE,
        sentence="With this you would have deposited more of the asset than you may.",
        explained="all deposits together would have been above the limit",
        when="the account would have deposited more of the asset than it may",
    ),
    RejectReason.BAD_CONFIGURATION: RejectText(
        RejectKind.RULE,
        sentence="A fee rate is at most the whole notional, a limit a number from zero up.",
        explained="rates or limits could not be",
        when="a fee rate beyond the whole notional, or a limit that is no number from zero up",
    ),
    RejectReason.INSTRUMENT_CONFLICT: RejectText(
        RejectKind.CONFLICT,
        sentence="The symbol is listed with another tick, lot or asset.",
        explained="tick, lot, assets or smallest units would not have been as before",
        when="listed before with another tick, lot or asset",
    ),
}

CANCELS: Final[dict[CancelReason, CancelText]] = {
    CancelReason.REQUESTED: CancelText(
        explained="because that was asked for",
        short="by you",
        when="was cancelled by its owner; in journals that do not tell by whom a cancel was, maybe by an operator",
    ),
    CancelReason.BY_OPERATOR: CancelText(
        explained="because the venue's operator cancelled it",
        short="by the operator",
        when="was cancelled by an operator, alone or with all of its account",
    ),
    CancelReason.NO_LIQUIDITY: CancelText(
        explained="because nothing more was on offer that it might take",
        short="nobody to trade with",
        when="was a market order, be it once it triggered, and this is what the book could not give within the collar",
    ),
    CancelReason.IMMEDIATE_OR_CANCEL: CancelText(
        explained="because it was to take what it could at once and not to rest",
        short="the rest of an IOC",
        when="was IOC, and this is what it could not take at once",
    ),
    CancelReason.FILL_OR_KILL: CancelText(
        explained="because not all of it could be filled at once, so nothing was",
        short="could not fill all of it",
        when="was FOK and could not be filled in full; the book is untouched",
    ),
    CancelReason.ACCOUNT_STOPPED: CancelText(
        explained="because an operator stopped the account",
        short="account stopped",
        when="belonged to an account that an operator stopped",
    ),
    CancelReason.AMENDED_BELOW_FILLED: CancelText(
        explained="because it was amended to no more than had been filled",
        short="amended to what was filled",
        when="was amended to at most what was filled already",
    ),
    CancelReason.SELF_TRADE: CancelText(
        explained="by self-trade prevention: it would have traded with another of your orders",
        short="self-trade prevention",
        when="met one of its own account, and self-trade prevention ended this one",
        page="it met an order of your own, and self-trade prevention ended it.",
    ),
    CancelReason.ONE_CANCELS_OTHER: CancelText(
        explained="because its other leg traded, triggered or ended",
        short="the other leg came first",
        when="was a leg whose other leg traded, triggered or ended",
        page="the other leg came first.",
    ),
    CancelReason.PRICE_BAND: CancelText(
        explained="because what was left could only have traded beyond the price band",
        short="price band",
        when="could have traded on only beyond the price band",
        page="it could have traded only beyond the price band.",
    ),
}
