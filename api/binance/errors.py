"""What the second wire says no with: a number and a sentence, `{"code": -1121, "msg": "Invalid symbol."}`.

One table from the engine's reasons; the words that clients match are as they match them. `Documentation/binance.md`
lists it, and a test compares both.
Layer: api.binance.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from werkzeug.exceptions import HTTPException

from api.auth.authenticator import WireRefusal
from api.http.errors import expected_error, unforeseen
from api.http.limits import too_many
from api.http.wsgi import Environ
from api.json.errors import ApiError
from engine.rejects import RejectReason

TOO_MANY: Final = -1003


class BinanceErrorBody(msgspec.Struct, frozen=True):
    """The error shape of the second wire."""

    code: int
    msg: str
    data: Any = msgspec.UNSET  # of a cancelReplace that failed: what became of either part


class BinanceError(WireRefusal):
    """An answer of the shape `{"code": code, "msg": message}`."""

    def __init__(
        self, code: int, message: str, status: int = 400, retry_after_s: int | None = None, data: Any = msgspec.UNSET
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.retry_after_s = retry_after_s
        self.data = data

    def body(self) -> BinanceErrorBody:
        """The error shape."""
        return BinanceErrorBody(self.code, self.message, self.data)


_FUNDS: Final = "Account has insufficient balance for requested action."
_TAKES: Final = "Order would immediately match and take."
_FILTER: Final = "Filter failure: "

# the code and the words of each reason of the engine
REJECTS: Final[dict[RejectReason, tuple[int, str]]] = {
    RejectReason.UNKNOWN_SYMBOL: (-1121, "Invalid symbol."),
    RejectReason.DUPLICATE_CLIENT_ORDER_ID: (-2010, "Duplicate order sent."),
    RejectReason.MAYBE_REPEATED: (-1008, "Whether this order was sent before is not known just now; try again."),
    RejectReason.SYMBOL_NOT_TRADING: (-2010, "Market is closed."),
    RejectReason.ACCOUNT_STOPPED: (-2010, "This action is disabled on this account."),
    RejectReason.ORDER_RATE_EXCEEDED: (-1015, "Too many new orders; see GET /api/v3/rateLimit/order."),
    RejectReason.UNSUPPORTED_COMBINATION: (-1128, "Combination of optional parameters invalid."),
    RejectReason.SELF_TRADE_PREVENTION_NOT_ALLOWED: (
        -2010,
        "This symbol does not allow the specified self-trade prevention mode.",
    ),
    RejectReason.BAD_TICK: (-1013, _FILTER + "PRICE_FILTER"),
    RejectReason.BAD_LOT: (-1013, _FILTER + "LOT_SIZE"),
    RejectReason.QUANTITY_TOO_SMALL: (-1013, _FILTER + "LOT_SIZE"),
    RejectReason.QUANTITY_TOO_LARGE: (-1013, _FILTER + "LOT_SIZE"),
    RejectReason.NOTIONAL_TOO_SMALL: (-1013, _FILTER + "NOTIONAL"),
    RejectReason.NOTIONAL_TOO_LARGE: (-1013, _FILTER + "NOTIONAL"),
    RejectReason.BAD_DISPLAY_QUANTITY: (-1013, _FILTER + "ICEBERG_PARTS"),
    RejectReason.EXPIRE_TIME_PASSED: (-1128, "Combination of optional parameters invalid."),
    RejectReason.BAD_TRIGGER: (-2010, "The relationship of the prices for the orders is not correct."),
    RejectReason.PRICE_OUTSIDE_COLLAR: (-1013, _FILTER + "PERCENT_PRICE_BY_SIDE"),
    RejectReason.TOO_MANY_OPEN_ORDERS: (-1013, _FILTER + "MAX_NUM_ORDERS"),
    RejectReason.INSUFFICIENT_FUNDS: (-2010, _FUNDS),
    RejectReason.POST_ONLY_WOULD_TAKE: (-2010, _TAKES),
    RejectReason.SELF_TRADE: (-2010, "Order would trade with an order of the same account."),
    RejectReason.UNKNOWN_ORDER: (-2011, "Unknown order sent."),
    RejectReason.TOO_LATE: (-2011, "Unknown order sent."),
    RejectReason.UNKNOWN_ASSET: (-1130, "Data sent for parameter 'asset' is not valid."),
    RejectReason.BAD_AMOUNT: (-1130, "Data sent for parameter 'amount' is not valid."),
    RejectReason.DEPOSIT_LIMIT_EXCEEDED: (-1130, "Data sent for parameter 'amount' is not valid."),
    RejectReason.BAD_CONFIGURATION: (-1130, "Data sent for a parameter is not valid."),
    RejectReason.INSTRUMENT_CONFLICT: (-1130, "Data sent for parameter 'symbol' is not valid."),
}

UNKNOWN_TO_A_CANCEL: Final = (-2011, "Unknown order sent.")
UNKNOWN_TO_A_QUERY: Final = (-2013, "Order does not exist.")

_BY_CODE: Final = {
    **{reason.upper(): said for reason, said in REJECTS.items()},
    "CONTRADICTION": UNKNOWN_TO_A_CANCEL,  # two ids of different orders
}
_UNKNOWN: Final = "Unknown error, please check your request or try again later."
_NOT_KNOWN: Final = (
    504,
    -1007,
    "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
)
SENT_BEFORE: Final = (-1021, "This request was sent before; sign it anew to send it again.")
_OUTCOMES: Final = {  # of faults on demand and of writers elsewhere, by our code: status, code, words
    "SIGNATURE_REPLAYED": (400, *SENT_BEFORE),
    "TIMESTAMP_OUTSIDE_WINDOW": (400, -1021, "Timestamp for this request is outside of the recvWindow."),
    "NOT_IMPLEMENTED": (501, -1000, _UNKNOWN),
    "BAD_GATEWAY": (502, -1006, "An unexpected response was received from the message bus. Execution status unknown."),
    "SERVICE_UNAVAILABLE": (503, -1000, _UNKNOWN),
    "GATEWAY_TIMEOUT": _NOT_KNOWN,
    "OUTCOME_UNKNOWN": _NOT_KNOWN,
}
_WITH_ITS_SENTENCE: Final = (RejectReason.UNSUPPORTED_COMBINATION.upper(),)


def of_api_error(error: ApiError, unknown: tuple[int, str] = UNKNOWN_TO_A_CANCEL) -> BinanceError:
    """A refusal of the services as the second wire says it; `unknown` is what is said of an order that there is not."""
    said = _BY_CODE.get(error.code)
    if said is not None:
        code, words = unknown if said is REJECTS[RejectReason.UNKNOWN_ORDER] else said
        if error.code in _WITH_ITS_SENTENCE:
            words = f"{words} {error.sentence}"
        status = error.status if error.status in (429, 503) else 400
        return BinanceError(code, words, status, error.retry_after_s)
    outcome = _OUTCOMES.get(error.code)
    if outcome is not None:
        status, code, words = outcome
        return BinanceError(code, words, status, error.retry_after_s)
    if error.status == 429:
        return BinanceError(TOO_MANY, error.sentence, 429, error.retry_after_s)
    if error.status == 503:
        return BinanceError(-1008, error.sentence, 503, error.retry_after_s)
    if error.status in (401, 403):
        return BinanceError(-2015, "Invalid API-key, IP, or permissions for action.", error.status)
    if error.status == 500:
        return BinanceError(-1001, "Internal error; unable to process your request. Please try again.", 500)
    return BinanceError(-1100, error.sentence, error.status)


@contextmanager
def refusals(unknown: tuple[int, str] = UNKNOWN_TO_A_CANCEL) -> Iterator[None]:
    """Have what the services refuse raised as BinanceError; what nobody foresaw stays as it is."""
    try:
        yield
    except BinanceError:
        raise
    except Exception as problem:
        error = expected_error(problem)
        if error is None:
            raise
        raise of_api_error(error, unknown) from problem


def of_failure(problem: Exception, environ: Environ) -> BinanceError:
    """Whatever a request of the second wire raised, as its answer; what nobody foresaw is logged."""
    if isinstance(problem, BinanceError):
        return problem
    if isinstance(problem, HTTPException):
        return _of_http(problem)
    return of_api_error(expected_error(problem) or unforeseen(problem, environ))


def _of_http(problem: HTTPException) -> BinanceError:
    """What Flask or the limiter refused before a handler ran."""
    status = problem.code or 500
    if status == 429:
        return BinanceError(TOO_MANY, too_many(problem.description), 429)
    return BinanceError(-1100, problem.description or problem.name, status)


def missing(name: str) -> BinanceError:
    """A parameter that must be there is not, or says nothing."""
    return BinanceError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def malformed(name: str, legal: str) -> BinanceError:
    """A parameter that cannot be read; `legal`: what it may be."""
    return BinanceError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def not_required(name: str, why: str = "") -> BinanceError:
    """A parameter that does not go with the rest of the request, or that we have nothing for."""
    return BinanceError(-1106, f"Parameter '{name}' sent when not required.{why and ' '}{why}")
