"""A market maker: quotes both sides around the middle of the book, and moves them when it moves.

    PYTHON client/examples/market_maker.py --symbol BTC-USDT --seconds 60

PYTHON is that of an environment with the client: `pip install ./client`. It takes part as a guest unless the
environment holds credentials (OPENBELL_KEY and OPENBELL_SECRET). Its quotes are cancelled when it ends, and by the
venue when its connection does.
Layer: an example.
"""

from __future__ import annotations

import argparse
import asyncio
from decimal import ROUND_DOWN, Decimal

from openbell_client import AsyncClient, AsyncFeed, Conflict, LiveBook, OrderEvent, Refused
from openbell_client.stored import of_environment


class MarketMaker:
    """One quote on each side of one symbol."""

    def __init__(self, feed: AsyncFeed, symbol: str, tick: Decimal, quantity: str, half_spread: Decimal) -> None:
        """`half_spread`: how far each quote is from the middle, in the quote asset."""
        self._feed = feed
        self._symbol = symbol
        self._tick = tick
        self._quantity = quantity
        self._half_spread = half_spread
        self._quotes: dict[str, tuple[str, Decimal]] = {}  # side -> order id, price
        self.fills = 0

    async def follow(self, book: LiveBook, start: Decimal) -> None:
        """Quote around the middle of what others quote, or around `start` while nobody does, for ever."""
        while True:
            seq = book.seq
            await self._quote(self._middle(book) or start)
            await book.changed(seq)

    async def count_fills(self, most: int | None) -> None:
        """Say what was traded, and quote anew where a quote is gone, until it is so many."""
        async for event in await self._feed.own_orders():
            if not isinstance(event, OrderEvent):
                self._quotes.clear()  # events are missing: what stands is not known
                await self._feed.cancel_all(self._symbol)
            elif event.fill is not None:
                self.fills += 1
                print(f"{event.side} {event.fill.quantity} at {event.fill.price}", flush=True)
                if event.status == "filled" and event.side is not None:
                    self._quotes.pop(event.side, None)
                if self.fills == most:
                    return

    def _middle(self, book: LiveBook) -> Decimal | None:
        """Between the best prices that are not our own."""
        ours = {price for _, price in self._quotes.values()}
        bid = next((level.price for level in book.bids(3) if level.price not in ours), None)
        ask = next((level.price for level in book.asks(3) if level.price not in ours), None)
        return None if bid is None or ask is None else (bid + ask) / 2

    async def _quote(self, middle: Decimal) -> None:
        for side, price in (("buy", middle - self._half_spread), ("sell", middle + self._half_spread)):
            wanted = (price / self._tick).to_integral_value(ROUND_DOWN) * self._tick
            resting = self._quotes.get(side)
            if resting is not None and abs(resting[1] - wanted) < self._half_spread / 4:
                continue
            try:
                if resting is not None:
                    self._quotes.pop(side)
                    await self._feed.cancel_order(resting[0])
                entered = await self._feed.enter_order(
                    self._symbol, "buy" if side == "buy" else "sell", "limit", self._quantity, wanted, post_only=True
                )
                self._quotes[side] = entered.order_id, wanted
            except Conflict:
                pass  # it was filled meanwhile: the next round quotes anew
            except Refused as refusal:
                print(f"{side} at {wanted}: {refusal}", flush=True)


async def run(options: argparse.Namespace) -> None:
    """Make a market for so many seconds."""
    async with AsyncClient(options.url, of_environment()) as venue:
        if venue.credentials is None:
            print(f"Taking part as {(await venue.guest()).name}.")
        info = (await venue.symbols()).symbol_info[options.symbol]
        async with venue.feed(cancel_on_disconnect=True) as feed:
            half_spread = Decimal(options.half_spread)
            maker = MarketMaker(feed, options.symbol, info.tick_size, options.quantity, half_spread)
            book = await feed.book(options.symbol)
            making = [
                asyncio.create_task(maker.follow(book, Decimal(options.start))),
                asyncio.create_task(maker.count_fills(options.fills)),
            ]
            done, others = await asyncio.wait(making, timeout=options.seconds, return_when=asyncio.FIRST_COMPLETED)
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            left = await feed.cancel_all(options.symbol)
            print(f"{maker.fills} fills; {left.count} quotes cancelled.")
            for task in done:
                task.result()  # raises what ended it


def main() -> None:
    """Run the command line."""
    options = argparse.ArgumentParser(
        description=(__doc__ or "").partition("Layer:")[0], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--url", default="http://127.0.0.1:5000")
    options.add_argument("--symbol", default="BTC-USDT")
    options.add_argument("--quantity", default="0.05", help="of each quote")
    options.add_argument("--half-spread", default="5.00", help="from the middle to each quote")
    options.add_argument("--start", default="30000.00", help="the middle while nobody else quotes")
    options.add_argument("--seconds", type=float, help="end by itself after so long")
    options.add_argument("--fills", type=int, help="or after so many fills")
    asyncio.run(run(options.parse_args()))


if __name__ == "__main__":
    main()
