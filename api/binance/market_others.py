"""What clients ask for besides a spot market, and what there is none of here: margin, futures, a chain of coins.

The lists are empty, so that clients load with the options that they come with.
Layer: api.binance.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
from flask import Blueprint, Response

from api.binance.market_info import ExchangeInfo, RateLimit
from api.binance.numbers import milliseconds
from api.binance.surface import described
from api.http.documented import Access
from api.http.responses import answer


class SystemStatus(msgspec.Struct, frozen=True):
    """GET system/status."""

    status: Literal[0, 1]  # 1: no orders are taken
    msg: Literal["normal", "system_maintenance"]


class Coin(msgspec.Struct, frozen=True):
    """A coin that comes and goes by chains: there are none."""

    coin: str


class MarginPair(msgspec.Struct, frozen=True):
    """A pair that can be traded on margin: there are none."""

    symbol: str


def add_others(
    routes: Blueprint, rate_limits: list[RateLimit], clock: Callable[[], int], accepting: Callable[[], bool]
) -> None:
    """Add these routes. `clock` gives the venue's time in epoch nanoseconds; `accepting`: whether orders are taken."""

    @routes.get("/sapi/v1/system/status")
    @described(Access.PUBLIC, SystemStatus)
    def system_status() -> Response:
        """Whether orders are taken."""
        return answer(SystemStatus(0, "normal") if accepting() else SystemStatus(1, "system_maintenance"))

    @routes.get("/sapi/v1/margin/allPairs")
    @described(Access.PUBLIC, list[MarginPair])
    def margin_pairs() -> Response:
        """Nothing: there is no margin here."""
        return answer([])

    @routes.get("/sapi/v1/margin/isolated/allPairs")
    @described(Access.PUBLIC, list[MarginPair])
    def isolated_pairs() -> Response:
        """Nothing: there is no margin here."""
        return answer([])

    @routes.get("/fapi/v1/exchangeInfo")
    @described(Access.PUBLIC, ExchangeInfo)
    def linear_futures() -> Response:
        """No symbols: there are no futures here."""
        return answer(_nothing_listed())

    @routes.get("/dapi/v1/exchangeInfo")
    @described(Access.PUBLIC, ExchangeInfo)
    def inverse_futures() -> Response:
        """No symbols: there are no futures here."""
        return answer(_nothing_listed())

    def _nothing_listed() -> ExchangeInfo:
        return ExchangeInfo(server_time=milliseconds(clock()), rate_limits=rate_limits, symbols=[])
