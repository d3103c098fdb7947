"""python-binance over REST: what a bot of this library asks, and what must fail with which code.

    python -m tests.clients.libraries.python_binance CONFIGURATION

Expects BTCUSDT to have traded at 30000, with asks of one coin each from 30010 up and bids from 29990 down.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from binance import Client

from tests.clients.libraries.steps import Steps, configured

SYMBOL = "BTCUSDT"


async def market_data(steps: Steps, client: Any) -> None:
    """What needs no key, or the key alone."""
    await steps.take("ping", client.ping)
    await steps.take("time", client.get_server_time)
    await steps.take("status", client.get_system_status)
    await steps.take("exchange_info", client.get_exchange_info)
    await steps.take("symbol_info", client.get_symbol_info, SYMBOL)
    await steps.take("order_book", client.get_order_book, symbol=SYMBOL, limit=5)
    await steps.take("recent_trades", client.get_recent_trades, symbol=SYMBOL)
    await steps.take("historical_trades", client.get_historical_trades, symbol=SYMBOL)
    await steps.take("aggregate_trades", client.get_aggregate_trades, symbol=SYMBOL)
    await steps.take("klines", client.get_klines, symbol=SYMBOL, interval=Client.KLINE_INTERVAL_1MINUTE)
    await steps.take("historical_klines", client.get_historical_klines, SYMBOL, "1m", "1 hour ago UTC")
    await steps.take("average_price", client.get_avg_price, symbol=SYMBOL)
    await steps.take("ticker", client.get_ticker, symbol=SYMBOL)
    await steps.take("all_tickers", client.get_all_tickers)
    await steps.take("symbol_ticker", client.get_symbol_ticker, symbol=SYMBOL)
    await steps.take("book_ticker", client.get_orderbook_ticker, symbol=SYMBOL)


async def trading(steps: Steps, client: Any) -> None:
    """An account, and orders of every kind that it enters."""
    await steps.take("account", client.get_account)
    await steps.take("asset_balance", client.get_asset_balance, asset="USDT")
    await steps.take("trade_fee", client.get_trade_fee, symbol=SYMBOL)
    priced = {"symbol": SYMBOL, "quantity": "0.5", "price": "29000.00"}
    tested = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    await steps.take("test_order", client.create_test_order, **priced, **tested)
    resting = await steps.take("limit_buy", client.order_limit_buy, **priced, newClientOrderId="mine-2")
    order_id = (resting or {}).get("orderId")
    await steps.take("get_order", client.get_order, symbol=SYMBOL, orderId=order_id)
    await steps.take("by_own_id", client.get_order, symbol=SYMBOL, origClientOrderId="mine-2")
    await steps.take("open_orders", client.get_open_orders, symbol=SYMBOL)
    await steps.take("cancel_order", client.cancel_order, symbol=SYMBOL, orderId=order_id)
    await steps.take("market_buy", client.order_market_buy, symbol=SYMBOL, quantity="0.2")
    await steps.take("market_by_quote", client.order_market_buy, symbol=SYMBOL, quoteOrderQty="600.20")
    await steps.take("market_sell", client.order_market_sell, symbol=SYMBOL, quantity="0.1")
    pair = {"symbol": SYMBOL, "quantity": "0.3", "aboveType": "LIMIT_MAKER", "abovePrice": "31500.00"}
    stop = {"belowType": "STOP_LOSS_LIMIT", "belowStopPrice": "28500.00", "belowPrice": "28400.00"}
    await steps.take("oco", client.order_oco_sell, **pair, **stop, belowTimeInForce="GTC")
    await steps.take("after_oco", client.get_open_orders, symbol=SYMBOL)
    await steps.take("cancel_all", client.cancel_all_open_orders, symbol=SYMBOL)
    await steps.take("none_open", client.get_open_orders, symbol=SYMBOL)
    await steps.take("all_orders", client.get_all_orders, symbol=SYMBOL)
    await steps.take("my_trades", client.get_my_trades, symbol=SYMBOL)


async def refusals(steps: Steps, client: Any) -> None:
    """What has to be refused, and with which code."""
    priced = {"symbol": SYMBOL, "quantity": "10", "price": "29000.00"}
    await steps.take("insufficient", client.order_limit_buy, **priced)
    maker = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT_MAKER", "quantity": "0.1", "price": "30500.00"}
    await steps.take("would_take", client.create_order, **maker)
    await steps.take("unknown_order", client.get_order, symbol=SYMBOL, orderId=999_999_999)
    await steps.take("unknown_cancel", client.cancel_order, symbol=SYMBOL, orderId=999_999_999)
    await steps.take("bad_symbol", client.get_order_book, symbol="NONEUSDT")
    await steps.take("bad_tick", client.order_limit_buy, symbol=SYMBOL, quantity="0.1", price="29000.001")
    await steps.take("bad_side", client.create_order, **(maker | {"side": "HOLD"}))
    await steps.take("missing", client.create_order, symbol=SYMBOL, side="BUY", type="LIMIT", quantity="1")
    client.API_SECRET = "0" * 64
    await steps.take("bad_secret", client.get_account)


async def main(path: str) -> None:
    """Take every step, and print what came of each."""
    names = configured(path)
    client = Client(names["API_KEY"], names["API_SECRET"])
    steps = Steps()
    for part in (market_data, trading, refusals):
        await part(steps, client)
    steps.show()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
