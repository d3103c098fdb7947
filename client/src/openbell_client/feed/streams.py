"""Subscriptions: what is asked for, and which messages belong to it.

Layer: openbell_client.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

DEFAULT_LEVELS: Final = 10
DEFAULT_INTERVAL: Final = "1m"


class Wanted(msgspec.Struct, frozen=True, omit_defaults=True):
    """A subscription as it is sent; what tells it from others of its type is filled in."""

    type: str
    symbol: str | None = None
    levels: int | None = None
    interval: str | None = None
    batch: bool | None = None

    def data(self) -> dict[str, Any]:
        """What `subscribe` and `unsubscribe` send."""
        data: dict[str, Any] = msgspec.to_builtins(self)
        return data


def wanted(type_: str, symbol: str | None = None, *, levels: int | None = None, interval: str | None = None) -> Wanted:
    """A subscription, its symbol in capitals as symbols are listed."""
    name = None if symbol is None else symbol.upper()
    # one symbol's trades singly, all symbols' in lists: so one message never belongs to both
    if type_ in ("l2_updates", "l3"):
        levels = levels or DEFAULT_LEVELS
    if type_ == "candles":
        interval = interval or DEFAULT_INTERVAL
    batch = True if type_ == "orders" or (type_ == "trades" and symbol is None) else None
    return Wanted(type_, name, levels, interval, batch)


def of_resync(data: dict[str, Any]) -> Wanted:
    """The subscription that a `resync` says has ended."""
    symbol = data.get("symbol")
    return Wanted(
        data["type"],
        None if symbol is None else symbol.upper(),
        data.get("levels"),
        data.get("interval"),
        data.get("batch") or None,
    )


def of_message(event: str, data: dict[str, Any]) -> Wanted | None:
    """The subscription that a message belongs to; None for one that is nobody's."""
    symbol = str(data.get("symbol", "")).upper()
    match event:
        case "l2_snapshot" | "l2_delta":
            return Wanted("l2_deltas", symbol)
        case "l2_update":
            return Wanted("l2_updates", symbol, data.get("levels", DEFAULT_LEVELS))
        case "l3":
            return Wanted("l3", symbol, data.get("levels", DEFAULT_LEVELS))
        case "bbo" | "ticker" | "status":
            return Wanted(event, symbol)
        case "candle":
            return Wanted("candles", symbol, None, data["interval"])
        case "trade":
            return Wanted("trades", symbol)
        case "trades":
            return Wanted("trades", None, None, None, True)
        case "order_events" | "balances" | "queue":
            return Wanted("orders", None, None, None, True)
    return None
