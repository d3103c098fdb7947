"""What the tools have in common when they ask a venue: refusals as values, waiting, sweeping, declaring a flow.

Layer: tools.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Final, TypeVar, cast

from openbell_client import AsyncClient, AsyncFeed, Forbidden, OpenbellError, OrderRequest, Refused
from openbell_client.answers import HealthView, OrderView, Side
from openbell_client.feed.async_feed import Flow
from openbell_client.requests import WireOrderType

FIRST_PAUSE_S: Final = 0.2  # before the first retry; each further pause is twice as long
LONGEST_PAUSE_S: Final = 5.0
PAGE_LIMIT: Final = 500  # orders asked for at once
SWEEPERS: Final = 8  # cancels under way at once while a prefix is swept

T = TypeVar("T")


async def refusable(answer: Awaitable[T]) -> T | Refused:
    """An answer, or the refusal in its place. Raises Unavailable, BadAnswer."""
    try:
        return await answer
    except Refused as refusal:
        return refusal


def order_of(
    symbol: str,
    side: Side,
    order_type: str,
    quantity: str,
    price: str | None = None,
    *,
    client_order_id: str,
    display_quantity: str | None = None,
) -> OrderRequest:
    """An order as the tools make them; `order_type` is one of the API's."""
    return OrderRequest(
        symbol=symbol,
        side=side,
        order_type=cast(WireOrderType, order_type),
        quantity=quantity,
        price=price,
        client_order_id=client_order_id,
        display_quantity=display_quantity,
    )


async def open_orders(client: AsyncClient, symbol: str) -> list[OrderView]:
    """Every open order of the caller in one symbol, newest first."""
    return [order async for order in client.all_orders(symbol=symbol, status="open", limit=PAGE_LIMIT)]


async def sweep(client: AsyncClient, symbol: str, prefix: str) -> int:
    """Cancel every open order of `symbol` whose client order id begins with `prefix`; say how many."""
    found = await open_orders(client, symbol)
    waiting = [order.order_id for order in found if (order.client_order_id or "").startswith(prefix)]
    count = len(waiting)

    async def work() -> None:
        while waiting:
            await refusable(client.cancel_order(waiting.pop(), symbol=symbol))

    await asyncio.gather(*(work() for _ in range(min(SWEEPERS, count))))
    return count


async def last_price(client: AsyncClient, symbol: str) -> Decimal | None:
    """What `symbol` last traded at, or None."""
    page = await client.trades(symbol, limit=1)
    return page.trades[0].price if page.trades else None


async def wait_until_accepting(client: AsyncClient, on_wait: Callable[[str], None] | None = None) -> HealthView:
    """Wait, with growing pauses and without end, until the server takes orders."""
    pause = FIRST_PAUSE_S
    while True:
        try:
            health = await client.health()
            if health.accepting:
                return health
            reason = "the server takes no orders"
        except OpenbellError as error:
            reason = str(error)
        if on_wait is not None:
            on_wait(reason)
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)


@asynccontextmanager
async def declared(
    client: AsyncClient,
    flow: Flow,
    say: Callable[[str], None],
    *,
    seed: int | None = None,
    strategy: str | None = None,
) -> AsyncIterator[AsyncFeed]:
    """A feed that declares its client a source of orders that are not people's.

    Where only operators may, and this is none, it says so and goes on undeclared: the page shows no label then. Raises
    Unavailable when the feed cannot be reached, Refused for bad credentials.
    """
    feed = client.feed(flow=flow, seed=seed, strategy=strategy)
    try:
        await feed.open()
    except Forbidden as refusal:
        if refusal.error_code != "OPERATOR_NEEDED":
            raise
        say("Only an operator may declare a flow here: the page will not say that these orders are not people's.")
        feed = client.feed()
        await feed.open()
    try:
        yield feed
    finally:
        await feed.close()
