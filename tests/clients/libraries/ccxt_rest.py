"""ccxt over REST, synchronous or asynchronous: every call that a bot makes, and those that must fail.

    python -m tests.clients.libraries.ccxt_rest sync|async|limited|signed CONFIGURATION

`limited` only asks until it is refused, `signed` only tries the key. The others expect BTC/USDT to have traded at
30000, with asks of one coin each from 30010 up and bids from 29990 down.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import ccxt
import ccxt.async_support

from tests.clients.libraries.steps import Steps, configured

PAIR = "BTC/USDT"
SYMBOL = "BTCUSDT"
MOST_ASKED = 100


async def market_data(steps: Steps, exchange: Any) -> None:
    """What needs no key, and the fees, which ccxt signs."""
    markets = await steps.take("load_markets", exchange.load_markets)
    steps.note("market", (markets or {}).get(PAIR))
    await steps.take("fetch_time", exchange.fetch_time)
    await steps.take("fetch_status", exchange.fetch_status)
    await steps.take("fetch_currencies", exchange.fetch_currencies)
    await steps.take("fetch_trading_fees", exchange.fetch_trading_fees)
    await steps.take("fetch_trading_fee", exchange.fetch_trading_fee, PAIR)
    await steps.take("fetch_ticker", exchange.fetch_ticker, PAIR)
    await steps.take("fetch_tickers", exchange.fetch_tickers, [PAIR, "ETH/USDT"])
    await steps.take("fetch_bids_asks", exchange.fetch_bids_asks, [PAIR])
    await steps.take("fetch_last_prices", exchange.fetch_last_prices, [PAIR])
    await steps.take("fetch_order_book", exchange.fetch_order_book, PAIR, 5)
    await steps.take("fetch_trades", exchange.fetch_trades, PAIR)
    await steps.take("fetch_ohlcv", exchange.fetch_ohlcv, PAIR, "1m", None, 10)


async def orders(steps: Steps, exchange: Any) -> None:
    """An order's life: resting, changed, cancelled; and what trades at once."""
    await steps.take("fetch_balance", exchange.fetch_balance)
    named = {"clientOrderId": "mine-1"}
    resting = await steps.take("limit", exchange.create_order, PAIR, "limit", "buy", 0.5, 29000, named)
    resting_id = (resting or {}).get("id")
    await steps.take("held", exchange.fetch_balance)
    await steps.take("fetch_order", exchange.fetch_order, resting_id, PAIR)
    await steps.take("fetch_open_orders", exchange.fetch_open_orders, PAIR)
    edited = await steps.take("edit_order", exchange.edit_order, resting_id, PAIR, "limit", "buy", 0.4, 28900)
    edited_id = (edited or {}).get("id")
    await steps.take("replaced", exchange.fetch_order, resting_id, PAIR)
    await steps.take("cancel_order", exchange.cancel_order, edited_id, PAIR)
    await steps.take("cancelled", exchange.fetch_order, edited_id, PAIR)
    bought = await steps.take("market_buy", exchange.create_order, PAIR, "market", "buy", 0.25)
    await steps.take("market_by_cost", exchange.create_market_buy_order_with_cost, PAIR, 300.1)
    await steps.take("market_sell", exchange.create_order, PAIR, "market", "sell", 0.1)
    await steps.take("ioc", exchange.create_order, PAIR, "limit", "buy", 1.5, 30010, {"timeInForce": "IOC"})
    await steps.take("fok", exchange.create_order, PAIR, "limit", "buy", 2, 30010, {"timeInForce": "FOK"})
    await steps.take("post_only", exchange.create_order, PAIR, "limit", "sell", 0.2, 31000, {"postOnly": True})
    await steps.take("iceberg", exchange.create_order, PAIR, "limit", "sell", 1, 31500, {"icebergAmount": 0.25})
    await steps.take("fetch_my_trades", exchange.fetch_my_trades, PAIR)
    await steps.take("fetch_order_trades", exchange.fetch_order_trades, (bought or {}).get("id"), PAIR)
    await steps.take("test_order", exchange.create_order, PAIR, "limit", "buy", 0.5, 29000, {"test": True})


async def triggers(steps: Steps, exchange: Any) -> None:
    """Orders that wait for a price."""
    await steps.take("stop_loss", exchange.create_order, PAIR, "market", "sell", 0.1, None, {"stopLossPrice": 29000})
    limited = {"stopLossPrice": 29000}
    await steps.take("stop_loss_limit", exchange.create_order, PAIR, "limit", "sell", 0.1, 28900, limited)
    profit = {"takeProfitPrice": 31000}
    await steps.take("take_profit", exchange.create_order, PAIR, "market", "sell", 0.1, None, profit)
    await steps.take("take_profit_limit", exchange.create_order, PAIR, "limit", "sell", 0.1, 31100, profit)
    trailing = {"trailingPercent": 2, "stopLossOrTakeProfit": "stopLoss"}
    await steps.take("trailing_stop", exchange.create_order, PAIR, "market", "sell", 0.1, None, trailing)
    await steps.take("waiting", exchange.fetch_open_orders, PAIR)
    await steps.take("cancel_all_orders", exchange.cancel_all_orders, PAIR)
    await steps.take("none_open", exchange.fetch_open_orders, PAIR)
    await steps.take("fetch_orders", exchange.fetch_orders, PAIR)
    await steps.take("fetch_closed_orders", exchange.fetch_closed_orders, PAIR)
    await steps.take("fetch_canceled_orders", exchange.fetch_canceled_orders, PAIR)


async def refusals(steps: Steps, exchange: Any) -> None:
    """What has to be refused, and by the error that ccxt has for it."""
    await steps.take("insufficient_funds", exchange.create_order, PAIR, "limit", "buy", 10, 29000)
    await steps.take("would_take", exchange.create_order, PAIR, "limit", "buy", 0.1, 30500, {"postOnly": True})
    await steps.take("unknown_order", exchange.fetch_order, "999999999", PAIR)
    await steps.take("unknown_cancel", exchange.cancel_order, "999999999", PAIR)
    order = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.1"}
    await steps.take("bad_tick", exchange.privatePostOrder, order | {"price": "29000.001"})
    await steps.take("bad_lot", exchange.privatePostOrder, order | {"price": "29000", "quantity": "0.000000001"})
    await steps.take("no_price", exchange.privatePostOrder, order)
    await steps.take("bad_symbol", exchange.privatePostOrder, order | {"price": "29000", "symbol": "NONEUSDT"})
    await steps.take("bad_symbol_of_book", exchange.publicGetDepth, {"symbol": "NONEUSDT"})
    await steps.take("bad_interval", exchange.publicGetKlines, {"symbol": SYMBOL, "interval": "7m"})
    late = {"timestamp": exchange.milliseconds() - 60_000, "recvWindow": 5000}
    await steps.take("late", exchange.privateGetAccount, late)
    secret, exchange.secret = exchange.secret, "0" * 64
    await steps.take("bad_secret", exchange.fetch_open_orders, PAIR)
    exchange.secret = secret
    exchange.options["hasAlreadyAuthenticatedSuccessfully"] = False
    key, exchange.apiKey = exchange.apiKey, "ob-0000000000000000000000"
    await steps.take("bad_key", exchange.fetch_open_orders, PAIR)
    exchange.apiKey = key


async def until_limited(steps: Steps, exchange: Any) -> None:
    """Ask for a balance again and again."""
    await steps.take("load_markets", exchange.load_markets)
    for asked in range(MOST_ASKED):
        if await steps.take(f"fetch_balance {asked}", exchange.fetch_balance) is None:
            break


async def key_alone(steps: Steps, exchange: Any) -> None:
    """What is signed in a query, and what in a form."""
    await steps.take("fetch_balance", exchange.fetch_balance)
    order = await steps.take("create_order", exchange.create_order, PAIR, "limit", "buy", 0.1, 29000)
    await steps.take("cancel_order", exchange.cancel_order, (order or {}).get("id"), PAIR)


async def main(kind: str, path: str) -> None:
    """Take every step, and print what came of each."""
    settings = configured(path)["SETTINGS"] | {"enableRateLimit": False}
    exchange: Any = (ccxt.async_support if kind == "async" else ccxt).binance(settings)
    steps = Steps()
    short = {"limited": (until_limited,), "signed": (key_alone,)}
    for part in short.get(kind, (market_data, orders, triggers, refusals)):
        await part(steps, exchange)
    if kind == "async":
        await exchange.close()
    steps.show()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
