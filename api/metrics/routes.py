"""What monitoring asks: the figures, whether the server lives, and whether it is ready.

Layer: api.metrics.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
from flask import Blueprint, Response

from api.http.documented import Access, documented
from api.http.responses import answer
from api.json.errors import RETRY_AFTER_S, ApiError
from api.metrics.text import CONTENT_TYPE


class LiveView(msgspec.Struct, frozen=True):
    """GET /health/live."""

    status: Literal["live"]


class ReadyView(msgspec.Struct, frozen=True):
    """GET /health/ready."""

    status: Literal["ready"]


def blueprint(
    text: Callable[[], bytes], refusal: Callable[[], str | None], require_reader: Callable[[], object]
) -> Blueprint:
    """`text`: all figures; `refusal`: why no commands are taken just now; `require_reader` raises ApiError."""
    routes = Blueprint("metrics", __name__)

    @routes.get("/metrics")
    @documented(Access.MONITORING, "text/plain")
    def metrics() -> Response:
        """All figures of the server, in Prometheus' text format; at most a second old."""
        require_reader()
        return Response(text(), 200, {"Content-Type": CONTENT_TYPE})

    @routes.get("/health/live")
    @documented(Access.PUBLIC, LiveView)
    def live() -> Response:
        """Whether the process answers. One that does not is to be started anew."""
        return answer(LiveView("live"))

    @routes.get("/health/ready")
    @documented(Access.PUBLIC, ReadyView, errors=(503,))
    def ready() -> Response:
        """Whether orders are taken. While it says 503, orders are better sent later or elsewhere."""
        why = refusal()
        if why is not None:
            sentence = "The exchange takes no commands just now."
            raise ApiError(503, "NOT_READY", sentence, {"why": why}, RETRY_AFTER_S)
        return answer(ReadyView("ready"))

    return routes
