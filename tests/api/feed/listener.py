"""A Socket.IO client that remembers everything it was told, and waits for what it expects."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import engineio.payload
import socketio

NAMESPACE = "/market"
PATIENCE_S = 20.0

engineio.payload.Payload.max_decode_packets = 10_000  # the Python client's own limit for long polling, 16, is low


class Listener:
    """One connected client. `heard` has every event in order, with when it came."""

    def __init__(self, client: socketio.AsyncClient) -> None:
        self._client = client
        self._news = asyncio.Event()
        self.heard: list[tuple[str, Any]] = []
        self.heard_at: list[float] = []  # monotonic seconds

    @property
    def connected(self) -> bool:
        return bool(self._client.connected)

    @property
    def transport(self) -> str:
        """The one that is in use."""
        return str(self._client.transport())

    def note(self, event: str, data: Any = None) -> None:
        self.heard.append((event, data))
        self.heard_at.append(time.monotonic())
        self._news.set()

    def all(self, *events: str) -> list[Any]:
        """The data of everything heard under these names."""
        return [data for event, data in self.heard if event in events]

    async def ask(self, event: str, data: Any = None) -> Any:
        """Send a request; return its acknowledgement."""
        return await self._client.call(event, data, namespace=NAMESPACE, timeout=PATIENCE_S)

    async def subscribe(self, kind: str, symbol: str | None = None, **options: Any) -> Any:
        wanted = {"type": kind, **options} | ({} if symbol is None else {"symbol": symbol})
        return await self.ask("subscribe", wanted)

    async def until(self, what: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
        """Wait until `what()` is true, and return it."""
        deadline = time.monotonic() + patience_s
        while not (result := what()):
            self._news.clear()
            left = deadline - time.monotonic()
            assert left > 0, f"waited in vain; the last heard: {self.heard[-5:]}"
            try:
                await asyncio.wait_for(self._news.wait(), min(left, 0.1))
            except TimeoutError:
                continue
        return result

    async def next(self, event: str, after: int = 0) -> Any:
        """The data of the first `event` heard after the first `after` of its name."""
        return (await self.until(lambda: self.all(event)[after:]))[0]


@asynccontextmanager
async def listening(url: str, transport: str = "websocket", auth: Any = None) -> AsyncIterator[Listener]:
    """A client that has been told `connected` and `venue`. `polling+websocket` begins with the one, and upgrades."""
    client = socketio.AsyncClient(reconnection=False, handle_sigint=False)
    listener = Listener(client)
    client.on("*", lambda event, data=None: listener.note(event, data), namespace=NAMESPACE)
    client.on("disconnect", lambda *_: listener.note("disconnect"), namespace=NAMESPACE)
    transports = transport.split("+")
    await client.connect(url, auth=auth, namespaces=[NAMESPACE], transports=transports, wait_timeout=PATIENCE_S)
    try:
        await listener.next("venue")
        yield listener
    finally:
        await client.shutdown()


async def in_thread(function: Callable[..., Any], *arguments: Any, **further: Any) -> Any:
    """A blocking call that does not hold up the listeners."""
    return await asyncio.to_thread(function, *arguments, **further)
