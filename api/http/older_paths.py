"""Paths of older clients that we do not have, and which of ours is meant. Only words.

Layer: api.http.
"""

from __future__ import annotations

import re
from typing import Final

_ID: Final = r"[^/]+"
_SUGGESTIONS: Final = tuple(
    (re.compile(rf"(?:{method}) {path}/?"), suggestion)
    for method, path, suggestion in (
        ("POST|PUT", r"/orders", "POST /order enters an order, and POST /orders/batch many at once"),
        ("POST|PUT", r"/(?:submit_order|place_order|order/new)", "POST /order enters an order"),
        ("GET", r"/order", "GET /order/{order_id} tells of one order, and GET /orders of all"),
        ("DELETE", r"/order", "DELETE /order/{order_id} or POST /cancel cancels one order, and DELETE /orders all"),
        ("POST", r"/order/", "POST /order enters an order"),
        ("PATCH|PUT|POST", rf"/(?:order|orders)(?:/{_ID})?", "PATCH /order/{order_id} changes an order"),
        ("GET", rf"/orders/{_ID}", "GET /order/{order_id} tells of one order"),
        ("DELETE", rf"/orders/{_ID}", "DELETE /order/{order_id} cancels one order"),
        ("POST|DELETE", rf"/(?:cancel_order|cancel|order/cancel|orders/cancel)(?:/{_ID})?", "POST /cancel cancels one"),
        ("POST", r"/(?:cancel_all|orders/cancel_all)", "DELETE /orders cancels all orders"),
        (".*", rf"/(?:orderbook|order_book|depth|book)(?:/{_ID})?", "GET /book/{symbol} tells the depth by price"),
        (".*", r"/bbo", "GET /bbo/{symbol} tells the best prices"),
        (".*", r"/trades", "GET /trades/{symbol} tells the latest trades"),
        (".*", r"/quote", "GET /quote/{symbol}?side=&quantity= tells what a quantity would cost"),
        (".*", r"/candles", "GET /candles/{symbol} tells the candles"),
        (".*", r"/stats", "GET /statistics tells the figures of the venue"),
    )
)


def suggestion_for(method: str, path: str) -> str | None:
    """Which of our routes a request for another one most likely means, as a sentence; None when nothing is known."""
    asked = f"{method} {path.lower()}"
    for pattern, suggestion in _SUGGESTIONS:
        if pattern.fullmatch(asked):
            return f"{suggestion}."
    if path != "/" and path.endswith("/"):
        return "No path ends with a slash: leave it out."
    return None
