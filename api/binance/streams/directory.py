"""Finds a stream by its name: a market stream, or the user data of a listen key.

Layer: api.binance.
"""

from __future__ import annotations

from api.binance.streams.channels import Follower
from api.binance.streams.listen_keys import ListenKeys
from api.binance.streams.market import MarketStreams


class StreamDirectory:
    """All streams of the second wire."""

    def __init__(self, market: MarketStreams, keys: ListenKeys) -> None:
        self._market = market
        self._keys = keys

    def exists(self, name: str) -> bool:
        """Whether there is such a stream."""
        return self._keys.exists(name) or self._market.exists(name)

    def join(self, follower: Follower, name: str) -> None:
        """Have a follower sent a stream, and first its state where it has one. Raises BinanceError 2."""
        if not self._keys.join(follower, name):
            self._market.join(follower, name)
