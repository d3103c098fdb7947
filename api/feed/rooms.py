"""Subscriptions of the feed -> rooms: who is told what, and the owners who are told of their orders unasked.

Layer: api.feed.
"""

from __future__ import annotations

from typing import Any, Final

from api.auth.authenticator import Authenticator, requesting_account
from api.feed.candles import CandleFeed
from api.feed.clients import Audience, Client
from api.feed.requests import Subscription
from api.json.errors import ApiError, Malformed, rejected
from api.market.requests import DEFAULT_INTERVAL, DEFAULT_LEVELS
from engine.exchange import Exchange
from engine.rejects import RejectReason
from engine.types import AccountId
from identity.store import Scope

ORDERS: Final = Subscription(type="orders")  # what those are out of who missed events that came unasked


def room_of(wanted: Subscription, exchange: Exchange) -> str:
    """The room of a subscription. Raises Malformed or ApiError for a symbol that is missing or unknown."""
    if wanted.symbol is not None and wanted.symbol not in exchange.books:
        raise rejected(RejectReason.UNKNOWN_SYMBOL, None, symbol=wanted.symbol)
    batch = ":batch" if wanted.batch else ""
    if wanted.type == "orders":
        return f"orders:{requesting_account(Scope.READ)}{batch}"
    if wanted.type == "trades":
        return f"trades:{wanted.symbol or '*'}{batch}"
    if wanted.symbol is None:
        raise Malformed("MISSING_FIELD", f"A subscription to {wanted.type} names its symbol.", field="symbol")
    if wanted.type in ("l2_updates", "l3"):
        return f"{wanted.type}:{wanted.symbol}:{wanted.levels or DEFAULT_LEVELS}"
    if wanted.type == "candles":
        return CandleFeed.room(wanted.symbol, wanted.interval or DEFAULT_INTERVAL)
    return f"{wanted.type}:{wanted.symbol}"


def named(subscription: Subscription) -> dict[str, Any]:
    """Which subscription it is, so that two on one connection can be told apart; good to subscribe with again."""
    told: dict[str, Any] = {"type": subscription.type, "symbol": subscription.symbol}
    if subscription.type in ("l2_updates", "l3"):
        told["levels"] = subscription.levels or DEFAULT_LEVELS
    elif subscription.type == "candles":
        told["interval"] = subscription.interval or DEFAULT_INTERVAL
    elif subscription.type in ("trades", "orders") and subscription.batch:
        told["batch"] = True
    return told


class Owners:
    """Those who follow depth (`l2_updates`): older clients expect their own account's orders with it.

    Whoever subscribed to `orders` as well is told there, and once.
    """

    def __init__(self, audience: Audience, access: Authenticator) -> None:
        self._audience = audience
        self._access = access

    @staticmethod
    def room(account: AccountId) -> str:
        """Where the owners of one account's orders are."""
        return f"own:{account}"

    def look(self, client: Client) -> None:
        """Bring a client whose subscriptions changed into its owner's room, or out of it. O(its subscriptions)."""
        held = {subscription.type for room, subscription in client.rooms.items() if room != client.own_room}
        room = self._room_for(client) if "l2_updates" in held and "orders" not in held else None
        if room == client.own_room and (room is None or room in client.rooms or room in client.missed):
            return  # who missed events comes back when it has been told so
        if client.own_room is not None:
            self._audience.leave(client, client.own_room)
        client.own_room = room
        if room is not None:
            self._audience.join(client, room, ORDERS)

    def _room_for(self, client: Client) -> str | None:
        """None: it has no account, or shows a key that may not look at it."""
        try:
            principal = self._access.of_client(client.sid)
        except ApiError:
            return None
        if principal.key_id is not None and Scope.READ not in principal.scopes:
            return None
        return self.room(principal.account)
