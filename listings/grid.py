"""Exact conversion between the wire's decimals and the engine's ticks, lots and minor units.

A market's numbers come again and again, so a grid keeps the texts that it wrote and the plain decimals that it read, in
tables with a bound (`listings.tables`). `Decimal` is for what is written in another way.
Layer: listings. No float on either way.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal
from functools import reduce

from engine.instrument import Instrument
from engine.types import Amount, Lots, Ticks
from listings.tables import MAX_UNITS, fixed_texts, plain_numbers, shortest, shortest_texts

MAX_DIGITS = 60  # of a number as written
MAX_GRIDS = 10_000  # grids kept; beyond that many they are made anew

_EXACT = Context(prec=2 * MAX_DIGITS + 20)
_divmod = _EXACT.divmod
_MILLIONTH_DECIMALS = 4  # of a percentage
_WHOLE_PERCENTAGE = 100 * 10**_MILLIONTH_DECIMALS
_AVERAGE_DECIMALS = 6  # decimals of an average price beyond those of a tick


class Grid:
    """The steps of one instrument: reads decimals into whole units, writes units as decimals.

    Who writes many takes them from the tables that `price`, `quantity` and `amount` ask: `prices` by ticks,
    `quantities` by lots, `amounts` of the quote asset by minor units.
    """

    __slots__ = (
        "_amounts",
        "_lot",
        "_lot_decimals",
        "_lot_units",
        "_lots",
        "_tick",
        "_tick_decimals",
        "_tick_units",
        "_ticks",
        "amounts",
        "instrument",
        "prices",
        "quantities",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self._tick, self._lot = Decimal(instrument.tick_size), Decimal(instrument.lot_size)
        self._tick_decimals, self._tick_units = _decimals_and_units(self._tick)
        self._lot_decimals, self._lot_units = _decimals_and_units(self._lot)
        self.prices = fixed_texts(self._tick_units, self._tick_decimals)
        self.quantities = fixed_texts(self._lot_units, self._lot_decimals)
        self.amounts = shortest_texts(instrument.quote_scale)
        self._ticks = plain_numbers(self._tick_units, self._tick_decimals)
        self._lots = plain_numbers(self._lot_units, self._lot_decimals)

    def ticks(self, price: Decimal) -> Ticks | str | None:
        """`price` in ticks; as text when it is no whole number of them; None when it is out of range."""
        units = whole_units(price, self._tick)
        return Ticks(units) if isinstance(units, int) else units

    def lots(self, quantity: Decimal) -> Lots | str | None:
        """`quantity` in lots; as text when it is no whole number of them; None when it is out of range."""
        units = whole_units(quantity, self._lot)
        return Lots(units) if isinstance(units, int) else units

    def plain_ticks(self, text: str) -> Ticks | None:
        """The ticks of a price above zero, written as digits or digits, a point and digits; None for anything else.

        None also where it is no whole number of ticks or too large: `ticks` knows which. O(1) for a text of late.
        """
        return self._ticks[text]  # type: ignore[return-value] # calling Ticks() costs as much as finding them

    def plain_lots(self, text: str) -> Lots | None:
        """The lots of a quantity, in the same way."""
        return self._lots[text]  # type: ignore[return-value] # as above

    def minor_units(self, amount: Decimal) -> Amount | str | None:
        """A quote amount in minor units; as text when it is finer; None when it is out of range."""
        units = whole_units(amount, Decimal(1).scaleb(-self.instrument.quote_scale))
        return Amount(units) if isinstance(units, int) else units

    def price(self, ticks: Ticks) -> str:
        """A price as a decimal with the tick's precision."""
        return self.prices[ticks]

    def quantity(self, lots: int) -> str:
        """A quantity as a decimal with the lot's precision."""
        return self.quantities[lots]

    def said(self, lots: int) -> str:
        """A quantity for a sentence: the shortest exact decimal."""
        return shortest(lots * self._lot_units, self._lot_decimals)

    def amount(self, minor_units: int) -> str:
        """A quote amount as the shortest exact decimal."""
        return self.amounts[minor_units]

    def average_price(self, notional: Amount, lots: Lots) -> str | None:
        """Notional over quantity, rounded half up to a millionth of the price precision; None for nothing."""
        if lots == 0:
            return None
        divisor = lots * self.instrument.lot_tick_amount
        ticks, rest = divmod(notional, divisor)
        if not rest:  # as where all fills have one price
            return self.prices[ticks]
        scale = 10**_AVERAGE_DECIMALS
        units = (2 * notional * self._tick_units * scale + divisor) // (2 * divisor)
        return shortest(units, self._tick_decimals + _AVERAGE_DECIMALS, self._tick_decimals)

    def slippage(self, notional: Amount, lots: Lots, bid: Ticks, ask: Ticks, *, worse: int) -> tuple[str, str]:
        """How much worse the average is than halfway between `bid` and `ask`, as a price and in percent of that.

        `worse` is 1 when higher is worse, else -1. Rounded half up, to a millionth of the price precision
        and to a ten-thousandth of a percent.
        """
        whole = lots * self.instrument.lot_tick_amount
        twice = worse * (2 * notional - (bid + ask) * whole)  # of the difference, times `whole`
        scale = 10**_AVERAGE_DECIMALS
        units = (twice * self._tick_units * scale + whole) // (2 * whole)
        of_middle = (2 * twice * _WHOLE_PERCENTAGE + (bid + ask) * whole) // (2 * (bid + ask) * whole)
        decimals = self._tick_decimals + _AVERAGE_DECIMALS
        return shortest(units, decimals, self._tick_decimals), percent(of_middle)

    def middle(self, bid: Ticks, ask: Ticks) -> str:
        """The price halfway between two, exact."""
        middle, rest = divmod(bid + ask, 2)
        if not rest:
            return self.prices[middle]
        return shortest((bid + ask) * self._tick_units * 5, self._tick_decimals + 1, self._tick_decimals)


_grids: dict[int, Grid] = {}


def grid_of(instrument: Instrument) -> Grid:
    """The grid of `instrument`, made once."""
    # the id is cheaper than the instrument's hash; the grid holds the instrument, so its id is not reused
    grid = _grids.get(id(instrument))
    if grid is None or grid.instrument is not instrument:
        if len(_grids) >= MAX_GRIDS:
            _grids.clear()
        grid = _grids[id(instrument)] = Grid(instrument)
    return grid


def _decimals_and_units(step: Decimal) -> tuple[int, int]:
    """Decimals of `step`, and how many of its last place it is: 0.25 -> (2, 25)."""
    decimals = max(0, -int(step.as_tuple().exponent))
    return decimals, int(step.scaleb(decimals))


def millionths(percentage: Decimal) -> int | str | None:
    """A percentage in millionths; as text when it is finer; None when it is out of range."""
    return whole_units(percentage, Decimal(1).scaleb(-_MILLIONTH_DECIMALS))


def whole_units(value: Decimal, step: Decimal, limit: int = MAX_UNITS) -> int | str | None:
    """How many `step` are in `value`; its text when it is no whole number of them; None when it is out of range."""
    if not -MAX_DIGITS <= value.adjusted() <= MAX_DIGITS:
        return None
    # the text is never shorter than the digits, and cheaper to count
    if len(str(value)) > MAX_DIGITS and len(value.as_tuple().digits) > MAX_DIGITS:
        return None
    quotient, rest = _divmod(value, step)
    units = int(quotient)
    if not -limit < units < limit:
        return None
    return f"{value:f}" if rest else units


def amount_text(minor_units: int, scale: int) -> str:
    """An amount of an asset with `scale` decimals, as the shortest exact decimal."""
    return shortest(minor_units, scale)


def sum_text(texts: Iterable[str]) -> str:
    """The sum of decimals, exact, with the decimals of the finest; "0" of none."""
    return f"{reduce(_EXACT.add, (Decimal(text) for text in texts), Decimal()):f}"


def percent(millionths: int) -> str:
    """Millionths as a percentage: 100000 -> "10", -150 -> "-0.015"."""
    return shortest(millionths, _MILLIONTH_DECIMALS)
