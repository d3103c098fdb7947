"""Explanations: why an order, a trade or a command went as it did.

Layer: openbell_client.
"""

from __future__ import annotations

from openbell_client.answers import Explanation
from openbell_client.calls.call import Call, get, segment


def explain_order(order_id: str) -> Call[Explanation]:
    """Why one of one's orders went as it did."""
    return get(f"/order/{segment(order_id)}/explain", Explanation)


def explain_trade(trade_id: str) -> Call[Explanation]:
    """Why one of one's trades happened, and at that price."""
    return get(f"/trade/{segment(trade_id)}/explain", Explanation)


def explain_command(seq: int) -> Call[Explanation]:
    """What became of one of one's commands, refused ones included: `details["seq"]` of the refusal."""
    return get(f"/command/{seq}/explain", Explanation)
