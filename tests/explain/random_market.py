"""A market in which everything happens, at random."""

from __future__ import annotations

import random
from typing import Any

from engine.commands import AmendOrder, CancelOrder, Deposit, EnterOrder, OrderOptions, SetStatus
from engine.types import (
    AccountId,
    OrderType,
    PostOnly,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TradingStatus,
)
from tests.explain.market import SYMBOL, Market

ACCOUNTS = [AccountId(number) for number in (71_717_171, 82_828_282, 93_939_393)]
COMMANDS = 300


def random_market(seed: int) -> Market:
    """A run of everything an account and an operator may do, in one symbol."""
    rng = random.Random(seed)
    market = Market(band=80_000, collar=100_000, reference_price=10_000)
    for account in ACCOUNTS:
        for asset in ("X", "USD"):
            market.do(Deposit(account, asset, "300000"))
    for _ in range(COMMANDS):
        ids = list(market.exchange.orders)
        if ids and rng.random() < 0.3:
            order = market.exchange.orders[rng.choice(ids)]
            if rng.random() < 0.4:
                market.do(CancelOrder(order.account, order.order_id))
            else:
                price = rng.choice([None, 10_000 + rng.randrange(-30, 30)])
                market.do(AmendOrder(order.account, order.order_id, price, rng.randrange(1, 12)))
        elif rng.random() < 0.03:
            market.do(SetStatus(SYMBOL, rng.choice([TradingStatus.AUCTION, TradingStatus.TRADING])))
        elif market.exchange.books[SYMBOL].status is not TradingStatus.TRADING and rng.random() < 0.1:
            market.do(SetStatus(SYMBOL, TradingStatus.TRADING))
        else:
            market.do(random_order(rng))
    return market


def random_order(rng: random.Random) -> EnterOrder:
    """One order of any kind."""
    side, price = rng.choice(list(Side)), 10_000 + rng.randrange(-30, 30)
    quantity = rng.randrange(1, 12)
    away = 10 if side is Side.BUY else -10
    kind = rng.choice(["limit", "limit", "limit", "market", "iceberg", "slide", "fok", "stop", "oco", "bracket"])
    fields: dict[str, Any] = {"order_type": OrderType.LIMIT, "price": price, "options": None}
    tif = TimeInForce.GTC
    match kind:
        case "market":
            fields, tif = {"order_type": OrderType.MARKET}, TimeInForce.IOC
        case "fok":
            tif = TimeInForce.FOK
        case "iceberg":
            fields["options"] = OrderOptions(display_quantity=rng.randrange(1, quantity + 1))
        case "slide":
            fields["options"] = OrderOptions(post_only=PostOnly.SLIDE)
        case "stop":
            fields = {"order_type": OrderType.STOP, "options": OrderOptions(stop_price=price)}
        case "oco":
            fields["order_type"] = OrderType.OCO
            fields["options"] = OrderOptions(stop_price=price + 2 * away)
        case "bracket":
            fields["options"] = OrderOptions(take_profit=price + away, stop_loss=price - away)
    prevention = rng.choice([None, *SelfTradePrevention])
    return EnterOrder(
        rng.choice(ACCOUNTS), SYMBOL, side, quantity=quantity, time_in_force=tif, self_trade_prevention=prevention,
        **fields,
    )  # fmt: skip
