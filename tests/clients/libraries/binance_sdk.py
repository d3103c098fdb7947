"""binance-sdk-spot: what a bot of Binance's own library asks by REST and by sockets.

    python -m tests.clients.libraries.binance_sdk CONFIGURATION

Expects BTCUSDT to have traded at 30000, with asks of one coin each from 30010 up and bids from 29990 down. Says
`ready` when its streams run, and goes on with a line.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from typing import Any

from tests.clients.libraries.steps import Steps, configured, line_read, say

SYMBOL = "BTCUSDT"
OFTEN = 200  # looks for the events of the user, a twentieth of a second apart


async def market_data(steps: Steps, rest: Any) -> None:
    """What needs no key."""
    await take(steps, "time", rest.time)
    await take(steps, "exchange_info", rest.exchange_info)
    await take(steps, "depth", rest.depth, SYMBOL)
    await take(steps, "trades", rest.get_trades, SYMBOL)
    await take(steps, "agg_trades", rest.agg_trades, SYMBOL)
    await take(steps, "klines", rest.klines, SYMBOL, "1m")
    await take(steps, "avg_price", rest.avg_price, SYMBOL)
    await take(steps, "ticker24hr", rest.ticker24hr, SYMBOL)
    await take(steps, "ticker", rest.ticker, SYMBOL)
    await take(steps, "trading_day", rest.ticker_trading_day, SYMBOL)
    await take(steps, "prices", rest.ticker_price)
    await take(steps, "best", rest.ticker_book_ticker)


async def trading(steps: Steps, rest: Any) -> None:
    """An account, and the orders that it enters."""
    await take(steps, "account", rest.get_account)
    await take(steps, "commission", rest.account_commission, SYMBOL)
    priced = {"time_in_force": "GTC", "quantity": 0.5, "price": 29000.0}
    await take(steps, "test_order", rest.order_test, SYMBOL, "BUY", "LIMIT", **priced)
    resting = await take(steps, "limit_buy", rest.new_order, SYMBOL, "BUY", "LIMIT", **priced)
    order_id = resting["orderId"]
    await take(steps, "get_order", rest.get_order, SYMBOL, order_id=order_id)
    await take(steps, "amend", rest.order_amend_keep_priority, SYMBOL, 0.4, order_id=order_id)
    again = {**priced, "cancel_order_id": order_id}
    await take(steps, "replace", rest.order_cancel_replace, SYMBOL, "BUY", "LIMIT", "STOP_ON_FAILURE", **again)
    await take(steps, "open_orders", rest.get_open_orders, symbol=SYMBOL)
    await take(steps, "cancel_all", rest.delete_open_orders, SYMBOL)
    await take(steps, "market_buy", rest.new_order, SYMBOL, "BUY", "MARKET", quantity=0.2)
    pair = {"above_price": 31500.0, "below_stop_price": 28500.0}
    oco = await take(steps, "oco", rest.order_list_oco, SYMBOL, "SELL", 0.1, "LIMIT_MAKER", "STOP_LOSS", **pair)
    await take(steps, "cancel_oco", rest.delete_order_list, SYMBOL, order_list_id=oco["orderListId"])
    await take(steps, "all_orders", rest.all_orders, SYMBOL)
    await take(steps, "my_trades", rest.my_trades, SYMBOL)
    await take(steps, "would_take", rest.new_order, SYMBOL, "BUY", "LIMIT_MAKER", quantity=0.1, price=30500.0)
    await take(steps, "unknown_symbol", rest.depth, "NONEUSDT")


async def requests(steps: Steps, spot: Any) -> None:
    """The same account over the WebSocket API, and what it is sent of its orders meanwhile."""
    api = await spot.websocket_api.create_connection()
    events: list[str] = []
    await take(steps, "ws_time", api.time)
    await take(steps, "ws_rolling", api.ticker, symbol=SYMBOL)
    await take(steps, "ws_trading_day", api.ticker_trading_day, symbol=SYMBOL)
    followed = await api.user_data_stream_subscribe_signature()
    followed.stream.on("message", lambda event: events.append(event.actual_instance.__class__.__name__))
    priced = {"time_in_force": "GTC", "quantity": 0.1, "price": 29000.0}
    placed = await take(steps, "ws_place", api.order_place, SYMBOL, "BUY", "LIMIT", **priced)
    await take(steps, "ws_status", api.order_status, SYMBOL, order_id=placed["result"]["orderId"])
    await take(steps, "ws_cancel", api.order_cancel, SYMBOL, order_id=placed["result"]["orderId"])
    await _until(lambda: events.count("ExecutionReport") >= 2)
    steps.note("events", events)
    await api.close_connection(close_session=True)


async def streams(steps: Steps, spot: Any) -> None:
    """Streams of the market, until each has said something."""
    market = await spot.websocket_streams.create_connection()
    seen: dict[str, Any] = {}

    async def follow(name: str, call: Callable[..., Any]) -> None:
        handle = await call(SYMBOL.lower())
        handle.on("message", lambda message: seen.setdefault(name, message.model_dump(by_alias=True)))

    wanted = {"trade": market.trade, "aggTrade": market.agg_trade, "depthUpdate": market.diff_book_depth}
    wanted |= {"24hrTicker": market.ticker, "24hrMiniTicker": market.mini_ticker, "bookTicker": market.book_ticker}
    for name, call in wanted.items():
        await follow(name, call)
    say("ready")
    await line_read()
    await _until(lambda: len(seen) == len(wanted))
    steps.note("streams", seen)
    await market.close_connection(close_session=True)


async def _until(done: Callable[[], bool]) -> None:
    for _ in range(OFTEN):
        if done():
            return
        await asyncio.sleep(0.05)


async def take(steps: Steps, step: str, call: Callable[..., Any], *arguments: Any, **further: Any) -> Any:
    """Call, and note the data of what is answered as it came over the wire."""

    async def answered() -> Any:
        answer = call(*arguments, **further)
        if asyncio.iscoroutine(answer):
            answer = await answer
        data = answer.data()
        data = getattr(data, "actual_instance", None) or data
        return [_plain(each) for each in data] if isinstance(data, list) else _plain(data)

    return await steps.take(step, answered)


def _plain(data: Any) -> Any:
    return data.to_dict() if hasattr(data, "to_dict") else data


async def main(path: str) -> None:
    """Take every step, and print what came of each."""
    logging.disable(logging.CRITICAL)
    spot, steps = configured(path)["spot"], Steps()
    await market_data(steps, spot.rest_api)
    await trading(steps, spot.rest_api)
    await requests(steps, spot)
    await streams(steps, spot)
    steps.show()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
