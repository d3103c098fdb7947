"""Python's garbage collector, while much is made that stays.

Layer: loop.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_off() -> Iterator[None]:
    """Without collections: hundreds of thousands of objects are made, none is garbage, and looking takes the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def made_to_stay() -> Iterator[None]:
    """As `collector_off`, and no later collection goes through what is made in here, or is there already.

    Turned on again before that, the collector would go through all of it at the next allocation, a third of a second
    for a million remembered orders. What is garbage stays too: of the imports of a start some hundred objects.
    """
    with collector_off():
        yield
        gc.freeze()
