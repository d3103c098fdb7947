"""The public API of a running server as typed calls: REST by aiohttp, answers as msgspec structs.

Prices, quantities and amounts are Decimal in answers and decimal text in requests, never
float. Connections are kept alive and carry TCP_NODELAY (asyncio sets it on every TCP socket).
What the server refuses is a value (`Refusal`); what it cannot be asked is an exception.

    VenueError
      Unavailable   no answer: refused connection, lost connection, timeout
      BadAnswer     an answer that is not what Documentation/api.md promises

Layer: tools.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec

from tools.answers import (
    Bbo,
    Book,
    CancelAnswer,
    Health,
    NewOrder,
    OrderAnswer,
    OrderPage,
    OrderState,
    Refusal,
    Statistics,
    Symbols,
    TradePage,
)

FIRST_PAUSE_S: Final = 0.2  # before the first retry; each further pause is twice as long
LONGEST_PAUSE_S: Final = 5.0
PAGE_LIMIT: Final = 500  # orders asked for at once
SWEEPERS: Final = 8  # cancels under way at once while a prefix is swept

T = TypeVar("T")
Method = Literal["GET", "POST", "PATCH", "DELETE"]


class VenueError(Exception):
    """The server could not be asked, or did not answer as it promises."""


class Unavailable(VenueError):
    """No answer came. Whether the request was carried out is unknown."""


class BadAnswer(VenueError):
    """The answer is not of the promised shape."""


class VenueClient:
    """One server, asked over at most `connections` connections. An async context manager."""

    def __init__(self, url: str, *, connections: int = 16, timeout_s: float = 10.0) -> None:
        self.url = url.rstrip("/")
        self._connections = connections
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=60)
        self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def raw(self, method: Method, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Send one request as it is; return the HTTP status and the body. Raises Unavailable."""
        if self._session is None:
            raise RuntimeError("the client is used outside its `async with`")
        headers = {"Content-Type": "application/json"} if body is not None else None
        try:
            async with self._session.request(method, self.url + path, data=body, headers=headers) as response:
                return response.status, await response.read()
        except aiohttp.ClientConnectorError as error:
            raise Unavailable(f"no connection to {self.url}") from error
        except TimeoutError as error:
            raise Unavailable(f"{method} {path}: no answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"{method} {path}: the connection was lost") from error

    async def ask(self, method: Method, path: str, answer: type[T], body: Any = None) -> T | Refusal:
        """Send one request; the answer as `answer`, or the refusal. Raises Unavailable, BadAnswer."""
        data = None if body is None else msgspec.json.encode(body)
        status, content = await self.raw(method, path, data)
        return decode(status, content, answer)

    # -- orders

    async def enter(self, order: NewOrder) -> OrderAnswer | Refusal:
        """Enter one order, once: no retry."""
        return await self.ask("POST", "/order", OrderAnswer, order)

    async def enter_surely(
        self,
        order: NewOrder,
        *,
        attempts: int | None = None,
        on_wait: Callable[[str], None] | None = None,
    ) -> OrderAnswer | Refusal:
        """Enter one order, again after a lost connection or a 503: safe by its client order id.

        Pauses grow from 0.2 to 5 s. `attempts` None never gives up. `on_wait` is called with why it
        waits, before each pause. Raises ValueError for an order without a client order id,
        Unavailable after the last attempt.
        """
        if order.client_order_id is None:
            raise ValueError("only an order with a client order id can be sent again")
        return await retried(lambda: self.enter(order), attempts=attempts, on_wait=on_wait)

    async def cancel(
        self, symbol: str, *, order_id: str | None = None, client_order_id: str | None = None
    ) -> CancelAnswer | Refusal:
        """Cancel by our id or by the trader's."""
        body = {"symbol": symbol}
        if order_id is not None:
            body["order_id"] = order_id
        if client_order_id is not None:
            body["client_order_id"] = client_order_id
        return await self.ask("POST", "/cancel", CancelAnswer, body)

    async def amend(
        self, order_id: str, *, quantity: str | None = None, price: str | None = None, stop_price: str | None = None
    ) -> OrderState | Refusal:
        """Change the whole quantity (what is filled included), the price or the stop price of an open order."""
        changes = (("quantity", quantity), ("price", price), ("stop_price", stop_price))
        body = {name: value for name, value in changes if value is not None}
        return await self.ask("PATCH", f"/order/{quote(order_id)}", OrderState, body)

    async def order(self, order_id: str) -> OrderState | Refusal:
        """One order, open or done."""
        return await self.ask("GET", f"/order/{quote(order_id)}", OrderState)

    async def open_orders(self, symbol: str) -> list[OrderState]:
        """Every open order of the caller in one symbol, newest first. Raises BadAnswer when refused."""
        found: list[OrderState] = []
        cursor: str | None = None
        while True:
            path = f"/orders?symbol={quote(symbol)}&status=open&limit={PAGE_LIMIT}"
            if cursor is not None:
                path += f"&cursor={quote(cursor)}"
            page = granted(await self.ask("GET", path, OrderPage))
            found += page.orders
            cursor = page.next_cursor
            if cursor is None:
                return found

    async def sweep(self, symbol: str, prefix: str) -> int:
        """Cancel every open order of `symbol` whose client order id begins with `prefix`; say how many."""
        waiting = [o.order_id for o in await self.open_orders(symbol) if (o.client_order_id or "").startswith(prefix)]
        count = len(waiting)

        async def work() -> None:
            while waiting:
                await self.cancel(symbol, order_id=waiting.pop())

        await asyncio.gather(*(work() for _ in range(min(SWEEPERS, count))))
        return count

    # -- market data

    async def health(self) -> Health:
        """Whether the server takes orders. Raises Unavailable, BadAnswer."""
        return granted(await self.ask("GET", "/health", Health))

    async def statistics(self) -> Statistics:
        """What the server has done and how fast."""
        return granted(await self.ask("GET", "/statistics", Statistics))

    async def symbols(self) -> Symbols:
        """Every listed symbol with its steps, limits and fees."""
        return granted(await self.ask("GET", "/symbols", Symbols))

    async def book(self, symbol: str, levels: int | Literal["all"] = 10) -> Book:
        """Depth by price, best first."""
        return granted(await self.ask("GET", f"/book/{quote(symbol)}?levels={levels}", Book))

    async def bbo(self, symbol: str) -> Bbo:
        """The best bid and offer."""
        return granted(await self.ask("GET", f"/bbo/{quote(symbol)}", Bbo))

    async def last_price(self, symbol: str) -> Decimal | None:
        """What `symbol` last traded at, or None."""
        page = granted(await self.ask("GET", f"/trades/{quote(symbol)}?limit=1", TradePage))
        return page.trades[0].price if page.trades else None

    async def wait_until_accepting(self, on_wait: Callable[[str], None] | None = None) -> Health:
        """Wait, with growing pauses and without end, until the server takes orders."""
        pause = FIRST_PAUSE_S
        while True:
            try:
                health = await self.health()
                if health.accepting:
                    return health
                reason = "the server takes no orders"
            except VenueError as error:
                reason = str(error)
            if on_wait is not None:
                on_wait(reason)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)


async def retried(
    call: Callable[[], Awaitable[T | Refusal]],
    *,
    attempts: int | None = None,
    on_wait: Callable[[str], None] | None = None,
) -> T | Refusal:
    """Await `call()` until it neither loses its connection nor is answered 503. For repeatable calls only."""
    pause, made = FIRST_PAUSE_S, 0
    while True:
        made += 1
        last = attempts is not None and made >= attempts
        try:
            answer = await call()
            if last or not (isinstance(answer, Refusal) and answer.status == 503):
                return answer
            reason = answer.error
        except Unavailable as error:
            if last:
                raise
            reason = str(error)
        if on_wait is not None:
            on_wait(reason)
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)


def decode(status: int, content: bytes, answer: type[T]) -> T | Refusal:
    """What a status and body say: `answer` on 200, else a Refusal. Raises BadAnswer for any other shape."""
    try:
        if status == 200:
            return msgspec.json.decode(content, type=answer)
        return msgspec.structs.replace(msgspec.json.decode(content, type=Refusal), status=status)
    except msgspec.DecodeError as error:
        raise BadAnswer(f"status {status}: {error}: {content[:200]!r}") from error


def granted(answer: T | Refusal) -> T:
    """The answer, where a refusal is not expected. Raises BadAnswer for one."""
    if isinstance(answer, Refusal):
        raise BadAnswer(f"refused with {answer.status} {answer.error_code}: {answer.error}")
    return answer
