"""What may be asked of the feed: subscriptions, and the options of each type.

Layer: api.feed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import Meta

from api.http.symbols import listed_symbol
from api.json.errors import Malformed
from api.json.malformed import joined
from api.json.requests import MAX_ORDER_ID, Request, Symbol, converted
from engine.exchange import Exchange
from history.candles import Interval

FeedLevels = Literal[5, 10, 20, 50, 100, 500, 1000]  # a side, of `l2_updates` and `l3`
FEED_LEVELS: Final[tuple[int, ...]] = get_args(FeedLevels)


class Stream(StrEnum):
    """What can be subscribed to. In the order of the alphabet: a refusal lists them so."""

    BBO = "bbo"
    CANDLES = "candles"
    L2_DELTAS = "l2_deltas"
    L2_UPDATES = "l2_updates"
    L3 = "l3"
    ORDERS = "orders"
    STATUS = "status"
    TICKER = "ticker"
    TRADES = "trades"


class Subscription(Request, frozen=True):
    """`subscribe` and `unsubscribe` of the feed."""

    type: Stream
    symbol: Symbol | None = None
    levels: FeedLevels | None = None
    batch: bool | None = None
    interval: Interval | None = None
    since: Annotated[int, Meta(ge=0, le=MAX_ORDER_ID)] | None = None  # seq of the last message that came


OPTIONS: Final[dict[Stream, tuple[str, ...]]] = {  # of a subscription to each, besides its type
    Stream.L2_UPDATES: ("symbol", "levels"),
    Stream.L2_DELTAS: ("symbol", "since"),
    Stream.L3: ("symbol", "levels"),
    Stream.BBO: ("symbol",),
    Stream.TICKER: ("symbol",),
    Stream.CANDLES: ("symbol", "interval"),
    Stream.STATUS: ("symbol",),
    Stream.TRADES: ("symbol", "batch", "since"),
    Stream.ORDERS: ("batch", "since"),
}


def subscription_of(data: Any, exchange: Exchange) -> Subscription:
    """The data of `subscribe` or `unsubscribe`, its symbol as it is listed. Raises Malformed."""
    wanted = converted(data, Subscription)
    options = OPTIONS[wanted.type]
    for name, value in msgspec.structs.asdict(wanted).items():
        if name not in ("type", *options) and value is not None:
            has = f"it has {joined(list(options)).replace(' or ', ' and ')}"
            raise Malformed("UNKNOWN_FIELD", f"A subscription to {wanted.type} has no {name}: {has}.", field=name)
    if wanted.symbol is None:
        return wanted
    return msgspec.structs.replace(wanted, symbol=listed_symbol(wanted.symbol, exchange))
