"""Listen keys: names of user data streams that whoever has one may follow, for an hour after they were last asked for.

One for each API key, which makes it and ends it. A listen key is a secret; it is never logged.
Layer: api.binance.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from eventlet import hubs

from api.auth.credentials import Credentials
from api.auth.principals import Principal
from api.binance.errors import BinanceError
from api.binance.reports import Reports
from api.binance.streams.channels import Channel, Follower
from api.binance.streams.users import UserStream, UserStreams

VALID_S: Final = 3_600.0
SWEEP_S: Final = 30.0  # between two looks which have run out
KEPT_MAX: Final = 10_000
EXPIRED: Final = "listenKeyExpired"


class ListenKey:
    """One key, whose it is, and who follows it."""

    __slots__ = ("channel", "principal", "stream", "text", "valid_until")

    def __init__(self, text: str, principal: Principal) -> None:
        self.text = text
        self.principal = principal
        self.valid_until = time.monotonic() + VALID_S
        self.channel: Channel | None = None  # while anybody follows
        self.stream: UserStream | None = None


class ListenKeys:
    """All that are valid. For the event loop's thread; nothing here switches."""

    def __init__(self, users: UserStreams, credentials: Credentials, reports: Reports) -> None:
        self._users = users
        self._credentials = credentials
        self._reports = reports
        self._by_text: dict[str, ListenKey] = {}
        self._by_owner: dict[str | None, ListenKey] = {}  # by the id of the API key
        self._sweeping = False
        self.on_change: Callable[[str, str, float], object] = lambda _text, _key_id, _valid_s: None

    def all(self) -> list[tuple[str, str, float]]:
        """Each that is valid: its text, the API key that made it, and the seconds that are left. O(keys)."""
        now = time.monotonic()
        found = [(key.text, key.principal.key_id or "", key.valid_until - now) for key in self._by_text.values()]
        return [(text, key_id, valid_s) for text, key_id, valid_s in found if valid_s > 0]

    def take(self, text: str, principal: Principal | None, valid_s: float) -> None:
        """Go by what another process of the server says of a key: it is valid for so long, or (0) over."""
        found = self._by_text.get(text)
        if valid_s <= 0 or principal is None:
            if found is not None:
                self._end(found)
            return
        if found is None:
            found = ListenKey(text, principal)
            self._by_text[text] = self._by_owner[principal.key_id] = found
            self._sweep_later()
        found.valid_until = time.monotonic() + valid_s

    def make(self, principal: Principal) -> str:
        """The listen key of an API key, made where there is none, valid for an hour from now. Raises BinanceError."""
        found = self._by_owner.get(principal.key_id)
        if found is not None and self.exists(found.text):
            self._prolong(found)
            return found.text
        if len(self._by_text) >= KEPT_MAX:
            raise BinanceError(-1003, "Too many listen keys; try again later.", 429, 60)
        made = ListenKey(secrets.token_hex(32), principal)
        self._by_text[made.text] = self._by_owner[principal.key_id] = made
        self._sweep_later()
        self._prolong(made)
        return made.text

    def extend(self, principal: Principal, text: str) -> None:
        """Make it valid for an hour from now. Raises BinanceError -1125 where the API key has no such listen key."""
        self._prolong(self._of(principal, text))

    def close(self, principal: Principal, text: str) -> None:
        """End it, and who follows it. Raises BinanceError -1125."""
        self._end(self._of(principal, text))
        self.on_change(text, principal.key_id or "", 0.0)

    def _prolong(self, key: ListenKey) -> None:
        key.valid_until = time.monotonic() + VALID_S
        self.on_change(key.text, key.principal.key_id or "", VALID_S)

    def exists(self, text: str) -> bool:
        """Whether it is valid: in time, and the API key that made it not revoked."""
        found = self._by_text.get(text)
        return found is not None and found.valid_until > time.monotonic() and self._is_owned(found)

    def join(self, follower: Follower, text: str) -> bool:
        """Have a follower sent the events of its account; whether there is such a key."""
        key = self._by_text.get(text)
        if key is None or not self.exists(text):
            return False
        if key.channel is None:
            channel = key.channel = Channel(text, partial(self._unfollow, key))
            key.stream = UserStream(key.principal, channel.publish, partial(self._drop, key))
            self._users.open(key.stream)
        key.channel.join(follower, text)
        follower.socket.identify(key.principal.account)
        return True

    def _is_owned(self, key: ListenKey) -> bool:
        """Whether the API key is good that made it."""
        return self._credentials.current(key.principal) is not None

    def _of(self, principal: Principal, text: str) -> ListenKey:
        found = self._by_text.get(text)
        if found is None or found.principal.key_id != principal.key_id or not self.exists(text):
            raise BinanceError(-1125, "This listenKey does not exist.")
        return found

    def _unfollow(self, key: ListenKey) -> None:
        """Its last follower has gone."""
        if key.stream is not None:
            self._users.close(key.stream)
        key.channel = key.stream = None

    def _end(self, key: ListenKey) -> None:
        if key.channel is not None:
            key.channel.publish(self._reports.terminated(EXPIRED, listenKey=key.text))
        self._drop(key)

    def _drop(self, key: ListenKey) -> None:
        self._by_text.pop(key.text, None)
        if self._by_owner.get(key.principal.key_id) is key:
            del self._by_owner[key.principal.key_id]
        if key.channel is not None:
            for follower in list(key.channel.followers):
                key.channel.leave(follower, key.text)

    def _sweep_later(self) -> None:
        if self._by_text and not self._sweeping:
            self._sweeping = True
            hubs.get_hub().schedule_call_global(SWEEP_S, self._sweep)

    def _sweep(self) -> None:
        """End those that are no longer valid. O(keys)."""
        self._sweeping = False
        now = time.monotonic()
        for key in list(self._by_text.values()):
            if key.valid_until <= now or not self._is_owned(key):
                self._end(key)
        self._sweep_later()
