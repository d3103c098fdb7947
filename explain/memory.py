"""The memory of this process, and an exchange that is not needed any more.

Layer: explain.
"""

from __future__ import annotations

import ctypes
import gc
import os
from pathlib import Path
from typing import Final

from engine.exchange import Exchange

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_STATM: Final = Path("/proc/self/statm")


def resident_bytes() -> int:
    """What this process holds in memory now; 0 where the system does not say."""
    try:
        return int(_STATM.read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
    except OSError:
        return 0


def release(exchange: Exchange) -> None:
    """Take the orders of an exchange that nobody uses any more apart, so that they go when it does. O(orders).

    They link to each other, and the garbage collector leaves them alone.
    """
    for order in exchange.orders.values():
        level = order.level
        if level is not None:
            level.head = level.tail = None
        order.level = order.ahead = order.behind = order.sibling = None
    exchange.orders.clear()


def give_back() -> None:
    """Return what is free to the system: the C library keeps it otherwise. O(objects)."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc
    if trim is not None:
        trim(0)
