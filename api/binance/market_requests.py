"""What may be asked of the second wire's market data.

Layer: api.binance.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, TypeVar

import msgspec
from flask import request
from msgspec import Meta

from api.binance.errors import BinanceError
from api.binance.market_klines import Calendar, KlineInterval
from api.binance.market_trades import Span
from api.binance.numbers import MILLISECOND_NS
from api.binance.requests import Asked, parameters, read
from projections.activity import DAY_MINUTES

T = TypeVar("T")

MAX_ROWS: Final = 1_000  # trades, aggregates, candles of one answer
MAX_DEPTH: Final = 5_000
MAX_OFFSET_S: Final = 14 * 3_600  # of a time zone ahead; behind: two hours less
MAX_NAMES: Final = 1_000  # in one list of symbols
_ZONE = re.compile(r"([+-]?)([0-9]{1,2})(?::([0-5][0-9]))?").fullmatch

MAX_TIME_MS: Final = 2**47
MAX_ID: Final = 2**62
LATEST_NS: Final = 2**63 - 2 * MILLISECOND_NS  # the history compares 64 bits
_WINDOW = re.compile(r"([1-9][0-9]?)([mhd])").fullmatch
_WINDOW_UNITS: Final = {"m": (59, 1), "h": (23, 60), "d": (1, DAY_MINUTES)}  # how many at most, and their minutes

Milliseconds = Annotated[int, Meta(ge=0, le=MAX_TIME_MS, description="Epoch milliseconds")]
AnyId = Annotated[int, Meta(ge=0, le=MAX_ID)]
TickerType = Literal["FULL", "MINI"]


class ExchangeInfoQuery(Asked, frozen=True, kw_only=True):
    """GET exchangeInfo. `permissions` and `symbolStatus` are read as filters."""

    symbol: str | None = None
    symbols: str | None = None
    permissions: str | None = None
    symbol_status: str | None = None


class DepthQuery(Asked, frozen=True, kw_only=True):
    """GET depth."""

    symbol: str
    limit: int = 100


class PublicTradesQuery(Asked, frozen=True, kw_only=True):
    """GET trades."""

    symbol: str
    limit: int = 500


class HistoricalTradesQuery(PublicTradesQuery, frozen=True, kw_only=True):
    """GET historicalTrades."""

    from_id: AnyId | None = None


class AggTradesQuery(HistoricalTradesQuery, frozen=True, kw_only=True):
    """GET aggTrades; times in epoch milliseconds, both included."""

    start_time: Milliseconds | None = None
    end_time: Milliseconds | None = None


class KlinesQuery(Asked, frozen=True, kw_only=True):
    """GET klines; times in epoch milliseconds, both included."""

    symbol: str
    interval: str
    start_time: Milliseconds | None = None
    end_time: Milliseconds | None = None
    time_zone: str = "0"
    limit: int = 500


class AveragePriceQuery(Asked, frozen=True, kw_only=True):
    """GET avgPrice."""

    symbol: str


class TickerNamesQuery(Asked, frozen=True, kw_only=True):
    """GET ticker/price and ticker/bookTicker: of one symbol, of a list, or of all."""

    symbol: str | None = None
    symbols: str | None = None


class DayTickerQuery(TickerNamesQuery, frozen=True, kw_only=True):
    """GET ticker/24hr."""

    type: TickerType = "FULL"


class TradingDayQuery(DayTickerQuery, frozen=True, kw_only=True):
    """GET ticker/tradingDay."""

    time_zone: str = "0"


class WindowTickerQuery(DayTickerQuery, frozen=True, kw_only=True):
    """GET ticker."""

    window_size: str = "1d"


def query(kind: type[T]) -> T:
    """The query of the current request. Raises BinanceError."""
    return read(parameters(request.query_string.decode("utf-8", "replace"), b""), kind)


def rows_of(limit: int, most: int = MAX_ROWS) -> int:
    """How many rows are given for a limit: no more than `most`. Raises BinanceError -1130 for none."""
    if limit < 1:
        raise invalid("limit")
    return min(limit, most)


def invalid(name: str) -> BinanceError:
    """The error for a value that can be read and makes no sense."""
    return BinanceError(-1130, f"Data sent for parameter '{name}' is not valid.")


def span_of(asked: AggTradesQuery) -> Span:
    """Which trades the aggregates are of. Raises BinanceError -1128 for an id and a time."""
    if asked.from_id is not None and (asked.start_time is not None or asked.end_time is not None):
        raise BinanceError(-1128, "Combination of optional parameters invalid.")
    return Span(asked.from_id, _nanoseconds(asked.start_time), _nanoseconds(asked.end_time))


def calendar_of(asked: KlinesQuery) -> Calendar:
    """The intervals of candles. Raises BinanceError -1120, -1130."""
    try:
        interval = KlineInterval(asked.interval)
    except ValueError:
        raise BinanceError(-1120, "Invalid interval.") from None
    return Calendar(interval, offset_of(asked.time_zone))


def _nanoseconds(time_ms: int | None) -> int | None:
    """In epoch nanoseconds; what is beyond all trades is the last moment that they can have."""
    return None if time_ms is None else min(time_ms * MILLISECOND_NS, LATEST_NS)


def offset_of(zone: str) -> int:
    """The seconds that a time zone such as `-4` or `5:45` is ahead of UTC. Raises BinanceError -1130."""
    written = _ZONE(zone.strip())
    if written is None:
        raise invalid("timeZone")
    sign, hours, minutes = written.groups()
    offset = int(hours) * 3_600 + int(minutes or 0) * 60
    if offset > (MAX_OFFSET_S - 7_200 if sign == "-" else MAX_OFFSET_S):
        raise invalid("timeZone")
    return -offset if sign == "-" else offset


def window_minutes(size: str) -> int:
    """The minutes of a window such as `15m` or `4h`; a day is the longest. Raises BinanceError -1130."""
    written = _WINDOW(size)
    if written is None:
        raise invalid("windowSize")
    most, minutes = _WINDOW_UNITS[written.group(2)]
    count = int(written.group(1))
    if count > most:
        raise invalid("windowSize")
    return count * minutes


def names_of(symbol: str | None, symbols: str | None) -> list[str] | None:
    """The names that a request lists; None: it asks for all. Raises BinanceError."""
    if symbol is not None and symbols is not None:
        raise BinanceError(-1128, "Combination of optional parameters invalid.")
    if symbol is not None:
        return [symbol]
    if symbols is None:
        return None
    try:
        names = msgspec.json.decode(symbols, type=list[str])
    except ValueError:  # DecodeError, or a text that is none
        legal = '^\\[("[A-Z0-9-_.]{1,32}"(,"[A-Z0-9-_.]{1,32}"){0,}){0,1}\\]$'
        raise BinanceError(
            -1100, f"Illegal characters found in parameter 'symbols'; legal range is '{legal}'."
        ) from None
    if not 1 <= len(names) <= MAX_NAMES:
        raise invalid("symbols")
    if len(set(names)) < len(names):
        raise BinanceError(-1101, "Duplicate values for parameter 'symbols'.")
    return names
