"""A Socket.IO connection to a running server, held as long as its context lasts.

It comes back by itself after the server was away. Layer: tools.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Literal

import socketio

from tools.client import Unavailable

NAMESPACE: Final = "/market"
CONNECT_TIMEOUT_S: Final = 10


@asynccontextmanager
async def connected(
    url: str, *, flow: Literal["simulated", "replay"] | None = None
) -> AsyncIterator[socketio.AsyncClient]:
    """A connected client of the feed. `flow` declares it a source of orders that are not people's.

    Raises Unavailable when the feed cannot be reached.
    """
    feed = socketio.AsyncClient(handle_sigint=False, reconnection_delay_max=2)
    auth = None if flow is None else {"flow": flow}
    try:
        await feed.connect(
            url, auth=auth, namespaces=[NAMESPACE], transports=["websocket"], wait_timeout=CONNECT_TIMEOUT_S
        )
    except socketio.exceptions.ConnectionError as error:
        raise Unavailable(f"no feed at {url}: {error}") from error
    try:
        yield feed
    finally:
        await feed.shutdown()
