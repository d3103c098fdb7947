"""A typed client of an Openbell exchange.

    from openbell_client import Client

    with Client("http://127.0.0.1:5000") as venue:
        venue.guest()
        order = venue.enter_order("BTC-USDT", "buy", "limit", quantity="0.1", price="29000.00")
        print(order.status, venue.book("BTC-USDT").bids[0])

`AsyncClient` is the same for an event loop. Layer: openbell_client.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from openbell_client.credentials import ApiKey, Credentials, Session, ed25519_signer
from openbell_client.errors import (
    BadAnswer,
    Conflict,
    FeedError,
    Forbidden,
    Malformed,
    NoAnswer,
    NoConnection,
    NotAccepting,
    NotFound,
    OpenbellError,
    Refused,
    Rejected,
    ServerError,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from openbell_client.requests import (
    BatchAmend,
    BatchCancel,
    BatchCancelAll,
    BatchEnter,
    ConfigureRequest,
    ListingRequest,
    Number,
    OrderRequest,
    ScheduleTable,
)
from openbell_client.sync_client import Client

if TYPE_CHECKING:
    from openbell_client.async_client import AsyncClient
    from openbell_client.feed import (
        AsyncFeed,
        BookFollower,
        Candle,
        Feed,
        Gap,
        Inbox,
        Level,
        LiveBook,
        OrderBook,
        OrderEvent,
        QueuePositions,
        Subscription,
        VenueState,
    )

__all__ = [
    "ApiKey",
    "AsyncClient",
    "AsyncFeed",
    "BadAnswer",
    "BatchAmend",
    "BatchCancel",
    "BatchCancelAll",
    "BatchEnter",
    "BookFollower",
    "Candle",
    "Client",
    "ConfigureRequest",
    "Conflict",
    "Credentials",
    "Feed",
    "FeedError",
    "Forbidden",
    "Gap",
    "Inbox",
    "Level",
    "ListingRequest",
    "LiveBook",
    "Malformed",
    "NoAnswer",
    "NoConnection",
    "NotAccepting",
    "NotFound",
    "Number",
    "OpenbellError",
    "OrderBook",
    "OrderEvent",
    "OrderRequest",
    "QueuePositions",
    "Refused",
    "Rejected",
    "ScheduleTable",
    "ServerError",
    "Session",
    "Subscription",
    "TooManyRequests",
    "Unauthenticated",
    "Unavailable",
    "VenueState",
    "ed25519_signer",
]

# imported when they are first used: aiohttp and socketio take half a second, which a short program need not spend
LATER: Final = {
    "AsyncClient": "openbell_client.async_client",
    "AsyncFeed": "openbell_client.feed",
    "BookFollower": "openbell_client.feed",
    "Candle": "openbell_client.feed",
    "Feed": "openbell_client.feed",
    "Gap": "openbell_client.feed",
    "Inbox": "openbell_client.feed",
    "Level": "openbell_client.feed",
    "LiveBook": "openbell_client.feed",
    "OrderBook": "openbell_client.feed",
    "OrderEvent": "openbell_client.feed",
    "QueuePositions": "openbell_client.feed",
    "Subscription": "openbell_client.feed",
    "VenueState": "openbell_client.feed",
}


def __getattr__(name: str) -> Any:
    if name not in LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(LATER[name]), name)
    return value
