"""What goes wrong with a history, whoever finds it.

Layer: history.
"""

from __future__ import annotations

from loop.errors import StoreAway


class StoreDamaged(StoreAway):
    """The file is damaged: it has to be built anew."""
