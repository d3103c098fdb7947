"""python-binance over WebSockets: its depth cache, its market sockets, its user socket, while the test trades.

    python -m tests.clients.libraries.python_binance_sockets CONFIGURATION

It says `ready` when its depth cache has a book, and goes on until the test writes a line.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from binance import AsyncClient, BinanceSocketManager, DepthCacheManager
from binance.ws.reconnecting_websocket import ReconnectingWebsocket

from tests.clients.libraries.steps import Steps, configured, line_read, say

SYMBOL = "BTCUSDT"
OWN_SYMBOL = "ETHUSDT"  # where nobody else trades
SETTLE_S = 20
MESSAGE_S = 1  # for which a socket waits for a message before it sees that it is to close; ten by itself


async def until(condition: Callable[[], bool]) -> None:
    """Wait until it is so, or for so long that it will not become so: the test sees it."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + SETTLE_S
    while not condition() and loop.time() < deadline:
        await asyncio.sleep(0.05)


async def collected(socket: Any, into: list[Any]) -> None:
    """Keep what a socket brings, until cancelled."""
    async with socket as stream:
        while True:
            into.append(await stream.recv())


async def depth_cache(steps: Steps, client: Any, manager: Any) -> None:
    """Follow the book and the market's sockets until the test has done trading, and compare the book with REST."""
    caches: list[Any] = []  # each time the cache as it is then, and its manager
    trades: list[Any] = []
    candles: list[Any] = []
    several: list[Any] = []

    async def follow() -> None:
        async with DepthCacheManager(client, symbol=SYMBOL, limit=1000, ws_interval=100) as cache_manager:
            while True:
                caches.append((await cache_manager.recv(), cache_manager))

    tasks = [
        asyncio.create_task(follow()),
        asyncio.create_task(collected(manager.trade_socket(SYMBOL), trades)),
        asyncio.create_task(collected(manager.kline_socket(SYMBOL), candles)),
        asyncio.create_task(collected(manager.multiplex_socket(["btcusdt@bookTicker", "btcusdt@miniTicker"]), several)),
    ]
    await asyncio.sleep(1)
    say("ready")
    last_trade_id = int(await line_read())
    wanted = await client.get_order_book(symbol=SYMBOL, limit=1000)
    await until(lambda: bool(caches) and (caches[-1][1]._last_update_id or 0) >= wanted["lastUpdateId"])
    await until(lambda: bool(trades) and trades[-1]["t"] >= last_trade_id)
    cache = caches[-1][0]
    steps.note("depth_cache", {"bids": cache.get_bids(), "asks": cache.get_asks()})
    steps.note("order_book", wanted)
    steps.note("cache_updates", len(caches))
    steps.note("trades", trades)
    steps.note("candles", candles[-2:])
    steps.note("several", several[:50])
    for task in tasks:
        task.cancel()
    steps.note("socket_errors", [str(one) for one in await asyncio.gather(*tasks, return_exceptions=True) if str(one)])


async def user_socket(steps: Steps, client: Any, manager: Any) -> None:
    """Own orders: what the user's socket says of them, and orders over the WebSocket API."""
    events: list[Any] = []
    task = asyncio.create_task(collected(manager.user_socket(), events))
    await until(lambda: bool(client.ws_api._subscription_queues))
    order = {"symbol": OWN_SYMBOL, "quantity": "2", "price": "2000.00"}
    resting = await steps.take("limit_sell", client.order_limit_sell, **order)
    say("resting")  # the test takes half of it
    await line_read()
    order_id = (resting or {}).get("orderId")
    await until(lambda: any(event.get("x") == "TRADE" for event in events))
    await steps.take("ws_get_order", client.ws_get_order, symbol=OWN_SYMBOL, orderId=order_id)
    await steps.take("ws_get_account", client.ws_get_account)
    await steps.take("ws_cancel_order", client.ws_cancel_order, symbol=OWN_SYMBOL, orderId=order_id)
    wanted = {"symbol": OWN_SYMBOL, "side": "SELL", "type": "LIMIT", "timeInForce": "GTC"}
    await steps.take("ws_create_order", client.ws_create_order, **wanted, quantity="1", price="2100.00")
    await steps.take("ws_get_open_orders", client.ws_get_open_orders, symbol=OWN_SYMBOL)
    await steps.take("ws_cancel_all", client.ws_cancel_all_open_orders, symbol=OWN_SYMBOL)
    await until(lambda: sum(event.get("x") == "CANCELED" for event in events) >= 2)
    steps.note("user_events", events)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def listen_key(steps: Steps, client: Any) -> None:
    """The older way to a user's stream."""
    key = await steps.take("listen_key", client.stream_get_listen_key)
    await steps.take("listen_key_kept", client.stream_keepalive, key)
    await steps.take("listen_key_closed", client.stream_close, key)


async def main(path: str) -> None:
    """Follow, trade, and print what came of it."""
    names = configured(path)
    ReconnectingWebsocket.TIMEOUT = MESSAGE_S
    client = await AsyncClient.create(names["API_KEY"], names["API_SECRET"])
    manager = BinanceSocketManager(client, max_queue_size=100_000)
    steps = Steps()
    try:
        await depth_cache(steps, client, manager)
        await user_socket(steps, client, manager)
        await listen_key(steps, client)
    finally:
        steps.show()
        await client.close_connection()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
