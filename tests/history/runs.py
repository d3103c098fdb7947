"""A seeded run of the real exchange, and what the history must know of it."""

from __future__ import annotations

import random
from collections.abc import Sequence

from msgspec.structs import replace

from engine.commands import (
    AdvanceTime,
    AmendOrder,
    CancelAll,
    CancelOrder,
    Command,
    Deposit,
    EnterOrder,
    ListInstrument,
    OrderOptions,
    Withdraw,
)
from engine.events import Cancelled, CommandResult, Completed, Ended, Expired, Filled
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.types import AccountId, Amount, Lots, OrderId, OrderStatus, OrderType, Seq, Side, Ticks, TimeInForce
from history.store import DoneOrder, Trade

ACCOUNTS = (AccountId(1), AccountId(2))
SYMBOLS = ("BTC-USDT", "ETH-USDT")
ASSETS = ("BTC", "ETH", "USDT")
START_NS = 1_700_000_000_000_000_000
GTC = TimeInForce.GTC
_WAYS_TO_END: dict[type, OrderStatus] = {
    Completed: OrderStatus.FILLED,
    Cancelled: OrderStatus.CANCELLED,
    Expired: OrderStatus.EXPIRED,
}
HUGE = 10**14  # lots and minor units per lot and tick, so that amounts go beyond 64 bits


def instrument(symbol: str) -> Instrument:
    """An instrument whose amounts are too large for 64 bits and whose maker earns a rebate."""
    return Instrument(
        symbol=symbol,
        base=symbol[:3],
        quote="USDT",
        tick_size="0.01",
        lot_size="0.01",
        quote_scale=18,
        lot_tick_amount=Amount(HUGE),
        base_scale=2,
        lot_amount=Amount(1),
        max_quantity=Lots(HUGE * 1000),
        max_notional=Amount(10**60),
        maker_fee=-50,
        taker_fee=100,
        max_open_orders=1000,
    )


def run_exchange(count: int, seed: int = 1, exchange: Exchange | None = None) -> list[CommandResult]:
    """`count` commands on few prices, so that much of it trades; the same for the same seed.

    `exchange`: a fresh one, to look at afterwards.
    """
    rng = random.Random(seed)
    exchange = exchange or Exchange()
    applied: list[CommandResult] = []
    first: list[Command] = [ListInstrument(instrument(symbol)) for symbol in SYMBOLS]
    first += [Deposit(account, asset, "1" + 30 * "0") for account in ACCOUNTS for asset in ASSETS]
    for index in range(count):
        seq, ts_ns = Seq(index + 1), START_NS + index * 1000
        command = first[index] if index < len(first) else _command(rng, exchange)
        applied.append(CommandResult(seq, ts_ns, command, exchange.apply(command, seq, ts_ns)))
    return applied


def _command(rng: random.Random, exchange: Exchange) -> Command:
    account, symbol, side = rng.choice(ACCOUNTS), rng.choice(SYMBOLS), rng.choice(list(Side))
    mine = exchange.open_orders(account)
    chance = rng.random()
    if chance < 0.15 and mine:
        return CancelOrder(account, rng.choice(mine).order_id)
    if chance < 0.25 and mine:
        order = rng.choice(mine)
        return AmendOrder(account, order.order_id, Ticks(rng.randint(95, 105)), Lots(rng.randint(1, 9) * HUGE))
    if chance < 0.26:
        return CancelAll(account, symbol)
    if chance < 0.27:
        return Withdraw(account, rng.choice(ASSETS), str(rng.randint(1, 10**20)))
    quantity = Lots(rng.randint(1, 9) * HUGE)
    client_order_id = f"c-{exchange.seq}-ü\"'" if rng.random() < 0.5 else None
    if chance < 0.35:
        market, ioc = OrderType.MARKET, TimeInForce.IOC
        return EnterOrder(account, symbol, side, market, ioc, quantity, client_order_id=client_order_id)
    if chance < 0.45:
        return _with_options(rng, exchange, EnterOrder(account, symbol, side, OrderType.LIMIT, GTC, quantity))
    time_in_force = rng.choice([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK])
    price = Ticks(rng.randint(95, 105))
    return EnterOrder(account, symbol, side, OrderType.LIMIT, time_in_force, quantity, price, client_order_id)


def _with_options(rng: random.Random, exchange: Exchange, order: EnterOrder) -> Command:
    """`order` as an iceberg, a stop, one-cancels-other or a bracket's entry; or the clock."""
    price, far = Ticks(rng.randint(95, 105)), 20 if order.side is Side.BUY else -20
    kind = rng.randrange(5)
    if kind == 0:
        options = OrderOptions(display_quantity=Lots(HUGE), expire_ns=exchange.ts_ns + rng.randint(1, 100_000))
        return replace(order, price=price, time_in_force=TimeInForce.GTD, options=options)
    if kind == 1:
        return replace(order, order_type=OrderType.STOP, options=OrderOptions(stop_price=price))
    if kind == 2:
        pair = OrderOptions(stop_price=Ticks(price + far))
        return replace(order, order_type=OrderType.OCO, price=price, options=pair)
    if kind == 3:
        exits = OrderOptions(take_profit=Ticks(price + far), stop_loss=Ticks(price - far))
        return replace(order, price=price, options=exits)
    return AdvanceTime()


def expected_orders(applied: Sequence[CommandResult]) -> dict[OrderId, DoneOrder]:
    """Every done order of a run, by id, field by field from the events."""
    found: dict[OrderId, DoneOrder] = {}
    for item in applied:
        for event in item.events:
            if isinstance(event, Ended):
                status = _WAYS_TO_END[type(event)]
                found[event.order_id] = DoneOrder(
                    order_id=event.order_id,
                    account=event.account,
                    symbol=event.symbol,
                    side=event.side,
                    order_type=event.order_type,
                    time_in_force=event.time_in_force,
                    price=event.price,
                    quantity=event.quantity,
                    cum=event.cum,
                    quote_cum=event.quote_cum,
                    fees=event.fees,
                    client_order_id=event.client_order_id,
                    entered_ns=event.entered_ns,
                    ended_seq=item.seq,
                    ended_ns=item.ts_ns,
                    status=status,
                    reason=getattr(event, "reason", None),
                    terms=event.terms,
                    prevention=event.prevention,
                )
    return found


def expected_trades(applied: Sequence[CommandResult]) -> list[Trade]:
    """Every trade of a run, in order."""
    return [
        Trade(
            trade_id=event.trade_id,
            seq=item.seq,
            ts_ns=item.ts_ns,
            symbol=event.symbol,
            price=event.price,
            quantity=event.quantity,
            notional=event.notional,
            taker_side=event.taker_side,
            maker_order_id=event.maker_order_id,
            taker_order_id=event.taker_order_id,
            maker_account=event.maker_account,
            taker_account=event.taker_account,
            maker_fee=event.maker_fee,
            taker_fee=event.taker_fee,
            auction=int(event.auction),
        )
        for item in applied
        for event in item.events
        if isinstance(event, Filled)
    ]
