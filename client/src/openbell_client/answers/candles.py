"""Answers of the candles calls.

Written by tools/setup/generate_client.py from the server's OpenAPI document: change that, not this.
Layer: openbell_client.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec


class CandlesPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """GET /candles/{symbol}."""

    symbol: str
    interval: Interval
    candles: list[tuple[int, Decimal, Decimal, Decimal, Decimal, Decimal]]
    count: int
    seq: int


# How long a candle is.
# 15m, 1d, 1h, 1m, 1s, 5m; there may be more
Interval = str
