"""An instrument with any tick, lot and limits."""

from __future__ import annotations

from decimal import Decimal

from engine.instrument import Instrument


def instrument(tick: str, lot: str) -> Instrument:
    """An instrument of this tick and lot."""
    return Instrument(
        symbol="ANY",
        base="B",
        quote="Q",
        tick_size=tick,
        lot_size=lot,
        quote_scale=10,
        lot_tick_amount=int(Decimal(tick) * Decimal(lot) * 10**10),
        max_quantity=10**12,
        max_notional=10**18,
        max_open_orders=1000,
    )
