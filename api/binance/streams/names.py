"""The names of market streams, `btcusdt@depth@100ms` or `!ticker@arr`, and what each asks for.

Layer: api.binance.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple

from api.binance.market_klines import LENGTHS, KlineInterval
from api.binance.symbols import SymbolTable

SLOW_MS: Final = 1_000
IN_MEMORY_S: Final = 86_400  # longer candles are not streamed: what they are made of is in the history
KLINES: Final = {interval.value: interval for interval in KlineInterval if LENGTHS[interval] <= IN_MEMORY_S}
NAME_MAX: Final = 100  # characters

_DEPTH: Final = re.compile(r"depth(5|10|20)?(?:@(100|1000)ms)?").fullmatch
_KLINE: Final = re.compile(rf"kline_({'|'.join(KLINES)})").fullmatch


class Kind(StrEnum):
    """What a stream says."""

    DEPTH = "depth"  # the levels that changed
    PARTIAL_DEPTH = "partial depth"  # the best levels
    TRADE = "trade"
    AGG_TRADE = "aggTrade"
    KLINE = "kline"
    MINI_TICKER = "miniTicker"
    TICKER = "ticker"
    BOOK_TICKER = "bookTicker"


_SIMPLE: Final = (Kind.TRADE, Kind.AGG_TRADE, Kind.MINI_TICKER, Kind.TICKER, Kind.BOOK_TICKER)
_OF_ALL: Final = {"!ticker@arr": Kind.TICKER, "!miniTicker@arr": Kind.MINI_TICKER, "!bookTicker": Kind.BOOK_TICKER}


class StreamName(NamedTuple):
    """One market stream."""

    text: str  # as the client is sent it
    kind: Kind
    symbol: str | None  # ours; None: of all
    interval_ms: int = SLOW_MS  # between two messages, of those that are gathered
    levels: int = 0  # of partial depth
    kline: KlineInterval = KlineInterval.M1  # how long a candle is


def stream_name(text: str, symbols: SymbolTable) -> StreamName | None:
    """What a name asks for; None where there is no such stream. O(length)."""
    if len(text) > NAME_MAX:
        return None
    if (of_all := _OF_ALL.get(text)) is not None:
        return StreamName(text, of_all, None)
    joined, at, what = text.partition("@")
    symbol = symbols.openbell(joined.upper()) if at and joined.isascii() else None
    if symbol is None:
        return None
    text = f"{joined.lower()}@{what}"  # as everybody else spells it
    if what in _SIMPLE:
        return StreamName(text, Kind(what), symbol)
    if depth := _DEPTH(what):
        interval_ms = int(depth[2] or SLOW_MS)
        kind = Kind.DEPTH if depth[1] is None else Kind.PARTIAL_DEPTH
        return StreamName(text, kind, symbol, interval_ms, int(depth[1] or 0))
    if kline := _KLINE(what):
        return StreamName(text, Kind.KLINE, symbol, kline=KLINES[kline[1]])
    return None
