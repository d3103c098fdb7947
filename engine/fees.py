"""Both fees of a trade, and what an order holds so that it can pay any price and fee that it may meet.

The fee formula is that of `Instrument.fee`, written out here: to call it would cost more than the fee.
Layer: engine.
"""

from __future__ import annotations

from typing import Any

from engine.instrument import FEE_UNIT, Instrument
from engine.types import Amount, Side, Ticks

_BUY = Side.BUY


def trade_fees(notional: int, maker_rate: int, taker_rate: int) -> tuple[Amount, Amount]:
    """What maker and taker pay for a trade of `notional`; below zero is a rebate.

    A rebate is cut to what the other side pays: the venue never pays in.
    """
    # Any: calling `Amount(...)` for each would cost as much
    maker_fee: Any = -(-notional * maker_rate // FEE_UNIT)
    taker_fee: Any = -(-notional * taker_rate // FEE_UNIT)
    if maker_fee + taker_fee < 0:
        if maker_fee < 0:
            maker_fee = max(maker_fee, -max(taker_fee, 0))
        if taker_fee < 0:
            taker_fee = max(taker_fee, -max(maker_fee, 0))
    return maker_fee, taker_fee


def hold_per_lot(side: Side, price: Ticks, instrument: Instrument, maker_rate: int, taker_rate: int) -> Amount:
    """What one lot of an order at `price` holds: of the quote asset for a buy, of the base asset for a sell.

    Whether it will be maker or taker is not known, so a buy holds the higher fee.
    """
    if side is not _BUY:
        return instrument.lot_amount
    lot: Any = price * instrument.lot_tick_amount
    rate = taker_rate if taker_rate > maker_rate else maker_rate
    return lot - (-lot * rate // FEE_UNIT) if rate > 0 else lot  # type: ignore[no-any-return]
