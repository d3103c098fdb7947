"""Decimals and moments as written -> units of the engine. What is off the grid travels as text, for it to refuse.

Layer: api.json.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from api.json.errors import Malformed
from api.json.malformed import MAX_VALUE
from engine.instrument import Instrument
from engine.types import Lots
from listings.grid import grid_of, millionths, whole_units
from listings.numbers import decimal_of

MAX_TIME_NS = 2**63

_ISO = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_NANOSECOND = Decimal("1e-9")
_QUANTITIES = ("quantity", "display_quantity")


def quantity_of(value: Decimal, instrument: Instrument) -> Lots | str:
    """A quantity in lots, or its text when it is no whole number of them. Raises Malformed."""
    units = units_of("quantity", value, instrument)
    return units if isinstance(units, str) else Lots(units or 0)


def units_of(field: str, value: Decimal | None, instrument: Instrument | None) -> Any:
    """`value` in the units of `field`, or as text where it is off the grid. Raises Malformed."""
    if value is None:
        return None
    if value <= 0:
        raise Malformed("NOT_POSITIVE", f"{field} must be above zero, not {short(value)}.", field=field)
    units: int | str | None
    if instrument is None:  # the engine will reject it; the value only has to reach it
        units = f"{value:.12g}"
    elif field in _QUANTITIES:
        units = grid_of(instrument).lots(value)
    elif field == "quote_quantity":
        units = grid_of(instrument).minor_units(value)
    elif field == "trail_percent":
        units = millionths(value)
    else:
        units = grid_of(instrument).ticks(value)
    if units is None:
        raise Malformed("OUT_OF_RANGE", f"{field} is out of range.", field=field)
    return units


def nanoseconds(field: str, moment: Any) -> int:
    """Epoch nanoseconds of a moment as written. Raises Malformed for what is none, or finer."""
    written = _ISO.fullmatch(moment) if isinstance(moment, str) else None
    units: int | str | None
    if written is not None:
        units = _epoch_ns(*written.groups())
    else:
        value = decimal_of(moment) if isinstance(moment, str) else moment
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise Malformed("INVALID_VALUE", f"{field}: epoch seconds, or ISO 8601 with its zone.", field=field)
        if value <= 0:
            raise Malformed("NOT_POSITIVE", f"{field} must be above zero, not {short(Decimal(value))}.", field=field)
        units = whole_units(Decimal(value), _NANOSECOND, MAX_TIME_NS)
    if units is None and written is not None:
        raise Malformed("INVALID_VALUE", f"{field}: epoch seconds, or ISO 8601 with its zone.", field=field)
    if not isinstance(units, int) or not 0 < units < MAX_TIME_NS:
        raise Malformed("OUT_OF_RANGE", f"{field} is out of range, or finer than a nanosecond.", field=field)
    return units


def _epoch_ns(whole: str, fraction: str | None, zone: str) -> int | None:
    """Epoch nanoseconds of an ISO moment; None when there is no such time."""
    try:
        seconds = int(datetime.fromisoformat(whole + zone).timestamp())
    except (ValueError, OverflowError):
        return None
    return seconds * 10**9 + (int(fraction[1:].ljust(9, "0")) if fraction else 0)


def short(value: Decimal) -> str:
    """`value` as an error names it."""
    text = str(value)
    return text if len(text) <= MAX_VALUE else "a number below it"
