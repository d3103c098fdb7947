"""One connection to the feed after the other: made, made anew when lost, given up when it is refused for good.

What comes over it goes to its owner; nothing is known here of subscriptions.
Layer: openbell_client.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, Protocol

import aiohttp
import socketio

from openbell_client.conversation import (
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    SHORT_PAUSE_S,
    SIGNED_WRONG,
    START_GRACE_S,
    Conversation,
    Conversations,
)
from openbell_client.credentials import ApiKey
from openbell_client.errors import (
    FeedError,
    NoAnswer,
    NoConnection,
    OpenbellError,
    Refused,
    Unavailable,
    caused,
    refusal_on_feed,
)
from openbell_client.feed.messages import NAMESPACE

CONNECT_S: Final = 10.0  # for a connection and the venue's welcome
NODE_CONNECT_S: Final = 2.5  # where there are others
REFUSALS_MAX: Final = 5  # one after the other, of credentials that could be renewed or of a venue that is full


class Owner(Protocol):
    """Who is called with what happens. Nothing of it waits, so that messages stay in order."""

    def connected(self) -> None:
        """There is a connection: everything is to be subscribed to."""
        ...

    def lost(self) -> None:
        """It was lost; another will be made."""
        ...

    def ended(self, failure: OpenbellError | None) -> None:
        """There will be none any more."""
        ...

    def received(self, event: str, data: dict[str, Any]) -> None:
        """A message came."""
        ...


class FeedConnection:
    """The connection of one feed, as long as it is open."""

    def __init__(
        self,
        conversations: Conversations,
        carry_out: Callable[[Conversation[bool]], Awaitable[bool]],
        owner: Owner,
        *,
        options: dict[str, Any],
        timeout_s: float,
        tls: ssl.SSLContext | bool,
    ) -> None:
        """`options` are shown at connect, beside the credentials."""
        self._conversations = conversations
        self._carry_out = carry_out
        self._owner = owner
        self._options = options
        self._timeout_s = timeout_s
        self._tls = tls
        self._socket: socketio.AsyncClient | None = None
        self._http: aiohttp.ClientSession | None = None  # of the socket
        self._welcome: asyncio.Future[None] | None = None  # by the venue
        self._opened: asyncio.Future[None] | None = None
        self._lost = asyncio.Event()
        self._url = conversations.url  # of the socket
        self._pending: set[asyncio.Future[dict[str, Any]]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.is_connected = False
        self.failure: OpenbellError | None = None  # why there will be none any more
        self.made = 0  # connections until now

    async def open(self) -> None:
        """Connect, once. Raises Refused for bad credentials, Unavailable when there is no connection in time."""
        if self._opened is not None:
            raise self.failure or FeedError("The feed is open already.", "FEED_OPEN")
        self._opened = asyncio.get_running_loop().create_future()
        self.start(self._keep())
        try:
            await self._opened
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Disconnect for good."""
        self._end(None)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._drop_socket()

    @property
    def resumes(self) -> bool:
        """Whether a connection that is lost is made anew at another node, which may know what was missed."""
        return self._conversations.nodes.several

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Have `work` done beside; it is cancelled when the connection is closed."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def ask(self, event: str, data: Any) -> dict[str, Any]:
        """Send an event; the body of its acknowledgement. Raises Refused, NoConnection, NoAnswer, or why it ended."""
        if self.failure is not None:
            raise self.failure
        socket = self._socket
        if socket is None or not self.is_connected:
            raise NoConnection("the feed is not connected just now")
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._pending.add(future)

        def acknowledged(*body: Any) -> None:
            if not future.done():
                future.set_result(body[0] if body and isinstance(body[0], dict) else {})

        try:
            async with asyncio.timeout(self._timeout_s):
                await socket.emit(event, data, namespace=NAMESPACE, callback=acknowledged)
                body = await future
        except TimeoutError as error:
            raise caused(NoAnswer(f"{event}: no answer in time"), error) from error
        except (socketio.exceptions.SocketIOError, OSError) as error:
            raise caused(NoAnswer(f"{event}: the connection was lost"), error) from error
        finally:
            self._pending.discard(future)
        refusal = refusal_on_feed(body)
        if refusal is not None:
            raise refusal
        return body

    # -- its life

    async def _keep(self) -> None:
        try:
            while self.failure is None:
                await self._connected()
                await self._lost.wait()
                self._fail_pending()
                self._conversations.nodes.leave(self._url)
                self._owner.lost()
                await self._drop_socket()
        except OpenbellError as error:
            self._end(error)
        except Exception as error:
            failure = FeedError(f"The feed ended: {error!r}")
            failure.__cause__ = error
            self._end(failure)

    async def _connected(self) -> None:
        """Connect, however often that takes. Raises what makes it hopeless."""
        attempts, pause, refusals = self._conversations.attempts(), FIRST_PAUSE_S, 0
        while True:
            try:
                await self._connect()
            except Refused as refusal:
                refusals += 1
                if refusals > REFUSALS_MAX or not await self._may_come_back(refusal):
                    raise
            except Unavailable as error:
                self._conversations.nodes.leave(self._url)
                if self.made == 0:
                    await asyncio.sleep(attempts.pause_after(error).seconds)
                else:  # who was connected waits for the venue without end
                    await asyncio.sleep(pause * random.uniform(1.0, 1.3))  # noqa: S311  # nosec B311 # no secret
                    pause = min(2 * pause, SHORT_PAUSE_S if self._conversations.nodes.several else LONGEST_PAUSE_S)
            else:
                return

    async def _connect(self) -> None:
        await self._carry_out(self._conversations.renewal())
        self._lost.clear()
        self._url, within_s = self._conversations.url, CONNECT_S
        if self._conversations.nodes.several:
            within_s = NODE_CONNECT_S
        self._welcome = asyncio.get_running_loop().create_future()
        # one of our own: that of engine.io is not closed where it does not come to a connection
        http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self._tls))
        socket = socketio.AsyncClient(
            reconnection=False, handle_sigint=False, request_timeout=self._timeout_s, http_session=http
        )
        socket.on("*", self._on_event, namespace=NAMESPACE)
        socket.on("disconnect", self._on_disconnect, namespace=NAMESPACE)
        self._socket, self._http = socket, http
        shown = {} if self._conversations.credentials is None else self._conversations.credentials.feed_auth()
        try:
            async with asyncio.timeout(within_s):
                await socket.connect(
                    self._url,
                    auth={**self._options, **shown},
                    namespaces=[NAMESPACE],
                    transports=["websocket"],
                    wait_timeout=within_s,
                )
                await self._welcome  # who shows bad credentials is connected first, and then not welcome
        except (socketio.exceptions.SocketIOError, TimeoutError, OSError, Unavailable) as error:
            refusal = self._welcome.exception() if self._welcome.done() and not self._welcome.cancelled() else None
            await self._drop_socket()
            if isinstance(refusal, Refused):
                raise refusal from error
            raise caused(NoConnection(f"no feed at {self._url}: {error}"), error) from error
        except BaseException:
            await self._drop_socket()
            raise
        self.made += 1
        self.is_connected = True
        self._owner.connected()
        if self._opened is not None and not self._opened.done():
            self._opened.set_result(None)

    async def _may_come_back(self, refusal: Refused) -> bool:
        """Whether another attempt with other credentials, or later, may do."""
        if refusal.status in (429, 503):
            await asyncio.sleep(refusal.retry_after_s or 1.0)
            return True
        if refusal.error_code in SIGNED_WRONG:
            server_time, key = refusal.details.get("server_time_ms"), self._conversations.credentials
            if isinstance(server_time, int) and isinstance(key, ApiKey):
                key.set_clock(server_time)
            await asyncio.sleep(START_GRACE_S)
            return True
        return refusal.status == 401 and await self._carry_out(self._conversations.renewal(now=True))

    def _fail_pending(self) -> None:
        self.is_connected = False
        for future in self._pending:
            if not future.done():
                future.set_exception(NoAnswer("the connection to the feed was lost"))

    def _end(self, failure: OpenbellError | None) -> None:
        """For good."""
        if self.failure is not None:
            return
        self.failure = failure or FeedError("The feed was closed.", "FEED_CLOSED")
        self._fail_pending()
        self._owner.ended(failure)
        if self._opened is not None and not self._opened.done():
            self._opened.set_exception(self.failure)

    async def _drop_socket(self) -> None:
        socket, self._socket = self._socket, None
        http, self._http = self._http, None
        if socket is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(CONNECT_S):
                    await socket.shutdown()
        if http is not None:
            await http.close()

    # -- from the socket

    def _on_event(self, event: str, data: Any = None) -> None:
        if not isinstance(data, dict):
            return
        welcome = self._welcome
        if welcome is not None and not welcome.done():
            if event == "connected":
                welcome.set_result(None)
            elif event == "error" and data.get("event") == "connect":
                welcome.set_exception(refusal_on_feed(data) or NoAnswer("the feed refused the connection"))
        self._owner.received(event, data)

    def _on_disconnect(self, *_reason: Any) -> None:
        if self._welcome is not None and not self._welcome.done():
            self._welcome.set_exception(NoAnswer("the connection was lost"))
        self._lost.set()
