"""Why: the explanations of orders, trades and commands.

Layer: api. Parse, ask, pass on; nothing is decided here.
"""

from __future__ import annotations

from flask import Blueprint, Response

from api.orders import requests as wire
from api.auth.access import requesting_principal
from api.http.bodies import HEADERS, body_of_encoded
from api.http.documented import Access, documented
from explain.host import ExplainHost
from explain.answers import Explanation
from engine.types import AccountId
from identity.store import Role


def blueprint(explainer: ExplainHost) -> Blueprint:
    """The routes that explain."""
    routes = Blueprint("explain", __name__)

    @routes.get("/order/<order_id>/explain")
    @documented(Access.ACCOUNT, Explanation, errors=(404, 429, 503))
    def explain_order(order_id: str) -> Response:
        """Why an order went as it did: the book it met, the levels walked, what protected it, the queue, the fees.

        Its owner may ask, and operators.
        """
        return _told(explainer.explain("order", wire.order_id_of(order_id), _asker()))

    @routes.get("/trade/<trade_id>/explain")
    @documented(Access.ACCOUNT, Explanation, errors=(404, 429, 503))
    def explain_trade(trade_id: str) -> Response:
        """Why a trade happened at its price. Each party is told its own side, operators both."""
        return _told(explainer.explain("trade", wire.order_id_of(trade_id), _asker()))

    @routes.get("/command/<seq>/explain")
    @documented(Access.ACCOUNT, Explanation, errors=(404, 429, 503))
    def explain_command(seq: str) -> Response:
        """What became of a command of the caller's, by the `seq` of its answer: why an order was refused."""
        return _told(explainer.explain("command", wire.order_id_of(seq), _asker()))

    return routes


def _asker() -> AccountId | None:
    """Whose explanation it may be; None: anybody's, for an operator asks."""
    principal = requesting_principal()
    return None if principal.role is Role.OPERATOR else principal.account


def _told(body: bytes) -> Response:
    return Response(body_of_encoded(body), 200, HEADERS)
