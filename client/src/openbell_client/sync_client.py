"""The client for threads: each call answers.

Layer: openbell_client.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import urllib3

from openbell_client.answers import SignedIn
from openbell_client.bound import Sends
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
from openbell_client.methods import OperatorMethods, VenueMethods

if TYPE_CHECKING:
    from openbell_client.feed.async_feed import AsyncFeed, Flow
    from openbell_client.feed.sync_feed import Feed

T = TypeVar("T")


class Client(Sends, VenueMethods):
    """One venue, asked by any number of threads. A context manager; `close` does the same."""

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
        """`url`: of a server, or of several nodes of one venue, with commas in between: where one does not answer the
        next is asked. `timeout_s`: of one attempt; `retry_for_s`: how long a call is sent again, 0 never.

        `on_wait` is called with why and for how many seconds, before each pause. `tls`: whom to trust, where that is
        not whom the system does. Raises ValueError for a wrong URL.
        """
        self._conversations = Conversations(url, credentials, Retries(retry_for_s, on_wait=on_wait))
        self._timeout_s = timeout_s
        self._tls = tls
        self._pool = urllib3.PoolManager(
            maxsize=connections, retries=False, timeout=urllib3.Timeout(total=timeout_s), ssl_context=tls
        )
        self.operator = Operator(self)

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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def send(self, call: Call[T]) -> T:
        """Carry out a call. Raises Refused, Unavailable, BadAnswer."""
        return self._carry_out(self._conversations.begin(call))

    def ask(self, method: Method, path: str, body: Any = None, **query: Any) -> Any:
        """Carry out what has no method here: the body of the answer as it is. A GET alone is sent again."""
        repeat = Repeat.ALWAYS if method == "GET" else Repeat.UNTAKEN
        return self.send(Call(method, target(path, query), encoded(body), Any, repeat))

    def learn_nodes(self) -> list[str]:
        """Ask where the other nodes of the venue are; each call goes to the next one where one does not answer."""
        urls = [each.url for each in self.node().nodes]
        self._conversations.nodes.add(urls)
        return urls

    # -- signing in

    def guest(self) -> SignedIn:
        """Become a new guest: a new account with paper money."""
        return self._signed_in(auth.guest())

    def sign_up(self, name: str, password: str) -> SignedIn:
        """Become a new user."""
        return self._signed_in(auth.sign_up(name, password))

    def log_in(self, name: str, password: str, code: str | None = None) -> SignedIn:
        """Sign in as a user; the token is renewed by itself from then on."""
        return self._signed_in(auth.log_in(name, password, code))

    def log_out(self) -> None:
        """End the session, and be nobody in particular."""
        self.send(auth.log_out())
        self.credentials = None

    def _signed_in(self, call: Call[SignedIn]) -> SignedIn:
        answer = self.send(call)
        self.credentials = session_of(answer)
        return answer

    def feed(
        self,
        *,
        cancel_on_disconnect: bool = False,
        flow: Flow | None = None,
        seed: int | None = None,
        strategy: str | None = None,
    ) -> Feed:
        """The feed, to be used as a context manager; it has a thread of its own. As `AsyncClient.feed`."""
        from openbell_client.async_client import AsyncClient  # noqa: PLC0415 - half a second that others need not spend
        from openbell_client.feed.sync_feed import Feed  # noqa: PLC0415

        def make() -> tuple[AsyncFeed, Callable[[], Coroutine[Any, Any, None]]]:
            client = AsyncClient.sharing(self._conversations, self._timeout_s, self._tls)
            feed = client.feed(cancel_on_disconnect=cancel_on_disconnect, flow=flow, seed=seed, strategy=strategy)
            return feed, client.close

        return Feed(make)

    # -- the driver

    def _carry_out(self, conversation: Conversation[T]) -> T:
        try:
            step = next(conversation)
            while True:
                if isinstance(step, Wait):
                    time.sleep(step.seconds)
                    step = conversation.send(None)
                else:
                    step = conversation.send(self._exchange(step))
        except StopIteration as done:
            answer: T = done.value
            return answer

    def _exchange(self, request: Request) -> Result:
        what = f"{request.method} {request.target.partition('?')[0]}"
        try:
            response = self._pool.request(
                request.method,
                self.url + request.target,
                body=request.body or None,
                headers=request.headers,
                redirect=False,
            )
        except urllib3.exceptions.NewConnectionError as error:
            return caused(NoConnection(f"no connection to {self.url}"), error)
        except urllib3.exceptions.ConnectTimeoutError as error:
            return caused(NoConnection(f"no connection to {self.url} in time"), error)
        except urllib3.exceptions.TimeoutError as error:
            return caused(NoAnswer(f"{what}: no answer in time"), error)
        except urllib3.exceptions.SSLError as error:
            if isinstance(error.args[0], ssl.SSLCertVerificationError):  # before anything was sent
                return caused(NoConnection(f"no connection to {self.url}: {error}"), error)
            return caused(NoAnswer(f"{what}: the connection was lost"), error)
        except urllib3.exceptions.HTTPError as error:
            return caused(NoAnswer(f"{what}: the connection was lost"), error)
        return Response(response.status, response.data, response.headers.get("Retry-After"))


class Operator(Sends, OperatorMethods):
    """What operators do, by the connections and credentials of a client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def send(self, call: Call[T]) -> T:
        """Carry out a call."""
        return self._client.send(call)
