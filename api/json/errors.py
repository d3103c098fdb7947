"""How the API says no: one error shape, a status and a sentence for each reject reason.

    ApiError            an answer with a status, a code and a sentence
    `- Malformed        400: the request cannot be understood; never sequenced

Layer: api.json.
"""

from __future__ import annotations

import re
import secrets
import time
from typing import Annotated, Any, Final, Self

import msgspec
from msgspec import Meta

from engine.instrument import Instrument
from engine.rejects import RejectReason
from explain.reasons import REJECTS, RejectKind
from listings.grid import grid_of, percent
from loop.errors import StoreClosed, StoreError
from sequencer.port import STARTING, STOPPING, NotAccepting, OutcomeUnknown, SignatureTooOld, SignatureUsed

RETRY_AFTER_S = 1
MS_NS: Final = 10**6
REASONS: Final = {STARTING: "starting", STOPPING: "stopping"}  # in `details.reason`, for programs

ErrorCode = Annotated[str, Meta(pattern=r"\A[A-Z][A-Z_]+\Z")]
RequestId = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9._-]{1,64}\Z")]  # 16 hexadecimal digits, or as it was given
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch

STATUS: dict[RejectKind, int] = {
    RejectKind.NOT_FOUND: 404,
    RejectKind.CONFLICT: 409,
    RejectKind.FORBIDDEN: 403,
    RejectKind.TOO_FAST: 429,
    RejectKind.RULE: 422,
    RejectKind.UNKNOWN_NOW: 503,
}


def given_request_id(text: str | None) -> str | None:
    """A request id that a client gives; None where it is none that we repeat."""
    return text if text is not None and _GIVEN_ID(text) else None


def request_id_for(given: str | None) -> str:
    """What a client gave, where that is an id, else a fresh one."""
    return given_request_id(given) or secrets.token_hex(8)


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
        self._request_id: str | None = None

    def identify(self, given: str | None = None) -> str:
        """The id of the request that it answers: what its client gave, where that is one, else a fresh one. Stays."""
        if self._request_id is None:
            self._request_id = request_id_for(given)
        return self._request_id

    def body(self) -> ErrorBody:
        """The one error shape."""
        return ErrorBody(self.sentence, self.code, self.details, self.identify())

    def without_frames(self) -> Self:
        """The same alone, to be kept: the frames that it was raised in refer to it in turn, and hold all they read."""
        behind: BaseException | None = self
        while behind is not None:
            behind.__traceback__, behind = None, behind.__context__
        self.__cause__ = self.__context__ = None
        return self


class Malformed(ApiError):
    """The request cannot be understood; it never reached the sequencer."""

    def __init__(self, code: str, sentence: str, **details: Any) -> None:
        super().__init__(400, code, sentence, details)


def rejected(
    reason: RejectReason,
    instrument: Instrument | None,
    *,
    symbol: str | None = None,
    legacy_status: bool = False,
    message: str | None = None,
    **details: Any,
) -> ApiError:
    """The answer to a command that the rules refused.

    `legacy_status`: POST /order and POST /cancel say 400 where others say 422, as the clients
    of older engines expect. `message`: a sentence to give in place of the reason's own.
    `details` are added to those of the instrument's limits.
    """
    text = REJECTS[reason]
    status = STATUS[text.kind]
    if legacy_status and (status == 422 or reason is RejectReason.UNKNOWN_SYMBOL):
        status = 400
    limits = _limits(instrument) if instrument else {}
    sentence = text.sentence.format_map({"symbol": symbol, **limits})
    named = {name: value for name, value in limits.items() if f"{{{name}}}" in text.sentence}
    about = {**({"symbol": symbol} if symbol else {}), **named, **details}
    return ApiError(status, reason.upper(), message or sentence, about, RETRY_AFTER_S if status in (429, 503) else None)


def signature_replayed() -> ApiError:
    """401: the same signature came before, to this server or to another one of the same records."""
    return ApiError(401, "SIGNATURE_REPLAYED", "This request was sent before; sign it anew to send it again.")


def not_accepting(refusal: NotAccepting) -> ApiError:
    """503: nothing was promised. 401 where that is for the request's signature."""
    if isinstance(refusal, SignatureUsed):
        return signature_replayed()
    if isinstance(refusal, SignatureTooOld):
        sentence = "The request was signed before the server that would carry it out can say whether it came before."
        details = {"server_time_ms": time.time_ns() // MS_NS}
        return ApiError(401, "TIMESTAMP_OUTSIDE_WINDOW", f"{sentence} Sign it anew.", details)
    return ApiError(
        503,
        "NOT_ACCEPTING",
        "The exchange takes no commands just now; retry with the same client_order_id.",
        {"why": refusal.why} | ({"reason": REASONS[refusal.why]} if refusal.why in REASONS else {}),
        RETRY_AFTER_S,
    )


def outcome_unknown(problem: OutcomeUnknown) -> ApiError:
    """504: it may have been done. The same command again gives the first outcome where it was."""
    named = {} if problem.client_order_id is None else {"client_order_id": problem.client_order_id}
    return ApiError(
        504,
        "OUTCOME_UNKNOWN",
        "Nobody has answered in time: whether it was done is not known yet. Ask, or send the same again.",
        {"key": problem.key.hex(), **named},
        RETRY_AFTER_S,
    )


def starting(percent: int | None) -> ApiError:
    """503: nothing is answered yet. `percent`: of the journal that has been replayed, where that is known."""
    progress = {} if percent is None else {"percent": percent}
    return ApiError(
        503,
        "NOT_ACCEPTING",
        "The exchange is starting; nothing was done. Try again in a moment.",
        {"why": STARTING, "reason": REASONS[STARTING], **progress},
        RETRY_AFTER_S,
    )


def history_behind() -> ApiError:
    """503: what is asked for is in the history, which does not have it yet, or does not answer."""
    return ApiError(503, "HISTORY_BEHIND", "The history of done orders is behind; try again.", None, RETRY_AFTER_S)


def as_error(refusal: ApiError | NotAccepting | OutcomeUnknown | StoreError) -> ApiError:
    """The answer that a refusal becomes."""
    if isinstance(refusal, OutcomeUnknown):
        return outcome_unknown(refusal)
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
    details = {"why": STOPPING, "reason": REASONS[STOPPING]}
    return ApiError(503, "STOPPING", "The server is stopping; try again in a moment.", details, RETRY_AFTER_S)


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
