"""How every answer writes a time.

Layer: api.json.
"""

from __future__ import annotations


def seconds(ts_ns: int) -> float:
    """Epoch seconds to the microsecond, as floats hold it."""
    return ts_ns // 1000 / 1e6
