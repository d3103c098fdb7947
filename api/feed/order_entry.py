"""Order entry over Socket.IO: the same answers as over REST, as acknowledgements.

A connection that asked for it at its start (`cancel_on_disconnect`) has the orders that it entered
cancelled when it ends.
Layer: api.feed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, Protocol

from api.feed.clients import Client
from api.feed.events import ClientEvent
from api.feed.feed import Feed
from api.json.encoded import Encoded
from api.json.requests import converted
from api.orders.amend_views import AmendAnswer
from api.orders.batch import EncodedBatch, batch_of, entered_in, order_id_in
from api.orders.preview_views import PreviewAnswer
from api.orders.requests import (
    AmendRequest,
    CancelAllQuery,
    CancelRequest,
    amend_command,
    cancel_all_command,
    cancel_command,
    order_of,
)
from api.orders.service import OrderService
from api.orders.views import CancelAllAnswer
from engine.commands import CancelOrder
from engine.exchange import Exchange
from engine.types import AccountId, OrderId
from logs.limit import limited
from loop.turns import pieces
from sequencer.port import NotAccepting, OutcomeUnknown, Sequencing

log = limited(logging.getLogger(__name__))

CANCELLED_AT_ONCE = 200  # orders, before others have their turn
ORDERS_KEPT = 1_000  # of one connection, before those that are done are dropped


class AmendMessage(AmendRequest, frozen=True, kw_only=True):
    """`amend`: the body of PATCH /order/{order_id}, and which order."""

    order_id: str | int


class Bystander(Protocol):
    """Who cancels the orders of connections where this process cannot: it was killed, and another goes on."""

    def entered(self, connection: str, order_ids: list[str], account: AccountId) -> None:
        """A connection has entered orders that are to be cancelled when it ends. Must not wait."""

    def left(self, connection: str) -> None:
        """It has ended, and this process sees to it. Must not wait."""


class CancelOnDisconnect:
    """The orders that one connection entered, to be cancelled when it ends."""

    def __init__(self, exchange: Exchange, sequencer: Sequencing) -> None:
        self._exchange = exchange
        self._sequencer = sequencer
        self._entered: dict[OrderId, AccountId] = {}
        self._ended = False
        self._forget_at = ORDERS_KEPT

    def add(self, order_ids: Iterable[str], account: AccountId) -> None:
        """Add orders that were entered; cancel them at once when the connection has ended. O(1) each, amortised."""
        self._entered.update((OrderId(int(order_id)), account) for order_id in order_ids)
        if self._ended:
            self.cancel()
        if len(self._entered) > self._forget_at:
            self._entered = {order: owner for order, owner in self._entered.items() if self._exchange.order(order)}
            self._forget_at = max(ORDERS_KEPT, 2 * len(self._entered))

    def cancel(self) -> None:
        """Cancel those that are open, and from now on each that is added. Cooperative."""
        self._ended = True
        commands = [
            CancelOrder(account, order_id, by_operator=False)
            for order_id, account in self._entered.items()
            if self._exchange.order(order_id) is not None
        ]
        if commands:
            try:
                for part in pieces(commands, CANCELLED_AT_ONCE):
                    self._sequencer.submit_all(part)
            except NotAccepting as refusal:
                log.warning("%d orders of a lost connection stay: %s", len(commands), refusal.why)
            except OutcomeUnknown as unknown:
                log.warning("%d orders of a lost connection may stay: %s", len(commands), unknown)


def install(
    feed: Feed, orders: OrderService, exchange: Exchange, sequencer: Sequencing, bystander: Bystander | None = None
) -> None:
    """Have `feed` answer `order`, `cancel`, `amend`, `batch`, `cancel_all` and `order_test`."""
    cancels_on_disconnect: dict[str, CancelOnDisconnect] = {}

    def note(client: Client, found: CancelOnDisconnect | None, order_ids: Iterable[str], account: AccountId) -> None:
        """`found` before they were entered: the connection may have ended meanwhile."""
        if found is not None:
            ids = list(order_ids)
            if bystander is not None and client.sid in cancels_on_disconnect:
                bystander.entered(client.sid, ids, account)
            found.add(ids, account)

    def on_connected(client: Client, auth: Any) -> None:
        if isinstance(auth, dict) and auth.get("cancel_on_disconnect") is True:
            cancel_on_disconnect = cancels_on_disconnect[client.sid] = CancelOnDisconnect(exchange, sequencer)

            def disconnected() -> None:
                cancels_on_disconnect.pop(client.sid, None)
                cancel_on_disconnect.cancel()
                if bystander is not None:
                    bystander.left(client.sid)

            client.on_disconnected = disconnected

    def order(event: ClientEvent) -> Encoded:
        account = feed.account_of(event.client)
        command = order_of(event.data, account, exchange)
        cancel_on_disconnect = cancels_on_disconnect.get(event.client.sid)
        answer = orders.enter(command, event.processing)
        note(event.client, cancel_on_disconnect, (order_id_in(answer),), account)
        return answer

    def cancel(event: ClientEvent) -> Encoded:
        request = converted(event.data, CancelRequest)
        return orders.cancel(cancel_command(request, feed.account_of(event.client), exchange), event.processing)

    def amend(event: ClientEvent) -> AmendAnswer:
        request = converted(event.data, AmendMessage)
        return orders.amend(amend_command(request, request.order_id, feed.account_of(event.client), exchange))

    def batch(event: ClientEvent) -> EncodedBatch:
        account = feed.account_of(event.client)
        cancel_on_disconnect = cancels_on_disconnect.get(event.client.sid)
        commands = batch_of(event.data, account, exchange)
        feed.charge(event.client, len(commands) - 1)
        answer = orders.batch(commands, event.processing)
        note(event.client, cancel_on_disconnect, entered_in(answer, commands), account)
        return answer

    def cancel_all(event: ClientEvent) -> CancelAllAnswer:
        request = converted({} if event.data is None else event.data, CancelAllQuery)
        return orders.cancel_all(cancel_all_command(request, feed.account_of(event.client), exchange))

    def order_test(event: ClientEvent) -> PreviewAnswer:
        return orders.test(order_of(event.data, feed.account_of(event.client), exchange))

    feed.on_connected = on_connected
    feed.on("order", order)
    feed.on("cancel", cancel)
    feed.on("amend", amend)
    feed.on("batch", batch)
    feed.on("cancel_all", cancel_all)
    feed.on("order_test", order_test)
