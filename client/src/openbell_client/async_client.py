"""The client for an event loop: each call is awaited.

Layer: openbell_client.
"""

from __future__ import annotations

import asyncio
import ssl
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
import yarl

from openbell_client.answers import SignedIn
from openbell_client.bound import SendsAsync
from openbell_client.calls import auth
from openbell_client.calls.call import Call, Method, Repeat, encoded, target
from openbell_client.conversation import (
    CONNECTIONS,
    URL,
    Conversation,
    Conversations,
    OnWait,
    Request,
    Response,
    Result,
    Retries,
    Wait,
    session_of,
)
from openbell_client.credentials import Credentials
from openbell_client.errors import NoAnswer, NoConnection, caused
from openbell_client.feed.async_feed import AsyncFeed, Flow
from openbell_client.methods import OperatorMethods, VenueMethods

T = TypeVar("T")


class AsyncClient(SendsAsync, VenueMethods):
    """One venue, asked by any number of tasks of one event loop. An async context manager; `close` does the same."""

    def __init__(
        self,
        url: str = URL,
        credentials: Credentials | None = None,
        *,
        timeout_s: float = 10.0,
        retry_for_s: float | None = 30.0,
        on_wait: OnWait | None = None,
        connections: int = CONNECTIONS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """As `Client`. Requests beyond `connections` wait for one that is free."""
        self._conversations = Conversations(url, credentials, Retries(retry_for_s, on_wait=on_wait))
        self._timeout_s = timeout_s
        self._tls: ssl.SSLContext | bool = True if tls is None else tls
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._connections = connections
        self._http: aiohttp.ClientSession | None = None
        self.operator = AsyncOperator(self)

    @classmethod
    def sharing(cls, conversations: Conversations, timeout_s: float, tls: ssl.SSLContext | None) -> AsyncClient:
        """A client that asks as another one does, by its credentials as they change."""
        client = cls(conversations.url, timeout_s=timeout_s, tls=tls)
        client._conversations = conversations
        return client

    @property
    def url(self) -> str:
        """The venue's address."""
        return self._conversations.url

    @property
    def credentials(self) -> Credentials | None:
        """Who asks; None: nobody in particular."""
        return self._conversations.credentials

    @credentials.setter
    def credentials(self, credentials: Credentials | None) -> None:
        self._conversations.credentials = credentials

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def send(self, call: Call[T]) -> T:
        """Carry out a call. Raises Refused, Unavailable, BadAnswer."""
        return await self._carry_out(self._conversations.begin(call))

    async def ask(self, method: Method, path: str, body: Any = None, **query: Any) -> Any:
        """Carry out what has no method here: the body of the answer as it is. A GET alone is sent again."""
        repeat = Repeat.ALWAYS if method == "GET" else Repeat.UNTAKEN
        return await self.send(Call(method, target(path, query), encoded(body), Any, repeat))

    async def learn_nodes(self) -> list[str]:
        """As `Client.learn_nodes`."""
        urls = [each.url for each in (await self.node()).nodes]
        self._conversations.nodes.add(urls)
        return urls

    # -- signing in

    async def guest(self) -> SignedIn:
        """Become a new guest: a new account with paper money."""
        return await self._signed_in(auth.guest())

    async def sign_up(self, name: str, password: str) -> SignedIn:
        """Become a new user."""
        return await self._signed_in(auth.sign_up(name, password))

    async def log_in(self, name: str, password: str, code: str | None = None) -> SignedIn:
        """Sign in as a user; the token is renewed by itself from then on."""
        return await self._signed_in(auth.log_in(name, password, code))

    async def log_out(self) -> None:
        """End the session, and be nobody in particular."""
        await self.send(auth.log_out())
        self.credentials = None

    async def _signed_in(self, call: Call[SignedIn]) -> SignedIn:
        answer = await self.send(call)
        self.credentials = session_of(answer)
        return answer

    def feed(
        self,
        *,
        cancel_on_disconnect: bool = False,
        flow: Flow | None = None,
        seed: int | None = None,
        strategy: str | None = None,
    ) -> AsyncFeed:
        """The feed, to be used as an async context manager.

        `cancel_on_disconnect`: orders that are entered over it are cancelled when its connection ends. `flow`: declare
        a source of simulated or recorded orders; `seed` and `strategy` are what everybody is told of it.
        """
        return AsyncFeed(
            self._conversations,
            self._carry_out,
            cancel_on_disconnect=cancel_on_disconnect,
            flow=flow,
            seed=seed,
            strategy=strategy,
            timeout_s=self._timeout_s,
            tls=self._tls,
        )

    # -- the driver

    async def _carry_out(self, conversation: Conversation[T]) -> T:
        try:
            step = next(conversation)
            while True:
                if isinstance(step, Wait):
                    await asyncio.sleep(step.seconds)
                    step = conversation.send(None)
                else:
                    step = conversation.send(await self._exchange(step))
        except StopIteration as done:
            answer: T = done.value
            return answer

    async def _exchange(self, request: Request) -> Result:
        if self._http is None:
            connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=60, ssl=self._tls)
            self._http = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        what = f"{request.method} {request.target.partition('?')[0]}"
        url = yarl.URL(self.url + request.target, encoded=True)  # as it was signed
        try:
            async with self._http.request(
                request.method, url, data=request.body or None, headers=request.headers, allow_redirects=False
            ) as response:
                return Response(response.status, await response.read(), response.headers.get("Retry-After"))
        except aiohttp.ClientConnectorCertificateError as error:  # before anything was sent
            return caused(NoConnection(f"no connection to {self.url}: {error.certificate_error}"), error)
        except aiohttp.ClientConnectorError as error:
            return caused(NoConnection(f"no connection to {self.url}"), error)
        except aiohttp.ConnectionTimeoutError as error:
            return caused(NoConnection(f"no connection to {self.url} in time"), error)
        except TimeoutError as error:
            return caused(NoAnswer(f"{what}: no answer in time"), error)
        except (aiohttp.ClientError, OSError) as error:
            return caused(NoAnswer(f"{what}: the connection was lost"), error)


class AsyncOperator(SendsAsync, OperatorMethods):
    """What operators do, by the connections and credentials of a client."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def send(self, call: Call[T]) -> T:
        """Carry out a call."""
        return await self._client.send(call)
