"""What is traded: symbol, assets, price and quantity steps, limits, fees.

Layer: engine.
"""

from __future__ import annotations

import msgspec

from engine.types import Amount, Lots, Ticks

FEE_UNIT = 1_000_000  # fee rates are whole millionths of the notional: 100 is one basis point


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One listed symbol. Prices are counted in `tick_size`, quantities in `lot_size`.

    `tick_size` and `lot_size` are decimal texts for people and for the wire; the engine
    itself counts in ticks and lots, and needs only `lot_tick_amount`.
    """

    symbol: str
    base: str
    quote: str
    tick_size: str  # decimal, in the quote asset
    lot_size: str  # decimal, in the base asset
    quote_scale: int  # decimals of the quote asset's minor unit
    lot_tick_amount: Amount  # one lot at one tick, in minor units of the quote asset: at least 1
    base_scale: int = 0  # decimals of the base asset's minor unit
    lot_amount: Amount = Amount(1)  # one lot, in minor units of the base asset
    min_quantity: Lots = Lots(1)
    max_quantity: Lots
    min_notional: Amount = Amount(0)
    max_notional: Amount
    maker_fee: int = 0  # millionths of the notional; below zero a rebate
    taker_fee: int = 0
    collar: int | None = None  # millionths a price may lie beyond the reference; None: no collar
    reference_price: Ticks | None = None  # the collar's reference until the first trade
    max_open_orders: int  # per account
    band: int | None = None  # millionths a trade may lie from the band's reference; None: no band
    band_window_ns: int = 300_000_000_000  # how long a reference serves before the last price becomes it
    limit_state_ns: int = 15_000_000_000  # how long a limit state may last before the symbol halts
    halt_ns: int = 60_000_000_000  # how long such a halt lasts
    auction_ns: int = 30_000_000_000  # and the reopening auction after it
    scheduled: bool = False  # whether sessions open and close it: day orders end then, else at midnight UTC

    def notional(self, price: Ticks, quantity: Lots) -> Amount:
        """Price times quantity, in minor units of the quote asset. Exact."""
        return Amount(price * quantity * self.lot_tick_amount)

    @staticmethod
    def fee(notional: int, rate: int) -> Amount:
        """`rate` millionths of `notional`: a fee is rounded up, a rebate (negative) toward zero."""
        return -(-notional * rate // FEE_UNIT)  # type: ignore[return-value] # calling Amount() costs more than the fee

    @property
    def consistent(self) -> bool:
        """Whether no fee and no band is beyond the whole price, and no duration below zero."""
        fees = all(-FEE_UNIT <= rate <= FEE_UNIT for rate in (self.maker_fee, self.taker_fee))
        durations = min(self.band_window_ns, self.limit_state_ns, self.halt_ns, self.auction_ns) >= 0
        return fees and durations and (self.band is None or 0 < self.band <= FEE_UNIT)

    def same_grid(self, other: Instrument) -> bool:
        """Whether prices, quantities and amounts of both count in the same units."""
        return (
            self.symbol == other.symbol
            and self.base == other.base
            and self.quote == other.quote
            and self.tick_size == other.tick_size
            and self.lot_size == other.lot_size
            and self.quote_scale == other.quote_scale
            and self.lot_tick_amount == other.lot_tick_amount
            and self.base_scale == other.base_scale
            and self.lot_amount == other.lot_amount
        )
