"""Why: the explanations of orders, trades and commands.

Layer: api.explanations. Parse, ask, pass on; nothing is decided here.
"""

from __future__ import annotations

from flask import Blueprint, Response

from api.auth.authenticator import requesting_principal
from api.http.bodies import HEADERS, body_of_encoded
from api.http.documented import Access, documented
from api.http.limits import EXPLANATION_UNITS, charge
from api.json.errors import ApiError
from api.json.requests import order_id_of
from engine.types import AccountId
from explain.answers import Explanation
from explain.host import (
    OWN_MAX,
    ExplainerBehind,
    ExplainerBusy,
    ExplainHost,
    NotExplained,
    NothingToExplain,
    NotKept,
    RecordsUnreadable,
)
from explain.protocol import SubjectKind
from identity.users import Role

BUSY_RETRY_S, BEHIND_RETRY_S = 2, 5

_UNKNOWN = {
    "order": ("UNKNOWN_ORDER", "There is no such order."),
    "trade": ("UNKNOWN_TRADE", "There is no such trade."),
    "command": ("UNKNOWN_COMMAND", "There is no such command."),
}


def blueprint(explainer: ExplainHost) -> Blueprint:
    """The routes that explain."""
    routes = Blueprint("explain", __name__)

    def explained(about: SubjectKind, number: str) -> Response:
        charge(EXPLANATION_UNITS)
        try:
            body = explainer.explain(about, order_id_of(number), _asker())
        except NotExplained as refusal:
            raise _refusal(refusal, about) from None
        return Response(body_of_encoded(body), 200, HEADERS)

    @routes.get("/order/<order_id>/explain")
    @documented(Access.ACCOUNT, Explanation, errors=(404, 429, 503))
    def explain_order(order_id: str) -> Response:
        """Why an order went as it did: the book it met, the levels walked, what protected it, the queue, the fees.

        Its owner may ask, and operators.
        """
        return explained("order", order_id)

    @routes.get("/trade/<trade_id>/explain")
    @documented(Access.ACCOUNT, Explanation, errors=(404, 429, 503))
    def explain_trade(trade_id: str) -> Response:
        """Why a trade happened at its price. Each party is told its own side, operators both."""
        return explained("trade", trade_id)

    @routes.get("/command/<seq>/explain")
    @documented(Access.ACCOUNT, Explanation, errors=(404, 429, 503))
    def explain_command(seq: str) -> Response:
        """What became of a command of the caller's, by the `seq` of its answer: why an order was refused."""
        return explained("command", seq)

    return routes


def _asker() -> AccountId | None:
    """Whose explanation it may be; None: anybody's, for an operator asks."""
    principal = requesting_principal()
    return None if principal.role is Role.OPERATOR else principal.account


def _refusal(refusal: NotExplained, about: SubjectKind) -> ApiError:
    match refusal:
        case NothingToExplain():
            return ApiError(404, *_UNKNOWN[about])
        case ExplainerBusy(own=True):
            sentence = f"Of one account {OWN_MAX} questions wait at a time; ask again when one of yours is answered."
            return ApiError(429, "EXPLAINER_BUSY", sentence, None, BUSY_RETRY_S)
        case ExplainerBusy():
            sentence = "Too many are being told why just now; ask again in a moment."
            return ApiError(503, "EXPLAINER_BUSY", sentence, None, BUSY_RETRY_S)
        case ExplainerBehind(read_percent=done):
            sentence = f"The journal is still being read for explanations, {done} % so far; ask again in a moment."
            return ApiError(503, "EXPLAINER_BEHIND", sentence, {"read_percent": done}, BEHIND_RETRY_S)
        case NotKept(first_seq=first_seq):
            sentence = f"The records before command {first_seq} are not kept, and explanations begin there."
            return ApiError(410, "EXPLANATION_NOT_KEPT", sentence, {"first_seq": first_seq})
        case RecordsUnreadable():
            sentence = "Records that this is explained from are damaged. The server's log names them, for its operator."
            return ApiError(503, "EXPLAINER_FAILED", sentence)
    sentence = "To explain this takes longer than a request may, or the process that explains has ended; ask again."
    return ApiError(503, "EXPLAINER_FAILED", sentence, None, BEHIND_RETRY_S)
