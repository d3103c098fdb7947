"""What answers about orders are made of."""

from __future__ import annotations

from typing import Any

ORDER_ANSWER = {
    "order_id": str,
    "client_order_id": str | None,
    "symbol": str,
    "side": str,
    "order_type": str,
    "time_in_force": str,
    "price": str | None,
    "quantity": str,
    "status": str,
    "reason": str | None,
    "filled_quantity": str,
    "remaining_quantity": str,
    "average_price": str | None,
    "self_trade_prevention": str,
    "trades": list,
    "total_maker_fees": str,
    "total_taker_fees": str,
    "bbo": dict,
    "processing_time_ms": float,
    "timestamp": float,
    "ts_ns": int,
    "ts_ns_text": str,
    "seq": int,
    "repeated": bool,
}
TRADE = {
    "timestamp": float,
    "ts_ns": int,
    "ts_ns_text": str,
    "symbol": str,
    "trade_id": str,
    "price": str,
    "quantity": str,
    "aggressor_side": str,
    "maker_order_id": str,
    "taker_order_id": str,
    "maker_fee": str,
    "taker_fee": str,
    "trade_value": str,
    "seq": int,
    "auction": bool,
    "self_trade": bool,
}
BBO = {
    "symbol": str,
    "best_bid": str | None,
    "best_ask": str | None,
    "spread": str | None,
    "mid_price": str | None,
    "bid_size": str,
    "ask_size": str,
    "timestamp": float,
    "seq": int,
    "status": str,
    "limit_state": str | None,
}
CANCEL_ANSWER = {
    "success": bool,
    "order_id": str,
    "client_order_id": str | None,
    "symbol": str,
    "filled_quantity": str,
    "bbo": dict,
    "processing_time_ms": float,
    "timestamp": float,
    "seq": int,
}
ORDER = {
    "order_id": str,
    "client_order_id": str | None,
    "symbol": str,
    "side": str,
    "order_type": str,
    "time_in_force": str,
    "quantity": str,
    "price": str | None,
    "remaining": str,
    "filled": str,
    "average_price": str | None,
    "self_trade_prevention": str,
    "fees": str,
    "status": str,
    "reason": str | None,
    "timestamp": float,
    "ts_ns": int,
    "ts_ns_text": str,
    "seq": int,
}


def check_shape(value: dict[str, Any], shape: dict[str, Any]) -> None:
    """The keys are exactly those of `shape`, and each value is of its type."""
    assert value.keys() == shape.keys()
    assert {name: each for name, each in value.items() if not isinstance(each, shape[name])} == {}
