"""Units -> the decimals and times of the second wire.

Decimals always have all places of their step: clients take an instrument's precision from the length of a text.
Times are epoch milliseconds.
Layer: api.binance. No float.
"""

from __future__ import annotations

from typing import Final

from engine.instrument import Instrument
from engine.types import Amount, Lots, Ticks
from listings.grid import grid_of
from listings.tables import fixed

MILLISECOND_NS: Final = 1_000_000
AVERAGE_PLACES: Final = 6  # of an average price, beyond those of a tick


def price_text(instrument: Instrument, ticks: int) -> str:
    """A price with the places of a tick."""
    return grid_of(instrument).price(Ticks(ticks))


def quantity_text(instrument: Instrument, lots: int) -> str:
    """A quantity with the places of a lot."""
    return grid_of(instrument).quantity(Lots(lots))


def amount_text(instrument: Instrument, minor_units: int) -> str:
    """An amount of the quote asset with the places of its minor unit."""
    return fixed(minor_units, instrument.quote_scale)


def asset_text(minor_units: int, scale: int) -> str:
    """An amount of an asset whose minor unit has `scale` decimals, with all of them."""
    return fixed(minor_units, scale)


def milliseconds(ts_ns: int) -> int:
    """Epoch nanoseconds as whole epoch milliseconds."""
    return ts_ns // MILLISECOND_NS


def average_text(instrument: Instrument, notional: int, lots: int, otherwise: int) -> str:
    """Notional over quantity, rounded half up to a millionth of a tick's last place, with all places.

    Of nothing it is the price `otherwise`.
    """
    grid = grid_of(instrument)
    text = grid.average_price(Amount(notional), Lots(lots)) or grid.price(Ticks(otherwise))
    whole, _, fraction = text.partition(".")
    _, _, of_tick = grid.price(Ticks(0)).partition(".")
    return f"{whole}.{fraction.ljust(len(of_tick) + AVERAGE_PLACES, '0')}"


def percent_text(change: int, of: int) -> str:
    """`change` in percent of `of`, three decimals, rounded half away from zero; of zero it is zero."""
    thousandths = (abs(change) * 200_000 + of) // (2 * of) if of else 0
    return fixed(-thousandths if change < 0 else thousandths, 3)
