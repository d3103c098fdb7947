"""Both fees of a trade, and what an order holds so that it can pay any price and fee that it may meet.

The fee formula itself is `Instrument.fee`. Layer: engine.
"""

from __future__ import annotations

from engine.instrument import Instrument
from engine.types import Amount, Side, Ticks

_BUY = Side.BUY
_fee = Instrument.fee


def trade_fees(notional: int, maker_rate: int, taker_rate: int) -> tuple[Amount, Amount]:
    """What maker and taker pay for a trade of `notional`; below zero is a rebate.

    A rebate is cut to what the other side pays: the venue never pays in.
    """
    maker_fee, taker_fee = _fee(notional, maker_rate), _fee(notional, taker_rate)
    if maker_fee + taker_fee < 0:
        if maker_fee < 0:
            maker_fee = max(maker_fee, Amount(-max(taker_fee, 0)))
        if taker_fee < 0:
            taker_fee = max(taker_fee, Amount(-max(maker_fee, 0)))
    return maker_fee, taker_fee


def hold_per_lot(side: Side, price: Ticks, instrument: Instrument, maker_rate: int, taker_rate: int) -> Amount:
    """What one lot of an order at `price` holds: of the quote asset for a buy, of the base asset for a sell.

    Whether it will be maker or taker is not known, so a buy holds the higher fee.
    """
    if side is not _BUY:
        return instrument.lot_amount
    lot: Amount = price * instrument.lot_tick_amount  # type: ignore[assignment] # calling Amount() costs more
    rate = taker_rate if taker_rate > maker_rate else maker_rate
    return lot + _fee(lot, rate) if rate > 0 else lot  # type: ignore[return-value]
