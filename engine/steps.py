"""How many steps of a size a decimal text is: ticks of a price, lots of a quantity. Exact, and without floats.

Layer: engine.
"""

from __future__ import annotations

from engine.ledger import minor_units


class Step:
    """The least step of a price or a quantity."""

    __slots__ = ("scale", "size", "units")

    def __init__(self, size: int | str) -> None:
        """`size` is a decimal above zero, such as "0.05" or 1.

        Raises ValueError when it is none, TypeError for a float or what else is neither text nor int.
        """
        if not isinstance(size, int | str) or isinstance(size, bool):
            raise TypeError(f'{size!r} is no step: it should be an int or the text of a decimal, such as "0.05"')
        self.size = str(size)
        self.scale = len(self.size.partition(".")[2])  # decimals
        parsed = minor_units(self.size, self.scale)
        if parsed is None or parsed[0] < 1:
            raise ValueError(f"{size!r} is no step: it should be a decimal above zero, such as 0.05")
        self.units = parsed[0]  # of 10^-scale

    def count(self, text: str) -> int | str:
        """How many steps a decimal is; the text itself where it is no whole number of them."""
        parsed = minor_units(text, self.scale)
        if parsed is None or not parsed[1] or parsed[0] % self.units:
            return text
        return parsed[0] // self.units

    def text(self, count: int) -> str:
        """So many steps as a decimal."""
        units = count * self.units
        if not self.scale:
            return str(units)
        whole, fraction = divmod(units, 10**self.scale)
        return f"{whole}.{fraction:0{self.scale}}"
