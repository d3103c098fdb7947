"""Faults on demand of the second wire's sockets: those of the account that is known by one, and of the venue.

A socket of market streams shows no key: in a sandbox it is the built-in account's, elsewhere nobody's.
Layer: api.binance.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Final, Protocol, cast

from api.faults.feed_faults import FeedFaults
from api.faults.injector import FaultInjector
from engine.types import AccountId

_STREAMS: Final = (  # what a stream is called where faults are asked for
    (re.compile(r"@depth(@\d+ms)?$"), "l2_deltas"),
    (re.compile(r"@depth\d"), "l2_updates"),
    (re.compile(r"@(trade|aggTrade)$"), "trades"),
    (re.compile(r"@kline_"), "candles"),
    (re.compile(r"bookTicker$"), "bbo"),
    (re.compile(r"([tT]icker)(@arr)?$"), "ticker"),
)
USER_DATA: Final = "orders:user data"


def room_of(name: str) -> str:
    """The room of a stream, whose name begins with what it is called where faults are asked for."""
    for pattern, stream in _STREAMS:
        if pattern.search(name):
            return f"{stream}:{name}"
    return USER_DATA


class FaultySocket(Protocol):
    """A socket as it is known here."""

    faults: FeedFaults | None
    account: AccountId | None

    def put(self, frame: bytes) -> None:
        """Have a frame sent."""

    def drop(self) -> None:
        """End the connection soon, without a word."""


class SocketFaults:
    """The faults of all sockets. For the event loop's thread. No method switches greenlets."""

    def __init__(self, injector: FaultInjector, anonymous: AccountId | None) -> None:
        """`anonymous`: whose the sockets are that show no key."""
        self._injector = injector
        self._anonymous = anonymous
        self._by_account: dict[AccountId | None, dict[FaultySocket, None]] = {}
        injector.listen(self._on_change)

    def add(self, socket: FaultySocket) -> None:
        """A socket was opened."""
        self.identify(socket, self._anonymous)

    def identify(self, socket: FaultySocket, account: AccountId | None) -> None:
        """An account's events go over a socket from now on."""
        self.remove(socket)
        socket.account = account
        self._by_account.setdefault(account, {})[socket] = None
        if self._injector.active or socket.faults is not None:
            self._refresh(socket)

    def remove(self, socket: FaultySocket) -> None:
        """A socket has ended."""
        sockets = self._by_account.get(socket.account, {})
        sockets.pop(socket, None)
        if not sockets:
            self._by_account.pop(socket.account, None)

    def _on_change(self, account: AccountId | None) -> None:
        """The plan of an account changed, or the venue's. O(their sockets)."""
        for changed in list(self._by_account) if account is None else [account]:
            for socket in list(self._by_account.get(changed, ())):
                self._refresh(socket)

    def _refresh(self, socket: FaultySocket) -> None:
        before = socket.faults
        if before is not None and before.profiles == self._injector.concerning(socket.account):
            before.step_on()
            return
        socket.faults = self._injector.feed(socket.account, partial(socket.drop))
        for _, frame in () if before is None else before.close():
            socket.put(cast(bytes, frame))
