"""The rules that the page applies while somebody types: from the engine, so that they stand once.

What differs by symbol, such as the collar, is in GET /symbols; this is what holds for all of them.
Layer: api.page.
"""

from __future__ import annotations

from engine.rules import MAX_SLICES, MAX_TRAIL
from engine.triggers import UNCOLLARED_MARGIN
from listings.grid import percent


def venue_rules() -> dict[str, str | int]:
    """The rules by name, as `frontend/model/types.js` lists them; percentages as decimals."""
    return {
        "uncollared_percent": percent(UNCOLLARED_MARGIN),
        "max_slices": MAX_SLICES,
        "max_trail_percent": percent(MAX_TRAIL),
    }
