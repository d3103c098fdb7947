"""User data streams: the events of an account, to every socket that its owner opened them on.

Who follows an account showed a key of it, or a listen key that such a key made; the stream ends with the key.
Layer: api.binance.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from api.auth.credentials import Credentials
from api.auth.principals import Principal
from api.binance.reports import Reports
from engine.events import CommandResult
from engine.types import AccountId
from logs.limit import limited

log = limited(logging.getLogger(__name__))

TERMINATED = "eventStreamTerminated"


class UserStream:
    """One follower of one account."""

    __slots__ = ("end", "principal", "send")

    def __init__(self, principal: Principal, send: Callable[[bytes], None], end: Callable[[], None]) -> None:
        """`send` takes one event, a JSON text; `end` is called when the key is revoked. Neither may switch."""
        self.principal = principal
        self.send = send
        self.end = end


class UserStreams:
    """All that are open. For the event loop's thread; of an account that nobody follows no event is made."""

    def __init__(self, reports: Reports, credentials: Credentials) -> None:
        self._reports = reports
        self._credentials = credentials
        self._streams: dict[AccountId, dict[UserStream, None]] = {}
        credentials.listen(self._end_revoked)

    def open(self, stream: UserStream) -> None:
        """Have events sent from the next batch on. O(1)."""
        self._streams.setdefault(stream.principal.account, {})[stream] = None

    def close(self, stream: UserStream) -> None:
        """The reverse of `open`; nothing happens to one that is not open."""
        account = stream.principal.account
        streams = self._streams.get(account)
        if streams is not None and streams.pop(stream, stream) is None and not streams:
            del self._streams[account]

    def publish(self, batch: list[CommandResult]) -> None:
        """Publish a batch behind its answers: nothing is applied before this ends. O(events). Cooperative."""
        if not self._streams:
            return
        try:
            events = self._reports.events_of(batch, self._streams.__contains__)
        except Exception:
            log.exception("the events of accounts could not be made")
            return
        for account, texts in events.items():
            for stream in list(self._streams.get(account, ())):
                for text in texts:
                    stream.send(text)

    def terminated(self) -> bytes:
        """The last event of a stream that ends."""
        return self._reports.terminated(TERMINATED)

    def _end_revoked(self) -> None:
        """End the streams whose session or key has ended. O(streams)."""
        for streams in list(self._streams.values()):
            for stream in list(streams):
                if self._credentials.current(stream.principal) is None:
                    self.close(stream)
                    stream.send(self.terminated())
                    stream.end()
