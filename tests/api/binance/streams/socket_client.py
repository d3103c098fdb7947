"""One plain WebSocket of the second wire, as a client of it has one; and what it signs over it."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from itertools import count
from types import TracebackType
from typing import Any, Self

from websockets.sync.client import ClientConnection, connect

PATIENCE_S = 10.0


class SocketClient:
    """A context manager: connected when it is entered. `messages` has everything that came and was not yet taken."""

    def __init__(self, url: str, path: str = "/ws", **options: Any) -> None:
        self._url = url.replace("http", "ws", 1) + path
        self._options = options
        self._connection: ClientConnection | None = None
        self._numbers = count(1)

    def __enter__(self) -> Self:
        self._opened = connect(self._url, compression=None, **self._options)
        self._connection = self._opened.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.__exit__(kind, error, trace)

    @property
    def connection(self) -> ClientConnection:
        assert self._connection is not None
        return self._connection

    def receive(self, timeout_s: float = PATIENCE_S) -> Any:
        """The next message. Raises TimeoutError, ConnectionClosed."""
        return json.loads(self.connection.recv(timeout_s))

    def until(self, wanted: Callable[[Any], bool]) -> Any:
        """The next message that is wanted; those before it are thrown away."""
        deadline = time.monotonic() + PATIENCE_S
        while not wanted(message := self.receive(max(0.0, deadline - time.monotonic()))):
            pass
        return message

    def event(self, kind: str) -> Any:
        """The next event of a kind, its stream's wrapper taken off."""
        found = self.until(lambda message: _event_of(message).get("e") == kind)
        return _event_of(found)

    def send(self, message: Any) -> None:
        """Send one message, text as it is."""
        self.connection.send(message if isinstance(message, str) else json.dumps(message))

    def ask(self, method: str, params: Any = None) -> Any:
        """Send a request; its answer. Events that come before it are thrown away."""
        number = next(self._numbers)
        self.send({"method": method, "id": number} | ({} if params is None else {"params": params}))
        return self.until(lambda message: isinstance(message, dict) and message.get("id") == number)

    def subscribe(self, *names: str) -> None:
        """Subscribe to streams that exist."""
        answer = self.ask("SUBSCRIBE", list(names))
        assert answer["result"] is None, answer


def _event_of(message: Any) -> dict[str, Any]:
    if not isinstance(message, dict):
        return {}
    inner = message.get("data", message.get("event", message))
    return inner if isinstance(inner, dict) else {}


def signed_params(key: dict[str, Any], **params: Any) -> dict[str, Any]:
    """Parameters of a request of the ws-api, signed with a key as the documentation says."""
    asked = params | {"apiKey": key["key_id"], "timestamp": time.time_ns() // 10**6}
    text = "&".join(f"{name}={asked[name]}" for name in sorted(asked))
    return asked | {"signature": hmac.new(key["secret"].encode(), text.encode(), hashlib.sha256).hexdigest()}
