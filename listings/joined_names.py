"""Symbols as they are written without what joins their parts: BTC-USDT is BTCUSDT.

Layer: listings.
"""

from __future__ import annotations


def joined_name(symbol: str) -> str:
    """The letters and digits of a symbol alone, in upper case. O(length)."""
    return "".join(filter(str.isalnum, symbol)).upper()
