"""The feed: market data and one's own orders as they happen, and order entry.

Layer: openbell_client.
"""

from openbell_client.feed.async_feed import AsyncFeed
from openbell_client.feed.book import Level, OrderBook
from openbell_client.feed.inbox import Gap, Inbox
from openbell_client.feed.live_book import LiveBook
from openbell_client.feed.messages import Candle, OrderEvent, QueuePositions, VenueState
from openbell_client.feed.sync_feed import BookFollower, Feed, Subscription

__all__ = [
    "AsyncFeed",
    "BookFollower",
    "Candle",
    "Feed",
    "Gap",
    "Inbox",
    "Level",
    "LiveBook",
    "OrderBook",
    "OrderEvent",
    "QueuePositions",
    "Subscription",
    "VenueState",
]
