"""ccxt.pro: the market and one's own orders over WebSockets, while the test trades.

    python -m tests.clients.libraries.ccxt_pro CONFIGURATION

It says `ready` when it has a book, and goes on until the test writes a line; then it compares with what REST says.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import ccxt.pro

from tests.clients.libraries.steps import Steps, configured, line_read, say

PAIR = "BTC/USDT"
OWN_PAIR = "ETH/USDT"  # where nobody else trades
PATIENCE_S = 30
SETTLE_S = 20


class Watched:
    """What the streams of one exchange have brought so far."""

    def __init__(self, exchange: Any) -> None:
        self._exchange = exchange
        self.book_updates = 0
        self.crossed: list[Any] = []
        self.trade_ids: list[str] = []
        self.candles: dict[int, list[float]] = {}
        self.tickers = 0
        self.last_ticker: Any = None
        self.errors: list[str] = []

    async def book(self) -> None:
        """Follow the book, and see whether it is ever crossed."""
        book = await self._exchange.watch_order_book(PAIR, 1000)
        self.book_updates += 1
        if book["bids"] and book["asks"] and book["bids"][0][0] >= book["asks"][0][0]:
            self.crossed.append([book["nonce"], book["bids"][0], book["asks"][0]])

    async def trades(self) -> None:
        """Keep the ids of new trades."""
        self.trade_ids += [trade["id"] for trade in await self._exchange.watch_trades(PAIR)]

    async def candle(self) -> None:
        """Keep each minute's candle as it came last."""
        self.candles |= {row[0]: row for row in await self._exchange.watch_ohlcv(PAIR, "1m")}

    async def ticker(self) -> None:
        """Keep the newest ticker."""
        self.last_ticker = await self._exchange.watch_ticker(PAIR)
        self.tickers += 1

    async def forever(self, watch: Callable[[], Awaitable[None]]) -> None:
        """Await the next again and again; the first error ends it."""
        try:
            while True:
                await watch()
        except Exception as error:
            self.errors.append(f"{watch.__name__}: {type(error).__name__}: {error}")


async def follow_market(steps: Steps, exchange: Any) -> None:
    """Follow everything public until the test has done trading."""
    watched = Watched(exchange)
    watches = (watched.book, watched.trades, watched.candle, watched.ticker)
    tasks = [asyncio.create_task(watched.forever(watch)) for watch in watches]
    while watched.book_updates == 0 and not watched.errors:
        await asyncio.sleep(0.01)
    say("ready")
    last_trade_id = await line_read()
    book = await settled(watched, exchange, last_trade_id)
    rest = await exchange.fetch_order_book(PAIR, 1000)
    steps.note("book", {"bids": book["bids"], "asks": book["asks"], "nonce": book["nonce"]})
    steps.note("rest_book", {"bids": rest["bids"], "asks": rest["asks"], "nonce": rest["nonce"]})
    steps.note("book_updates", watched.book_updates)
    steps.note("crossed", watched.crossed)
    steps.note("trade_ids", watched.trade_ids)
    steps.note("tickers", watched.tickers)
    steps.note("last_ticker", watched.last_ticker)
    steps.note("candles", sorted(watched.candles.values()))
    await steps.take("rest_candles", exchange.fetch_ohlcv, PAIR, "1m")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    steps.note("errors", watched.errors)


async def settled(watched: Watched, exchange: Any, last_trade_id: str) -> Any:
    """The watched book once all that is watched is as far as the last trade and what REST has."""
    wanted = (await exchange.fetch_order_book(PAIR, 5))["nonce"]
    last = (await exchange.fetch_ticker(PAIR))["last"]
    loop = asyncio.get_running_loop()
    deadline = loop.time() + SETTLE_S
    while loop.time() < deadline and not watched.errors:
        nonce, ticker, candles = exchange.orderbooks[PAIR]["nonce"] or 0, watched.last_ticker, watched.candles
        priced = ticker is not None and ticker["last"] == last and candles and candles[max(candles)][4] == last
        if nonce >= wanted and last_trade_id in watched.trade_ids and priced:
            break
        await asyncio.sleep(0.05)
    return exchange.orderbooks[PAIR].limit()


async def own_orders(steps: Steps, exchange: Any) -> None:
    """Orders over the WebSocket API, and what the user's stream says of them."""
    seen: dict[str, list[Any]] = {"orders": [], "my_trades": [], "balances": []}
    errors: list[str] = []

    async def keep(kind: str, watch: Callable[[], Awaitable[Any]]) -> None:
        try:
            while True:
                brought = await watch()
                new = [dict(brought)] if isinstance(brought, dict) else [dict(one) for one in brought]
                seen[kind] += new
        except Exception as error:
            errors.append(f"{kind}: {type(error).__name__}: {error}")

    tasks = [
        asyncio.create_task(keep("orders", lambda: exchange.watch_orders(OWN_PAIR))),
        asyncio.create_task(keep("my_trades", lambda: exchange.watch_my_trades(OWN_PAIR))),
        asyncio.create_task(keep("balances", exchange.watch_balance)),
    ]
    await steps.take("fetch_balance_ws", exchange.fetch_balance_ws)
    await asyncio.sleep(1)  # the subscription, which the three share, is under way meanwhile
    maker = await steps.take("create_order_ws", exchange.create_order_ws, OWN_PAIR, "limit", "sell", 2, 2000)
    await steps.take("fetch_order_ws", exchange.fetch_order_ws, (maker or {}).get("id"), OWN_PAIR)
    await steps.take("fetch_open_orders_ws", exchange.fetch_open_orders_ws, OWN_PAIR)
    refused = (OWN_PAIR, "limit", "buy", 100, 2000)
    await steps.take("insufficient_ws", exchange.create_order_ws, *refused)
    say("resting")  # the test takes half of it
    await line_read()
    await steps.take("cancel_order_ws", exchange.cancel_order_ws, (maker or {}).get("id"), OWN_PAIR)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + SETTLE_S
    while loop.time() < deadline and not errors:
        if [order for order in seen["orders"] if order["status"] == "canceled"] and seen["balances"]:
            break
        await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for kind, brought in seen.items():
        steps.note(f"watch_{kind}", brought)
    steps.note("user_errors", errors)
    await steps.take("rest_balance", exchange.fetch_balance)


async def main(path: str) -> None:
    """Follow, trade, and print what came of it."""
    exchange = ccxt.pro.binance(configured(path)["SETTINGS"] | {"enableRateLimit": False})
    steps = Steps()
    try:
        await exchange.load_markets()
        await asyncio.wait_for(follow_market(steps, exchange), 4 * PATIENCE_S)
        await asyncio.wait_for(own_orders(steps, exchange), 2 * PATIENCE_S)
    finally:
        await exchange.close()
        steps.show()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
