"""Carrying out trades and changes of resting orders: money, base and lots change hands, and the events of it.

Layer: engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine import events as ev
from engine.balance import Balance
from engine.book import OrderBook
from engine.order import Order
from engine.order_events import completed
from engine.outcome import Fill
from engine.planning import display_of
from engine.rejects import InvariantViolation
from engine.types import Lots, Side

_BUY = Side.BUY
_NONE_LEFT = Lots(0)


def carry_out_trades(
    book: OrderBook,
    taker: Order,
    fills: Sequence[Fill],
    next_trade_id: int,
    events: list[ev.Event],
    fee_balance: Balance,
    *,
    auction: bool = False,
) -> list[Order]:
    """Trade `taker` with each maker of `fills`. Return the makers that are done. O(fills).

    Money and base change hands, and the fees go to `fee_balance`. Trade ids count up from `next_trade_id`.
    Appends `Filled`, and `Completed` for each maker that is done or `Replenished` for one that shows its next slice;
    the taker's own end is left to the caller. In an auction the taker rests too.
    Raises InvariantViolation when a maker does not rest, or somebody cannot pay.
    """
    done: list[Order] = []
    taker_side, taker_id, taker_account = taker.side, taker.order_id, taker.account
    taker_buys = taker_side is _BUY
    makers_side = book.asks if taker_buys else book.bids
    symbol, lot_amount = book.instrument.symbol, book.instrument.lot_amount
    # Any: calling `Lots(...)` or `Amount(...)` for each sum costs more than the sums.
    trade_id: Any
    leaves: Any = taker.leaves
    nothing: Any = 0
    notional_sum = maker_fees = taker_fees = nothing
    for trade_id, trade in enumerate(fills, next_trade_id):
        maker, quantity, notional, maker_fee = trade.maker, trade.quantity, trade.notional, trade.maker_fee
        hold, base = quantity * maker.hold_per_lot, quantity * lot_amount
        if taker_buys:
            maker.pays.settle(hold, base, maker.receives, notional - maker_fee)
        else:
            maker.pays.settle(hold, notional + maker_fee, maker.receives, base)
        maker.cum += quantity  # type: ignore[assignment]
        maker.quote_cum += notional  # type: ignore[assignment]
        maker.fees += maker_fee  # type: ignore[assignment]
        leaves -= quantity
        notional_sum += notional
        maker_fees += maker_fee
        taker_fees += trade.taker_fee
        if quantity == maker.leaves:
            makers_side.remove(maker)
            del book.orders[maker.order_id]
            maker.leaves = _NONE_LEFT
        else:
            book.reduce(maker, quantity)

        events.append(ev.Filled(
            trade_id, symbol, trade.price, quantity, notional, taker_side, maker.order_id, taker_id, maker.account,
            taker_account, maker_fee, trade.taker_fee, maker.leaves, leaves, auction, trade.self_trade,
        ))  # fmt: skip
        if maker.leaves == 0:
            events.append(completed(maker))
            done.append(maker)
        elif maker.leaves == maker.hidden:
            replenish(maker, events)
    filled = taker.leaves - leaves
    hold, base = filled * taker.hold_per_lot, filled * lot_amount
    if taker_buys:
        taker.pays.settle(hold, notional_sum + taker_fees, taker.receives, base)
    else:
        taker.pays.settle(hold, base, taker.receives, notional_sum - taker_fees)
    taker.cum += filled
    taker.quote_cum += notional_sum
    taker.fees += taker_fees
    if taker.level is None:
        taker.leaves = leaves
    else:
        book.consume(taker, filled)
    fee_balance.credit(maker_fees + taker_fees)
    book.trade_count += len(fills)
    return done


def replenish(order: Order, events: list[ev.Event]) -> None:
    """Show the next slice of a resting iceberg, whose slice is used up, behind all at its price. O(1)."""
    level = order.level
    if level is None:
        raise InvariantViolation(f"order {order.order_id} does not rest")
    level.replenish(order, display_of(order))
    events.append(ev.Replenished(order.order_id, order.symbol, level.price, order.shown))


def take_off(book: OrderBook, order: Order, quantity: Lots) -> None:
    """Make a resting order smaller by `quantity` lots (fewer than it leaves) and give back what it held for them."""
    book.shrink(order, quantity)
    order.quantity -= quantity  # type: ignore[assignment] # calling Lots() costs more than the subtraction
    order.pays.release(quantity * order.hold_per_lot)
