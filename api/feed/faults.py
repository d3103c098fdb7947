"""Faults on demand of the feed's clients: each has those of its account, and is informed when they begin or end.

Layer: api.feed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import eventlet

from api.faults.areas import FEED_EVENTS
from api.faults.injector import FaultInjector
from api.faults.request_faults import RequestFaults
from api.feed.clients import Client
from api.feed.packets import Message, encoded
from api.http.processing import Processing
from engine.types import AccountId
from loop.turns import in_turns


class ClientFaults:
    """The faults of all clients. For the event loop's thread. No method switches greenlets.

    Where the venue's change, its clients get them in turns, soon.
    """

    def __init__(self, injector: FaultInjector, cut: Callable[[Client], None]) -> None:
        """`cut` ends a client's connection soon, without a word."""
        self.cut = cut
        self._injector = injector
        self._by_account: dict[AccountId | None, dict[str, Client]] = {}  # by session id; None: without an account
        self._accounts: dict[str, AccountId | None] = {}  # by session id
        injector.listen(self._on_change)

    def add(self, client: Client, account: AccountId | None) -> None:
        """A client has connected."""
        self._accounts[client.sid] = account
        self._by_account.setdefault(account, {})[client.sid] = client
        if self._injector.active and self._injector.concerning(account):
            self._refresh(client, account)

    def remove(self, client: Client) -> None:
        """A client has gone."""
        account = self._accounts.pop(client.sid, None)
        clients = self._by_account.get(account, {})
        clients.pop(client.sid, None)
        if not clients:
            self._by_account.pop(account, None)

    def of_event(self, client: Client, name: str, processing: Processing) -> RequestFaults | None:
        """The faults that concern an event of a client."""
        if not self._injector.active or name not in FEED_EVENTS:
            return None
        faults = self._injector.of_event(self._accounts.get(client.sid), name)
        processing.faults = faults
        return faults

    def _on_change(self, account: AccountId | None) -> None:
        """The plan of an account changed, or the venue's. O(the account's clients)."""
        if account is None:
            eventlet.spawn_n(self._refresh_all)
            return
        for client in list(self._by_account.get(account, {}).values()):
            self._refresh(client, account)

    def _refresh_all(self) -> None:
        """Give every client what is active by then. O(clients). Cooperative."""
        for sid, account in in_turns(list(self._accounts.items())):
            client = self._by_account.get(account, {}).get(sid)
            if client is not None:  # it may have gone meanwhile
                self._refresh(client, account)

    def _refresh(self, client: Client, account: AccountId | None) -> None:
        before = client.faults
        profiles = self._injector.concerning(account)
        if before is None or before.profiles != profiles:
            client.faults = self._injector.feed(account, partial(self.cut, client))
            for _, message in () if before is None else before.close():
                client.send(cast(Message, message))
        elif client.faults is not None:
            client.faults.step_on()
        client.send(encoded("fault", self._state(account)))

    def _state(self, account: AccountId | None) -> dict[str, Any]:
        """What is active for a client, as it is sent."""
        profiles = self._injector.concerning(account)
        kinds = dict.fromkeys(kind for profile in profiles for kind in profile.kinds_now)
        return {
            "active": bool(profiles),
            "kinds": list(kinds),
            "scopes": ["venue" if profile.account is None else "account" for profile in profiles],
            "seeds": [profile.plan.seed for profile in profiles],
            "ends_in": round(max((profile.ends_in_s for profile in profiles), default=0.0), 3),
        }
