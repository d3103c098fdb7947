"""Subscriptions of the feed -> rooms: which messages a client gets, and the own orders it gets without asking.

Layer: api.feed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from api.auth.authenticator import Authenticator
from api.feed.clients import Client, Subscribers
from api.feed.requests import OPTIONS, Stream, Subscription
from api.json.errors import ApiError, Malformed, rejected
from api.market.requests import DEFAULT_INTERVAL, DEFAULT_LEVELS
from engine.exchange import Exchange
from engine.rejects import RejectReason
from engine.types import AccountId
from identity.users import Scope

ORDERS: Final = Subscription(type=Stream.ORDERS)  # in the `resync` of one that missed own orders
ALL_SYMBOLS: Final = "*"
BATCH: Final = "batch"  # ends the room of those who chose the option


def room_name(stream: Stream, *parts: str | int) -> str:
    """The room of all who chose the same of a stream: `l3:BTC-USDT:10`."""
    return ":".join([stream, *map(str, parts)])


def order_rooms(account: AccountId) -> tuple[str, str]:
    """The rooms of those who subscribed to an account's orders: one by one, and as batches."""
    return room_name(Stream.ORDERS, account), room_name(Stream.ORDERS, account, BATCH)


def room_of(wanted: Subscription, exchange: Exchange, account_of: Callable[[Scope], AccountId]) -> str:
    """The room of a subscription. Raises Malformed or ApiError for a symbol that is missing or unknown.

    `account_of` gives the account of who subscribes, and raises ApiError where it may not.
    """
    if wanted.symbol is not None and wanted.symbol not in exchange.books:
        raise rejected(RejectReason.UNKNOWN_SYMBOL, None, symbol=wanted.symbol)
    chosen = [BATCH if name == "batch" else value for name, value in _chosen(wanted).items()]
    if wanted.type is Stream.ORDERS:
        return room_name(wanted.type, account_of(Scope.READ), *chosen)
    if wanted.type is Stream.TRADES:
        return room_name(wanted.type, wanted.symbol or ALL_SYMBOLS, *chosen)
    if wanted.symbol is None:
        raise Malformed("MISSING_FIELD", f"A subscription to {wanted.type} names its symbol.", field="symbol")
    return room_name(wanted.type, wanted.symbol, *chosen)


def named(subscription: Subscription) -> dict[str, Any]:
    """Which subscription it is, so that a client tells two on one connection apart; good to subscribe with again."""
    return {"type": subscription.type, "symbol": subscription.symbol, **_chosen(subscription)}


def _chosen(subscription: Subscription) -> dict[str, Any]:
    """The options of a subscription besides its symbol, with their defaults; `batch` only where it is chosen."""
    options = OPTIONS[subscription.type]
    chosen: dict[str, Any] = {}
    if "levels" in options:
        chosen["levels"] = subscription.levels or DEFAULT_LEVELS
    if "interval" in options:
        chosen["interval"] = subscription.interval or DEFAULT_INTERVAL
    if "batch" in options and subscription.batch:
        chosen["batch"] = True
    return chosen


class OwnOrderRooms:
    """The rooms of clients that get their own account's orders without having subscribed to them.

    Those are the clients that follow depth (`l2_updates`): older ones expect their orders with it. A client that
    subscribed to `orders` as well gets each order event once, by that subscription.
    """

    def __init__(self, subscribers: Subscribers, authenticator: Authenticator) -> None:
        self._subscribers = subscribers
        self._authenticator = authenticator

    @staticmethod
    def room(account: AccountId) -> str:
        """The room for one account's orders."""
        return f"own:{account}"

    def update(self, client: Client) -> None:
        """Move a client whose subscriptions changed into its room, or out of it. O(its subscriptions)."""
        held = {subscription.type for room, subscription in client.rooms.items() if room != client.own_orders_room}
        room = self._room_for(client) if Stream.L2_UPDATES in held and Stream.ORDERS not in held else None
        if room == client.own_orders_room and (room is None or room in client.rooms or room in client.missed):
            return  # one that missed events comes back once that was sent to it
        if client.own_orders_room is not None:
            self._subscribers.leave(client, client.own_orders_room)
        client.own_orders_room = room
        if room is not None:
            self._subscribers.join(client, room, ORDERS)

    def _room_for(self, client: Client) -> str | None:
        """The room for a client; None when it has no account, or a key that may not read it."""
        try:
            principal = self._authenticator.of_client(client.sid)
        except ApiError:
            return None
        if principal.key_id is not None and Scope.READ not in principal.scopes:
            return None
        return self.room(principal.account)
