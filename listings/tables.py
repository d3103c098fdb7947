"""Texts of whole units and whole units of texts, each made once: what a market writes and reads comes again and again.

A table is shared by all that count in the same steps. It has a bound, and is emptied when it is full: what is asked for
then is made anew, which takes four times as long as finding it. To keep what was used last would cost more than that.
Layer: listings. No float on either way.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

MAX_UNITS: Final = 10**18  # ticks or lots, at most, in one number
MAX_KEPT: Final = 4_096  # numbers of one table
MAX_TABLES: Final = 256  # of one sort; whoever has one of more keeps it alone
MAX_PLAIN: Final = 40  # characters of a decimal that is read here


class FixedTexts(dict[int, str]):
    """Whole steps -> decimals with all the places of a step."""

    __slots__ = ("_decimals", "_units")

    def __init__(self, units: int, decimals: int) -> None:
        """`units`: how many of the last of `decimals` places one step is."""
        self._units, self._decimals = units, decimals

    def __missing__(self, steps: int) -> str:
        if len(self) >= MAX_KEPT:
            self.clear()
        text = self[steps] = fixed(steps * self._units, self._decimals)
        return text


class ShortestTexts(dict[int, str]):
    """Units of the last of some places -> the shortest exact decimals."""

    __slots__ = ("_decimals",)

    def __init__(self, decimals: int) -> None:
        self._decimals = decimals

    def __missing__(self, units: int) -> str:
        if len(self) >= MAX_KEPT:
            self.clear()
        text = self[units] = shortest(units, self._decimals)
        return text


class PlainNumbers(dict[str, int | None]):
    """Decimals above zero, written as digits or digits, a point and digits -> whole steps; None for anything else.

    None also for what is no whole number of steps, or too many of them.
    """

    __slots__ = ("_decimals", "_units")

    def __init__(self, units: int, decimals: int) -> None:
        """`units`: how many of the last of `decimals` places one step is."""
        self._units, self._decimals = units, decimals

    def __missing__(self, text: str) -> int | None:
        if len(text) > MAX_PLAIN:
            return None
        if len(self) >= MAX_KEPT:
            self.clear()
        steps: int | None = None
        whole, point, fraction = text.partition(".")
        if text.isascii() and whole.isdecimal() and (fraction.isdecimal() if point else not fraction):
            finer = fraction[self._decimals :]
            if not finer or not finer.strip("0"):
                digits = whole + fraction[: self._decimals].ljust(self._decimals, "0")
                steps, rest = divmod(int(digits), self._units)
                if rest or not 0 < steps < MAX_UNITS:
                    steps = None
        self[text] = steps
        return steps


@lru_cache(MAX_TABLES)
def fixed_texts(units: int, decimals: int) -> FixedTexts:
    """The one table of these steps."""
    return FixedTexts(units, decimals)


@lru_cache(MAX_TABLES)
def shortest_texts(decimals: int) -> ShortestTexts:
    """The one table of these places."""
    return ShortestTexts(decimals)


@lru_cache(MAX_TABLES)
def plain_numbers(units: int, decimals: int) -> PlainNumbers:
    """The one table of these steps."""
    return PlainNumbers(units, decimals)


def fixed(units: int, decimals: int) -> str:
    """`units` of the last of `decimals` places, with all of them."""
    if units < 0:
        return f"-{fixed(-units, decimals)}"
    text = str(units)
    point = len(text) - decimals
    if point <= 0:
        return f"0.{text.zfill(decimals)}"
    return f"{text[:point]}.{text[point:]}" if decimals else text


def shortest(units: int, decimals: int, least_decimals: int = 0) -> str:
    """`units` of the last of `decimals` places, without trailing zeros beyond `least_decimals`."""
    if units < 0:
        return f"-{shortest(-units, decimals, least_decimals)}"
    text = str(units)
    point = len(text) - decimals
    if point > 0:
        whole, fraction = text[:point], text[point:].rstrip("0")
    else:
        whole, fraction = "0", text.zfill(decimals).rstrip("0")
    if least_decimals:
        fraction = fraction.ljust(least_decimals, "0")
    return f"{whole}.{fraction}" if fraction else whole
