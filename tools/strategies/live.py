"""Strategies on a running server, over one connection of the feed: what happens comes by it, what they ask goes by it.

All trade as whoever runs them, the sandbox's account or that of credentials, and are told apart by their client order
ids. Events and ticks are taken one behind the other, and what a strategy asks for is carried out before the next one.
The connection has its orders cancelled when it ends.
Layer: tools.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Any, Final

from openbell_client import AsyncClient, AsyncFeed, Credentials, Gap, OpenbellError, OrderEvent, OrderRequest, Refused
from openbell_client.answers import BookView, TradeView
from tools.strategies.strategy import (
    Action,
    AmendAction,
    Book,
    CancelAction,
    EnterAction,
    Fill,
    Market,
    Strategy,
    Trade,
)
from tools.venue import last_price, wait_until_accepting

QUEUE_MAX: Final = 10_000  # events that wait; when there are more, older books and trades are passed over
LEVELS: Final = 10
RETRY_S: Final = 10.0  # how long an order is sent again, under its client order id
ENDED: Final = ("filled", "cancelled", "expired")

Shown = BookView | TradeView | OrderEvent | Gap | None  # Gap: in own orders; None: the clock


class LiveRun:
    """Strategies at one server, until `stop` is set."""

    def __init__(self, feed: AsyncFeed, strategies: Sequence[Strategy], tick_s: float) -> None:
        self._feed = feed
        self._strategies = list(strategies)
        self._tick_s = tick_s
        self._tick_waits = False
        self._queue: asyncio.Queue[Shown] = asyncio.Queue()
        self._order_ids: dict[str, str] = {}
        self.counts: dict[str, int] = {"orders": 0, "cancels": 0, "amends": 0, "fills": 0}
        self.rejects: dict[str, int] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Trade until `stop` is set."""
        beside = [asyncio.create_task(self._tick()), *await self._followed()]
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                taking = asyncio.create_task(self._queue.get())
                await asyncio.wait([taking, stopping, *beside], return_when=asyncio.FIRST_COMPLETED)
                if not taking.done():
                    taking.cancel()
                    break
                await self._take(taking.result())
        finally:
            for task in (*beside, stopping):
                task.cancel()
            await asyncio.gather(*beside, stopping, return_exceptions=True)

    async def _followed(self) -> list[asyncio.Task[None]]:
        """Subscribe to own orders, and to depth and trades of each symbol; what takes what comes."""
        own_orders = await self._feed.own_orders()
        inboxes: list[AsyncIterator[Any]] = []
        for symbol in dict.fromkeys(strategy.symbol for strategy in self._strategies):
            inboxes += [await self._feed.depth(symbol, LEVELS), await self._feed.trades(symbol)]
        putting = [asyncio.create_task(self._put(inbox)) for inbox in inboxes]
        return [asyncio.create_task(self._put_own(own_orders)), *putting]

    async def _put_own(self, inbox: AsyncIterator[OrderEvent | Gap]) -> None:
        async for message in inbox:
            self._queue.put_nowait(message)  # no more than own orders make

    async def _put(self, inbox: AsyncIterator[Any]) -> None:
        async for message in inbox:  # past a gap too: what comes after it says how things are
            if not isinstance(message, Gap) and self._queue.qsize() < QUEUE_MAX:
                self._queue.put_nowait(message)

    async def _tick(self) -> None:
        """Have the clock shown, at most once behind what waits already: ticks are left out where they would pile up."""
        while True:
            if not self._tick_waits:
                self._tick_waits = True
                self._queue.put_nowait(None)
            await asyncio.sleep(self._tick_s)

    async def _take(self, shown: Shown) -> None:
        """Show one event to those whom it concerns, and carry out what they ask for."""
        if shown is None:
            self._tick_waits, now = False, time.time_ns()
            for strategy in self._strategies:
                strategy.see_tick(now)
        elif isinstance(shown, BookView):
            book = Book(shown.bids, shown.asks)
            for strategy in self._of(shown.symbol):
                strategy.see_book(book)
        elif isinstance(shown, TradeView):
            trade = Trade(shown.price, shown.quantity, shown.aggressor_side)
            for strategy in self._of(shown.symbol):
                strategy.see_trade(trade)
        elif isinstance(shown, Gap):
            await self._end_orders()
        else:
            self._on_order(shown)
        for strategy in self._strategies:
            for action in strategy.take_actions():
                await self._carry_out(strategy, action)

    async def _end_orders(self) -> None:
        """Events of own orders are missing: cancel what is thought to be open, where that was not done already."""
        print("Events of own orders are missing: positions may be wrong.", file=sys.stderr, flush=True)
        for strategy in self._strategies:
            for known_as in list(strategy.orders):
                await self._carry_out(strategy, CancelAction(known_as))

    def _of(self, symbol: str) -> list[Strategy]:
        return [strategy for strategy in self._strategies if strategy.symbol == symbol]

    def _owner(self, client_order_id: str | None) -> Strategy | None:
        known_as = client_order_id or ""
        return next((one for one in self._strategies if known_as.startswith(one.prefix)), None)

    def _on_order(self, event: OrderEvent) -> None:
        known_as = event.client_order_id
        strategy = self._owner(known_as)
        if strategy is None or known_as is None:
            return
        ended = event.event_type in ENDED
        leaves = event.remaining or Decimal(0)
        if event.fill is not None and event.side is not None:
            self.counts["fills"] += 1
            strategy.see_fill(Fill(known_as, event.side, event.fill.price, event.fill.quantity, leaves))
        if ended:
            self._order_ids.pop(known_as, None)
            strategy.see_end(known_as)

    async def _carry_out(self, strategy: Strategy, action: Action) -> None:
        """Ask for what a strategy wants. Where no answer comes in time it is as if the venue had refused."""
        try:
            if isinstance(action, EnterAction):
                await self._enter(strategy, action)
            elif isinstance(action, CancelAction):
                self.counts["cancels"] += 1
                try:
                    await self._feed.cancel_order(client_order_id=action.client_order_id, symbol=strategy.symbol)
                finally:  # refused, it was over before
                    strategy.see_end(action.client_order_id)
            else:
                await self._amend(strategy, action)
        except OpenbellError as error:
            code = error.error_code if isinstance(error, Refused) else "NO_ANSWER"
            self.rejects[code] = self.rejects.get(code, 0) + 1
            strategy.see_reject(action.client_order_id, code.lower())

    async def _amend(self, strategy: Strategy, action: AmendAction) -> None:
        order_id = self._order_ids.get(action.client_order_id)
        if order_id is None:
            return
        self.counts["amends"] += 1
        answer = await self._feed.amend_order(order_id, price=action.price, quantity=action.quantity)
        strategy.see_rest(action.client_order_id, answer.side, answer.price, answer.remaining)

    async def _enter(self, strategy: Strategy, action: EnterAction) -> None:
        self.counts["orders"] += 1
        known_as = action.client_order_id
        order = OrderRequest(
            symbol=strategy.symbol,
            side=action.side,
            order_type=action.order_type,
            quantity=action.quantity,
            client_order_id=known_as,
            price=action.price,
            display_quantity=action.display_quantity,
            post_only="slide" if action.post_only else False,
        )
        answer = await self._feed.enter(order)
        self._order_ids[known_as] = answer.order_id
        open_now = answer.status in ("resting", "partially_filled")
        rests = answer.remaining_quantity if open_now else Decimal(0)
        strategy.see_rest(known_as, action.side, action.price, rests)
        strategy.see_entered(known_as, rests)


async def run_live(
    url: str,
    credentials: Credentials | None,
    strategies: Sequence[tuple[str, type[Strategy]]],
    homes: dict[str, Decimal | None],
    seed: int,
    *,
    tick_s: float,
    stop: asyncio.Event,
) -> LiveRun:
    """Run strategies against a server until `stop` is set; what they did. Raises OpenbellError, LookupError."""
    async with AsyncClient(url, credentials, retry_for_s=RETRY_S) as client:
        await wait_until_accepting(client)
        listed = (await client.symbols()).symbol_info
        markets: list[Market] = []
        for symbol, home in homes.items():
            if symbol not in listed:
                raise LookupError(f"{symbol} is not listed; there is {', '.join(listed) or 'nothing'}")
            price = await last_price(client, symbol) or home
            if price is None:
                raise LookupError(f"no price of {symbol} is known; say it: --symbols {symbol}=PRICE")
            markets.append(Market(symbol, listed[symbol].tick_size, listed[symbol].lot_size, price))
        return await _trade(client, strategies, markets, seed, tick_s=tick_s, stop=stop)


async def _trade(
    client: AsyncClient,
    strategies: Sequence[tuple[str, type[Strategy]]],
    markets: Sequence[Market],
    seed: int,
    *,
    tick_s: float,
    stop: asyncio.Event,
) -> LiveRun:
    """Have every strategy trade in every market."""
    run = f"s-{time.time_ns() // 1_000_000:x}"
    playing: list[Strategy] = []
    for market in markets:
        for _, kind in strategies:
            strategy = kind()
            strategy.begin(market, seed, len(playing), f"{run}-{len(playing)}-")
            playing.append(strategy)
    names = ", ".join(dict.fromkeys(name for name, _ in strategies))[:100]
    # of the account of a key only operators may say that it is simulated
    label: dict[str, Any] = {} if client.credentials else {"flow": "simulated", "seed": seed, "strategy": names}
    async with client.feed(cancel_on_disconnect=True, **label) as feed:
        live = LiveRun(feed, playing, tick_s)
        print(f"{names} at {client.url}, seed {seed}.", file=sys.stderr, flush=True)
        await live.run(stop)
    return live
