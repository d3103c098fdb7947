"""How many large bodies may be in memory at once: for all connections, and for one address.

Layer: api.http.
"""

from __future__ import annotations

from collections import Counter

from api.http.front.bounds import LARGE_BODIES_SHARE


class LargeBodies:
    """So many places, of which nobody may take all."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._each_max = max(1, places // LARGE_BODIES_SHARE)
        self._held: Counter[str] = Counter()

    def take(self, address: str) -> bool:
        """Whether there is a place for a body from `address`; it is taken then."""
        if self._free == 0 or self._held[address] >= self._each_max:
            return False
        self._free -= 1
        self._held[address] += 1
        return True

    def give_back(self, address: str) -> None:
        """A body from `address` is gone."""
        self._free += 1
        self._held[address] -= 1
        if not self._held[address]:
            del self._held[address]
