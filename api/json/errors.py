"""How the API says no: one error shape, a status and a sentence for each reject reason.

    ApiError            an answer with a status, a code and a sentence
    `- Malformed        400: the request cannot be understood; never sequenced

Layer: api.json.
"""

from __future__ import annotations

import logging
import secrets
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from engine.instrument import Instrument
from engine.rejects import RejectReason
from listings.grid import grid_of, percent
from loop.errors import StoreClosed, StoreError
from sequencer.sequencer import NotAccepting

log = logging.getLogger(__name__)

RETRY_AFTER_S = 1

ErrorCode = Annotated[str, Meta(pattern=r"\A[A-Z][A-Z_]+\Z")]
RequestId = Annotated[str, Meta(pattern=r"\A[0-9a-f]{16}\Z")]

STATUS: dict[RejectReason, int] = {
    RejectReason.UNKNOWN_SYMBOL: 404,
    RejectReason.DUPLICATE_CLIENT_ORDER_ID: 409,
    RejectReason.MAYBE_REPEATED: 503,
    RejectReason.SYMBOL_NOT_TRADING: 422,
    RejectReason.ACCOUNT_STOPPED: 403,
    RejectReason.ORDER_RATE_EXCEEDED: 429,
    RejectReason.UNSUPPORTED_COMBINATION: 422,
    RejectReason.SELF_TRADE_PREVENTION_NOT_ALLOWED: 422,
    RejectReason.BAD_TICK: 422,
    RejectReason.BAD_LOT: 422,
    RejectReason.QUANTITY_TOO_SMALL: 422,
    RejectReason.QUANTITY_TOO_LARGE: 422,
    RejectReason.NOTIONAL_TOO_SMALL: 422,
    RejectReason.NOTIONAL_TOO_LARGE: 422,
    RejectReason.BAD_DISPLAY_QUANTITY: 422,
    RejectReason.EXPIRE_TIME_PASSED: 422,
    RejectReason.BAD_TRIGGER: 422,
    RejectReason.PRICE_OUTSIDE_COLLAR: 422,
    RejectReason.TOO_MANY_OPEN_ORDERS: 422,
    RejectReason.INSUFFICIENT_FUNDS: 422,
    RejectReason.POST_ONLY_WOULD_TAKE: 422,
    RejectReason.SELF_TRADE: 422,
    RejectReason.UNKNOWN_ORDER: 404,
    RejectReason.TOO_LATE: 409,
    RejectReason.UNKNOWN_ASSET: 404,
    RejectReason.BAD_AMOUNT: 422,
    RejectReason.DEPOSIT_LIMIT_EXCEEDED: 422,
    RejectReason.BAD_CONFIGURATION: 422,
    RejectReason.INSTRUMENT_CONFLICT: 409,
}

_SENTENCES: dict[RejectReason, str] = {
    RejectReason.UNKNOWN_SYMBOL: "There is no symbol {symbol}; GET /symbols lists them.",
    RejectReason.SYMBOL_NOT_TRADING: "{symbol} is not trading at the moment, or gathers for an auction, which takes "
    "limit orders and orders with a trigger only.",
    RejectReason.ACCOUNT_STOPPED: "This account was stopped by an operator.",
    RejectReason.DUPLICATE_CLIENT_ORDER_ID: "This client_order_id was used before for an order with other fields.",
    RejectReason.MAYBE_REPEATED: "Whether this client_order_id was used before could not be told; nothing was entered, "
    "try again.",
    RejectReason.ORDER_RATE_EXCEEDED: "This account may not enter so many orders in one second.",
    RejectReason.UNSUPPORTED_COMBINATION: "These fields do not go together, or one is missing or cannot be changed; "
    "the documentation of POST /order tells what each order type has.",
    RejectReason.SELF_TRADE_PREVENTION_NOT_ALLOWED: "Your orders cannot go without self-trade prevention: leave the "
    "mode out, or name another than none.",
    RejectReason.BAD_TICK: "Each price must be a multiple of the tick size, {tick_size}.",
    RejectReason.BAD_LOT: "Each quantity must be a multiple of the lot size, {lot_size}.",
    RejectReason.QUANTITY_TOO_SMALL: "The quantity is below the smallest allowed, {min_quantity}.",
    RejectReason.QUANTITY_TOO_LARGE: "The quantity is above the largest allowed, {max_quantity}.",
    RejectReason.NOTIONAL_TOO_SMALL: "Price times quantity is below the smallest allowed, {min_notional}.",
    RejectReason.NOTIONAL_TOO_LARGE: "Price times quantity is above the largest allowed: {max_notional}, or less "
    "where your account has a limit of its own.",
    RejectReason.BAD_DISPLAY_QUANTITY: "The display_quantity is at most the quantity, and at least a hundredth of it.",
    RejectReason.EXPIRE_TIME_PASSED: "The expire_time has passed: give a later one.",
    RejectReason.BAD_TRIGGER: "The trigger cannot be: prices lie on the wrong side of each other, a trail is too "
    "wide, or there is no price yet to trail.",
    RejectReason.PRICE_OUTSIDE_COLLAR: "The price is too far from the market: the collar is {collar_percent} %.",
    RejectReason.TOO_MANY_OPEN_ORDERS: "You have as many open orders as allowed: {max_open_orders} in {symbol}, or "
    "fewer where your account has a limit of its own.",
    RejectReason.INSUFFICIENT_FUNDS: "You have less available than this would need.",
    RejectReason.POST_ONLY_WOULD_TAKE: "The order is post-only and would take.",
    RejectReason.SELF_TRADE: "The first order it would meet is one of your own.",
    RejectReason.UNKNOWN_ORDER: "There is no such order.",
    RejectReason.TOO_LATE: "The order is already done.",
    RejectReason.UNKNOWN_ASSET: "There is no such asset; GET /symbols tells those of each symbol.",
    RejectReason.BAD_AMOUNT: "The amount must be above zero and a whole number of the asset's minor units.",
    RejectReason.DEPOSIT_LIMIT_EXCEEDED: "With this you would have deposited more of the asset than you may.",
    RejectReason.BAD_CONFIGURATION: "A fee rate is at most the whole notional, a limit a number from zero up.",
    RejectReason.INSTRUMENT_CONFLICT: "The symbol is listed with another tick, lot or asset.",
}


class ErrorBody(msgspec.Struct, frozen=True):
    """The one error shape."""

    error: str  # a sentence
    error_code: ErrorCode
    details: dict[str, Any]
    request_id: RequestId


class ApiError(Exception):
    """An answer other than the one asked for."""

    def __init__(
        self,
        status: int,
        code: str,
        sentence: str,
        details: dict[str, Any] | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.sentence = sentence
        self.details = details or {}
        self.retry_after_s = retry_after_s

    def body(self) -> ErrorBody:
        """The one error shape, with a fresh request id."""
        return ErrorBody(self.sentence, self.code, self.details, secrets.token_hex(8))


class Malformed(ApiError):
    """The request cannot be understood; it never reached the sequencer."""

    def __init__(self, code: str, sentence: str, **details: Any) -> None:
        super().__init__(400, code, sentence, details)


def rejected(
    reason: RejectReason,
    instrument: Instrument | None,
    *,
    symbol: str | None = None,
    old_style: bool = False,
    told: str | None = None,
    **details: Any,
) -> ApiError:
    """The answer to a command that the rules refused.

    `old_style`: POST /order and POST /cancel say 400 where others say 422, as the clients
    of older engines expect. `told` is a sentence that says more than the reason's.
    `details` are added to those of the instrument's limits.
    """
    status = STATUS[reason]
    if old_style and (status == 422 or reason is RejectReason.UNKNOWN_SYMBOL):
        status = 400
    limits = _limits(instrument) if instrument else {}
    sentence = _SENTENCES[reason].format_map({"symbol": symbol, **limits})
    named = {name: value for name, value in limits.items() if f"{{{name}}}" in _SENTENCES[reason]}
    about = {**({"symbol": symbol} if symbol else {}), **named, **details}
    return ApiError(status, reason.upper(), told or sentence, about, RETRY_AFTER_S if status in (429, 503) else None)


def not_accepting(refusal: NotAccepting) -> ApiError:
    """503: nothing was promised."""
    return ApiError(
        503,
        "NOT_ACCEPTING",
        "The exchange takes no commands just now; retry with the same client_order_id.",
        {"why": refusal.why},
        RETRY_AFTER_S,
    )


def history_behind() -> ApiError:
    """503: what is asked for is in the history, which does not have it yet, or does not answer."""
    return ApiError(503, "HISTORY_BEHIND", "The history of done orders is behind; try again.", None, RETRY_AFTER_S)


def as_error(refusal: ApiError | NotAccepting | StoreError) -> ApiError:
    """What clients are told of a refusal."""
    if isinstance(refusal, NotAccepting):
        return not_accepting(refusal)
    if isinstance(refusal, StoreError):
        return stopping() if isinstance(refusal, StoreClosed) else history_behind()
    return refusal


def internal_error() -> ApiError:
    """500: our mistake, to be logged under the request id of its body."""
    return ApiError(500, "INTERNAL_ERROR", "The server made a mistake; it is logged under the request id.")


def busy_now() -> ApiError:
    """503: more calls wait for a native thread than may."""
    return ApiError(503, "BUSY", "Too many are signing in just now; try again in a moment.", None, RETRY_AFTER_S)


def identity_away() -> ApiError:
    """503: the identity database does not answer; nothing was changed."""
    sentence = "Signing in and what belongs to it do not work just now, trading does; try again in a moment."
    return ApiError(503, "IDENTITY_AWAY", sentence, None, RETRY_AFTER_S)


def stopping() -> ApiError:
    """503: the server is stopping."""
    return ApiError(503, "STOPPING", "The server is stopping; try again in a moment.", None, RETRY_AFTER_S)


def _limits(instrument: Instrument) -> dict[str, str]:
    """The limits of an instrument as the sentences name them."""
    grid = grid_of(instrument)
    return {
        "tick_size": instrument.tick_size,
        "lot_size": instrument.lot_size,
        "min_quantity": grid.quantity(instrument.min_quantity),
        "max_quantity": grid.quantity(instrument.max_quantity),
        "min_notional": grid.amount(instrument.min_notional),
        "max_notional": grid.amount(instrument.max_notional),
        "collar_percent": percent(instrument.collar or 0),
        "max_open_orders": str(instrument.max_open_orders),
    }
